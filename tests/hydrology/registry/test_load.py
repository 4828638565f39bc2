import gc
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.load import RegistryReader, _parse, load_registry
from settings import SettingsError
from settings.load import parse_toml
from tests.hydrology.registry import small


def faults(path: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        load_registry(path)
    return str(caught.value)


def test_a_folder_is_read_as_one(tmp_path: Path) -> None:
    registry = load_registry(small.write(tmp_path))
    assert [station.id for station in registry.stations] == ["head", "out"]
    assert registry.sensors_by_gateway()["gw-1"]["out-level"][0].id == "out"
    assert registry.users[0].turnouts == ("out",)


def test_a_folder_and_one_file_say_the_same(tmp_path: Path) -> None:
    folder = small.write(tmp_path)
    single = tmp_path / "one.toml"
    stations = ["[[stations]]\n" + text.replace("[[", "[[stations.") for text in (small.HEAD, small.OUT)]
    single.write_text("\n".join([small.DISTRICTS, *stations, small.CANALS, small.USERS]), encoding="utf-8")
    assert load_registry(single).model_dump() == load_registry(folder).model_dump()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param(
            {"out": small.OUT.replace('unit = "m"', 'unti = "m"')},
            "stations/out.toml:9: sensors[0].unti: this key is not known (did you mean 'unit'?)",
            id="unknown key",
        ),
        pytest.param(
            {"out": small.OUT.replace('unit = "m"', 'unit = "cm"')},
            "stations/out.toml:5: sensors[0]: level is stored in 'm', not in 'cm'",
            id="wrong unit",
        ),
        pytest.param({"out": small.OUT + "x = = 1\n"}, "stations/out.toml:14: not TOML: Invalid value", id="not TOML"),
        pytest.param(
            {"out": small.OUT.replace('id = "out"', 'id = "other"')},
            "stations/out.toml:1: id: the file is named out, its station other (give both the same name)",
            id="another id than the file's name",
        ),
        pytest.param(
            {"out": small.OUT.replace("gw-1", "gw-2")},
            "stations/out.toml:7: sensors[0].gateway: sensor out/out-level: there is no gateway 'gw-2' "
            "(did you mean 'gw-1'?)",
            id="gateway of another file",
        ),
        pytest.param(
            {"users": small.USERS.replace('["out"]', '["oot"]')},
            "users.toml:5: users[0].turnouts[0]: there is no station 'oot' (did you mean 'out'?)",
            id="station of another file",
        ),
        pytest.param(
            {"canals": small.CANALS.replace('head = "head"', 'head = "haed"')},
            "canals.toml:8: canals[0].reaches[0].head: there is no station 'haed' (did you mean 'head'?)",
            id="meter of a reach",
        ),
        pytest.param(
            {"users": small.USERS + small.DISTRICTS},
            "users.toml:14: districts.north: the district 'north' is in districts.toml too (keep one of them)",
            id="a district twice",
        ),
        pytest.param(
            {"out": small.OUT.replace("2026-04-01", "2026-04-01T00:00:00")},
            "stations/out.toml:12: ratings[0].effective_from: a time needs its offset",
            id="a time without offset",
        ),
        pytest.param(
            {"out": small.OUT.replace('"9in"', '"11in"')},
            "stations/out.toml:13: ratings[0].structure",
            id="a flume that is not made",
        ),
        pytest.param(
            {"users": small.USERS.replace("12.0", "12_000_000")},
            "users.toml:9: users[0].limits[0].volume_hm3: 1.2e+07 cannot be: write 0 to 100000 (hm3, millions of m3)",
            id="a limit in m3",
        ),
        pytest.param(
            {"canals": small.CANALS.replace("4.0", "4000")},
            "canals.toml:9: canals[0].reaches[0].length_km: 4000 cannot be: write 0.001 to 2000 (km",
            id="a reach in m",
        ),
        pytest.param(
            {"head": small.HEAD.replace("width_m = 2.0", "width_m = 2000")},
            "stations/head.toml:20: ratings[0].structure.width_m: 2000 cannot be: write 0.01 to 100 (m, one plate, gate",
            id="a gate in mm",
        ),
    ],
)
def test_a_fault_names_file_line_key_and_mend(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    folder = small.write(tmp_path, **changed)
    assert f"{folder}/{said}" in faults(folder)


def test_faults_of_several_files_come_at_once(tmp_path: Path) -> None:
    folder = small.write(
        tmp_path,
        out=small.OUT.replace('name = "Turnout"\n', ""),
        users=small.USERS.replace("12.0", '"much"'),
    )
    said = faults(folder)
    assert "out.toml" in said
    assert "users.toml:9: users[0].limits[0].volume_hm3" in said


def test_a_file_of_another_encoding_is_named_with_the_line(tmp_path: Path) -> None:
    folder = small.write(tmp_path)
    file = folder / "stations" / "out.toml"
    file.write_bytes(small.OUT.replace("Turnout", "Отвод").encode("cp1251"))
    assert faults(folder) == f"{file}:2: is not UTF-8 text (save it as UTF-8)"
    file.write_bytes(small.OUT.replace("Turnout", "Отвод").encode("utf-8-sig"))
    assert load_registry(folder).stations[1].name == "Отвод"


def test_nothing_there(tmp_path: Path) -> None:
    assert "there are no .toml files in it" in faults(tmp_path)
    assert "there is no such file" in faults(tmp_path / "registry.toml")


def test_hidden_files_are_no_part_of_it(tmp_path: Path) -> None:
    folder = small.write(tmp_path)
    (folder / "stations" / ".#out.toml").write_text("an editor's", encoding="utf-8")
    assert len(load_registry(folder).stations) == 2


def test_only_changed_files_are_parsed_again(tmp_path: Path) -> None:
    folder = small.write(tmp_path)
    reader = RegistryReader(folder)
    before = reader.read()
    file = folder / "stations" / "out.toml"
    file.write_text(small.OUT.replace("Turnout", "Turnout 1"), encoding="utf-8")
    after = reader.read()
    assert after.stations[1].name == "Turnout 1"
    assert after.stations[0] is before.stations[0]


def test_a_file_of_the_same_size_and_time_but_new_is_seen(tmp_path: Path) -> None:
    folder = small.write(tmp_path)
    reader = RegistryReader(folder)
    reader.read()
    file = folder / "stations" / "out.toml"
    old = file.stat()
    other = tmp_path / "new"
    other.write_text(small.OUT.replace("Turnout", "TURNOUT"), encoding="utf-8")
    os.utime(other, ns=(old.st_atime_ns, old.st_mtime_ns))
    other.replace(file)
    assert reader.read().stations[1].name == "TURNOUT"


def test_a_fault_is_told_again_until_it_is_mended(tmp_path: Path) -> None:
    folder = small.write(tmp_path, out=small.OUT.replace('"level"', '"levle"'))
    reader = RegistryReader(folder)
    for _ in range(2):
        with pytest.raises(SettingsError, match="levle"):
            reader.read()
    small.write(tmp_path)
    assert len(reader.read().stations) == 2


_KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
_VALUES = st.recursive(
    st.one_of(
        st.integers(-(2**63), 2**63 - 1).map(str),
        st.floats(allow_nan=False).map(repr),
        st.booleans().map(lambda value: str(value).lower()),
        st.dates().map(lambda value: value.isoformat()),
        st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters='"\\')).map(
            lambda value: f'"{value}"'
        ),
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
    max_leaves=4,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=4), st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_the_fast_parser_reads_what_tomllib_reads(top: dict[str, str], row: dict[str, str]) -> None:
    lines = [f"{key} = {value}" for key, value in top.items()]
    lines += ["[[zz-rows]]", *(f"{key} = {value}" for key, value in row.items())]
    text = "\n".join(lines)
    assert _parse(text, Path("x")) == parse_toml(text)


def test_garbage_is_looked_for_again_afterwards(tmp_path: Path) -> None:
    folder = small.write(tmp_path)
    load_registry(folder)
    assert gc.isenabled()
    small.write(tmp_path, out="id = 7\n")
    faults(folder)
    assert gc.isenabled()
