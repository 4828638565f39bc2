from pathlib import Path

import pytest

from hydrology.load import load_registry, read_all, read_spreadsheet, write_new
from hydrology.registry.stations import StationKind
from hydrology.registry_csv import COLUMNS, TEMPLATE, plan_import
from hydrology.spreadsheet_words import COLUMNS_RU, KINDS_RU, QUANTITIES_RU
from settings import SettingsError
from tests.hydrology.registry import small
from wire.quantities import QUANTITIES

ZONE = "Asia/Almaty"


def faults(text: str, into: Path, zone: str | None = ZONE) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        plan_import(text, Path("s.csv"), into, read_all(into), zone)
    assert not (into / "stations" / "new.toml").exists()
    return str(caught.value).splitlines()


def test_the_template_becomes_a_registry(tmp_path: Path) -> None:
    into = tmp_path / "registry"
    write_new(plan_import(TEMPLATE, Path("s.csv"), into, read_all(into), ZONE).files)
    registry = load_registry(into)
    (station,) = registry.stations
    assert (station.id, [sensor.id for sensor in station.sensors]) == ("main-km6", ["km6-level", "km6-battery"])
    assert station.datum is not None
    assert station.datum.zero_m == 779.4
    assert station.sensors[0].thresholds.major == 2.8
    assert station.sensors[0].span == (0.0, 4.0)
    assert registry.districts["talas"].timezone == ZONE


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    text = "station;name;district;latitude;longitude;sensor;gateway;quantity;resolution\n"
    text += 'new;"Канал; км 6";north;42,47;69,76;l;gw-9;level;0,001\n'
    small.write(tmp_path)
    into = tmp_path / "registry"
    plan = plan_import(text, Path("s.csv"), into, read_all(into))
    assert plan.gateways == ["gw-9"]
    write_new(plan.files)
    station = load_registry(into).stations[1]
    assert (station.name, station.latitude, station.sensors[0].resolution) == ("Канал; км 6", 42.47, 0.001)
    assert (into / "from-s.toml").exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    into = small.write(tmp_path)
    before = (into / "stations" / "out.toml").read_text(encoding="utf-8")
    said = faults("station,name,district\nout,Out,north\nnew,New,north\n", into)
    assert said[0].endswith("out.toml is there already (nothing is overwritten)")
    assert said[0].startswith("s.csv:2: station:")
    assert (into / "stations" / "out.toml").read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("station,nmae\nnew,x\n", "s.csv:1: nmae: this column is not known"),
        ("name\nx\n", "s.csv:1: station: this column is missing"),
        ("", "s.csv:1: the file is empty"),
        ("station\n\n", "s.csv:1: there are no rows"),
        ("station,name\nnew,x\n", "s.csv:2: district: this cell is needed"),
        ("station,name,district,latitude\nnew,x,north,abc\n", "s.csv:2: latitude: 'abc' is not a number"),
        ("station,name,district,latitude,longitude\nnew,x,north,98,70\n", "s.csv:2: latitude: input should be less"),
        ("station,name,district,kind\nnew,x,north,lake\n", "s.csv:2: kind: input should be 'canal_gauge'"),
        (
            "station,name,district,kind\nnew,x,north,речка\n",
            "s.csv:2: kind: input should be 'canal_gauge', 'river_gauge', 'reservoir', 'well', 'hydropower' or 'rain' "
            "(it is 'речка')",
        ),
        ("station,name,district\nnew,x,south\n", "s.csv:2: district: there is no district 'south' (give --timezone"),
        ("station,name,district\nnew,x,north\nnew,y,north\n", "s.csv:3: name: y here, x on a line before"),
        (
            "station,name,district,sensor,gateway,quantity\nnew,x,north,a,gw-1,level\nnew,,,b,gw-1,levle\n",
            "s.csv:3: quantity 'levle' is not known",
        ),
        (
            "station,name,district,sensor,gateway,quantity\nnew,x,north,out-level,gw-1,level\n",
            "s.csv:2: sensor: gateway 'gw-1' has two sensors 'out-level'",
        ),
        (
            "station,name,district,sensor,gateway,quantity,span_low\nnew,x,north,a,gw-1,level,1\n",
            "s.csv:2: span_low: give both ends",
        ),
        (
            "station,name,district,sensor,gateway,quantity,span_low,span_high\nnew,x,north,a,gw-1,level,3,1\n",
            "s.csv:2: span_low: write the low end first",
        ),
        ("station,name,district\nnew,x,north,1\n", "s.csv:2: 4 cells under 3 columns"),
        ("station,name,district\nbad id,x,north\n", "s.csv:2: station: not an id: letters of A to Z"),
    ],
)
def test_an_error_names_the_line_and_the_column(tmp_path: Path, text: str, said: str) -> None:
    lines = faults(text, small.write(tmp_path), None)
    assert any(line.startswith(said) for line in lines), lines


