import json
from pathlib import Path

import pytest

from tests.aryk.commands import run
from tests.hydrology.registry import small

EXAMPLE = str(Path(__file__).parents[2] / "registry")


def test_a_good_registry_is_summed_up() -> None:
    result = run("registry", "check", EXAMPLE)
    assert result.exit_code == 0
    assert "stations     16 with 34 sensors and 14 ratings" in result.stdout
    assert "Worth a look" not in result.stdout


def test_a_wrong_one_exits_with_2_and_names_the_line(tmp_path: Path) -> None:
    folder = small.write(tmp_path, out=small.OUT.replace("gw-1", "gw-2"))
    result = run("registry", "check", str(folder))
    assert result.exit_code == 2
    assert f"{folder}/stations/out.toml:7: sensors[0].gateway: " in result.stderr
    assert "(did you mean 'gw-1'?)" in result.stderr


def test_what_is_worth_a_look_is_no_error(tmp_path: Path) -> None:
    folder = str(small.write(tmp_path))
    result = run("registry", "check", folder)
    assert result.exit_code == 0
    assert "station out: it has no position, so no map shows it" in result.stdout
    assert "Worth a look" not in run("registry", "check", "--quiet", folder).stdout


def test_a_station_in_plain_words() -> None:
    result = run("registry", "show", "canal-head", "--registry", EXAMPLE)
    assert result.exit_code == 0
    said = result.stdout.splitlines()
    assert said[0] == "canal-head   Main canal, head gates"
    assert "gauge zero   781.200 m Baltic 1977" in said
    assert "discharge    calibrated 2025: sluice gate on head-up" in said
    assert "upstream     reservoir (canal main)" in said
    assert any(line.endswith("canal-km8 (reach main/upper, 8 km, 100 min)") for line in said)


def test_the_calibration_in_force_is_shown() -> None:
    said = run("registry", "show", "river-bridge", "--registry", EXAMPLE).stdout
    assert "calibration in force since 2026-03-20: reading -0.012 m, by Hydropost team 2" in said
    document = json.loads(run("registry", "show", "river-bridge", "--registry", EXAMPLE, "--json").stdout)
    assert document["calibrations_in_force"]["bridge-level"]["offset"] == -0.012


def test_a_station_as_a_document() -> None:
    document = json.loads(run("registry", "show", "turnout-f", "--registry", EXAMPLE, "--json").stdout)
    assert document["in_force"]["discharge"]["law"] == "parshall flume"
    assert document["users"] == ["saryozek"]
    assert "river-bridge" in document["all_upstream"]


def test_a_station_that_is_not_there() -> None:
    result = run("registry", "show", "well-nort", "--registry", EXAMPLE)
    assert result.exit_code == 2
    assert "did you mean well-north" in result.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("bridge", "did you mean river-bridge (Talas river, road bridge)?"),
        ("km8", "did you mean canal-km8 (Main canal, regulator km 8)?"),
        ("canal-haed", "did you mean canal-head (Main canal, head gates)"),
        ("bridge-level", "it is a sensor of river-bridge"),
        ("nosuch", "the registry has canal-head, turnout-a, turnout-b, canal-km8, "),
    ],
)
def test_a_wrong_name_brings_those_that_may_be_meant(wrong: str, said: str) -> None:
    result = run("registry", "show", wrong, "--registry", EXAMPLE)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_empty_registry_or_a_spreadsheet_is_not_good(tmp_path: Path) -> None:
    sheet, empty = tmp_path / "empty.csv", tmp_path / "empty.toml"
    sheet.touch()
    empty.touch()
    refused = run("registry", "check", str(sheet))
    assert refused.exit_code == 2
    assert "is a spreadsheet, and a registry is of TOML files (`aryk registry import" in refused.stderr
    nothing = run("registry", "check", str(empty))
    assert nothing.exit_code == 2
    assert "there is no district and no station in it" in nothing.stderr
    empty.write_text('[districts.d]\nname = "D"\n')
    assert "there is no station yet" in run("registry", "check", str(empty)).stdout


def test_from_the_template_to_a_registry_that_is_good(tmp_path: Path) -> None:
    sheet, into = tmp_path / "stations.csv", tmp_path / "registry"
    sheet.write_text(run("registry", "import", "--template").stdout, encoding="utf-8")
    refused = run("registry", "import", str(sheet), "--into", str(into))
    assert refused.exit_code == 2
    assert "give --timezone" in refused.stderr
    assert not into.exists()
    taken = run("registry", "import", str(sheet), "--into", str(into), "--timezone", "Asia/Almaty")
    assert taken.exit_code == 0
    assert "1 stations with 2 sensors, 1 new districts, 1 new gateways" in taken.stdout
    assert run("registry", "check", str(into)).exit_code == 0
    again = run("registry", "import", str(sheet), "--into", str(into))
    assert again.exit_code == 2
    assert "nothing is overwritten" in again.stderr


def test_the_columns_are_explained() -> None:
    assert "gauge zero in the height system, m" in run("registry", "import", "--columns").stdout


@pytest.mark.parametrize("command", ["check", "import", "show"])
def test_help_has_an_example(command: str) -> None:
    assert f"aryk registry {command}" in run("registry", command, "--help").stdout


def test_import_asks_for_a_spreadsheet() -> None:
    assert run("registry", "import").exit_code == 2
