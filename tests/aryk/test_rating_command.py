import json
import tomllib
from pathlib import Path

import pytest

from tests.aryk.commands import run

NORDURA = str(Path(__file__).parents[1] / "hydrology" / "nordura.csv")


def test_one_segment_of_the_references_gaugings() -> None:
    document = json.loads(run("rating", "fit", NORDURA, "--segments", "1", "--json").stdout)
    (segment,) = document["segments"]
    assert segment["a"] == pytest.approx(15.140, abs=1e-3)
    assert segment["e_m"] == pytest.approx(0.87006, abs=1e-4)
    assert segment["b"] == pytest.approx(2.1791, abs=1e-3)
    assert document["standard_error_pct"] == pytest.approx(8.32, abs=0.01)
    assert len(document["residuals"]) == 35


def test_plain_words_and_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "fit.png"
    said = run("rating", "fit", NORDURA, "--segments", "1", "--plot", str(picture)).stdout
    assert "segment 1    Q = 15.14 (h -0.8701)^2.1791" in said
    assert "std. error   8.32 % of Q (residuals of ln Q, 35 - 3)" in said
    assert "far off      line 33: 4.525 m, 303 m3/s, +18.8 %" in said
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_number_of_segments_is_chosen_and_said_why() -> None:
    said = run("rating", "fit", NORDURA).stdout.splitlines()[0]
    assert said.startswith("segments     1 of plausible exponents and least BIC (standard errors 1: 8.32 %, 2: ")


def test_toml_for_the_stations_file() -> None:
    said = run("rating", "fit", NORDURA, "--segments", "1", "--toml", "--name", "2026", "--from", "2026-04-01").stdout
    (rating,) = tomllib.loads(said)["ratings"]
    assert (rating["name"], rating["effective_from"].isoformat()) == ("2026", "2026-04-01")


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("stage,flow\n1,x\n", [], "g.csv:2: flow: 'x' is not a number"),
        ("stage,flow\n1,1\n2,2\n", [], "g.csv: 1 segments need 4 gaugings, there are 2"),
        ("stage,flow\n1,1\n", ["--stage-unit", "yard"], "unit 'yard' is not known"),
        ("stage,flow\n1,1\n", ["--plot", "fit.jpg"], "--plot: fit.jpg must end in .png or .svg"),
        ("stage,flow\n1,1\n", ["--from", "spring"], "--from: 'spring' is not a day"),
    ],
)
def test_good_errors(tmp_path: Path, text: str, arguments: list[str], said: str) -> None:
    file = tmp_path / "g.csv"
    file.write_text(text, encoding="utf-8")
    result = run("rating", "fit", str(file), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_help_has_an_example() -> None:
    assert "aryk rating fit gaugings.csv" in run("rating", "fit", "--help").stdout