def test_a_registry_that_is_wrong_already_is_said_first(tmp_path: Path) -> None:
    into = small.write(tmp_path, out="id = 7\n")
    assert "stations/out.toml:1: id" in faults("station,name,district\nnew,New,north\n", into)[0]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_bytes(b"\xef\xbb\xbfstation,name,district\nnew,New,north\n")
    into = small.write(tmp_path)
    assert plan_import(read_spreadsheet(file), file, into, read_all(into)).stations == 1


RUSSIAN = (
    "Код поста;Название;Район;Тип;Водоток;Широта;Долгота;Нуль поста, м;Система высот;"
    "Датчик;Шлюз;Величина;Интервал;Внимание (м);ОЯ\n"
    "new;Талас — «мост»;north;Река;Талас;42,512;72,214;1 812,40;Балтийская 1977;level;gw-1;Уровень;15 мин;2,8;4,6\n"
    ";;;;;;;;;battery;gw-1;Батарея;1 ч;;\n"
)


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", ["{}", "sep=;\r\n{}"])
def test_a_russian_spreadsheet_as_excel_saves_it(tmp_path: Path, encoding: str, form: str) -> None:
    file = tmp_path / "посты.csv"
    file.write_bytes(form.format(RUSSIAN.replace("\n", "\r\n")).encode(encoding))
    into = small.write(tmp_path)
    write_new(plan_import(read_spreadsheet(file), file, into, read_all(into)).files)
    station = next(one for one in load_registry(into).stations if one.id == "new")
    assert (station.name, station.kind, station.river_or_canal) == ("Талас — «мост»", "river_gauge", "Талас")
    assert station.datum is not None
    assert (station.datum.zero_m, station.datum.system) == (1812.4, "Балтийская 1977")
    level, battery = station.sensors
    assert (level.quantity, level.interval, level.thresholds.action, level.thresholds.dangerous) == (
        "level",
        900,
        2.8,
        4.6,
    )
    assert (battery.quantity, battery.interval) == ("battery_voltage", 3600)


def test_a_tab_delimited_text_of_excel(tmp_path: Path) -> None:
    file = tmp_path / "s.txt"
    file.write_bytes("station\tname\tdistrict\nnew\tКанал, км 6\tnorth\n".encode("utf-16"))
    into = small.write(tmp_path)
    plan = plan_import(read_spreadsheet(file), file, into, read_all(into))
    assert 'name = "Канал, км 6"' in next(iter(plan.files.values()))


@pytest.mark.parametrize("content", [b"station,name\nnew,Fl\xfc\xdfe\xb5\n", b"PK\x03\x04\x00\x98", b"\xff\xfea"])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "s.csv"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="save it as CSV UTF-8"):
        read_spreadsheet(file)


def test_a_line_behind_excels_first_one_keeps_its_number(tmp_path: Path) -> None:
    said = faults("sep=;\nstation;name;district;latitude\nnew;x;north;abc\n", small.write(tmp_path))
    assert said[0].startswith("s.csv:3: latitude: 'abc' is not a number")


def test_every_russian_name_is_of_a_column_and_of_one_only() -> None:
    assert set(COLUMNS_RU) == set(COLUMNS)
    names = [name for others in COLUMNS_RU.values() for name in others]
    assert len(names) == len(set(names))
    assert set(KINDS_RU.values()) == {kind.value for kind in StationKind}
    assert set(QUANTITIES_RU.values()) <= set(QUANTITIES)


IN_CM = (
    "station;name;district;Нуль поста, см;Система высот;sensor;gateway;quantity;Диапазон от, мм;Диапазон до, мм;НЯ, см;{}\n"
    "new;x;north;81235;Балтийская;stage;gw-1;{};0;5000;215;280\n"
)


@pytest.mark.parametrize("header", ["ОЯ, см", "ОЯ (см)", "ОЯ, см над нулём поста", "dangerous, cm"])
def test_a_unit_in_a_columns_name_is_that_of_its_numbers(tmp_path: Path, header: str) -> None:
    into = small.write(tmp_path)
    write_new(plan_import(IN_CM.format(header, "уровень"), Path("s.csv"), into, read_all(into)).files)
    station = next(one for one in load_registry(into).stations if one.id == "new")
    assert station.datum is not None
    assert station.datum.zero_m == 812.35
    (stage,) = station.sensors
    assert (stage.span, stage.thresholds.adverse, stage.thresholds.dangerous) == ((0.0, 5.0), 2.15, 2.8)


def test_what_is_no_unit_behind_a_columns_name_is_a_remark(tmp_path: Path) -> None:
    into = small.write(tmp_path)
    text = "station;name;district;sensor;gateway;quantity;ОЯ (опасное)\nnew;x;north;stage;gw-1;level;2,8\n"
    write_new(plan_import(text, Path("s.csv"), into, read_all(into)).files)
    station = next(one for one in load_registry(into).stations if one.id == "new")
    assert station.sensors[0].thresholds.dangerous == 2.8


def test_a_unit_in_a_columns_name_that_a_rows_number_cannot_have_is_refused(tmp_path: Path) -> None:
    said = faults(IN_CM.format("ОЯ, см", "расход"), small.write(tmp_path))
    assert any(line.startswith("s.csv:2: dangerous: the column is in cm, this row's number in m3/s") for line in said)
