import json
import tomllib
from pathlib import Path

import pytest

from hydrology.registry import Rating
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


def gaugings(folder: Path, header: str = "stage,flow", scale: float = 1.0) -> str:
    """Gaugings of 8 (h - 0.2)^1.5 with errors of either sign."""
    stages = [0.4 + 0.1 * k for k in range(12)]
    noise = (1.02, 0.99, 0.98, 1.01, 0.99, 1.03, 0.97, 0.99, 1.02, 1.01, 0.98, 1.01)
    rows = [f"{h * scale:.4f},{8 * (h - 0.2) ** 1.5 * part:.4f}" for h, part in zip(stages, noise, strict=True)]
    file = folder / "gaugings.csv"
    file.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return str(file)


def test_toml_for_the_stations_file(tmp_path: Path) -> None:
    file = gaugings(tmp_path)
    result = run("rating", "fit", file, "--segments", "1", "--toml", "--name", 'the "new" one', "--from", "2026-04-01")
    (rating,) = tomllib.loads(result.stdout)["ratings"]
    assert (rating["name"], rating["effective_from"].isoformat()) == ('the "new" one', "2026-04-01")
    assert Rating.model_validate(rating).segments[0].b == pytest.approx(1.5, abs=0.1)
    assert result.stderr == f'{file}: stage is "stage" in m, flow is "flow" in m3/s\n'


def test_a_doubtful_fit_is_written_only_where_it_is_asked_for() -> None:
    arguments = ["rating", "fit", NORDURA, "--segments", "1", "--toml"]
    refused = run(*arguments)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "no rating is written, the fit is doubtful: a bend is not followed (runs)." in refused.stderr
    assert "--despite-warnings" in refused.stderr
    asked = run(*arguments, "--despite-warnings")
    assert asked.exit_code == 0
    assert "the fit is doubtful: a bend is not followed" in asked.stderr
    assert tomllib.loads(asked.stdout)["ratings"][0]["segments"][0]["b"] == pytest.approx(2.1791, abs=1e-3)
    assert json.loads(run(*arguments[:-1], "--json").stdout)["doubts"] == ["a bend is not followed (runs)"]


def test_centimetres_without_their_name_and_what_no_registry_takes_are_not_written(tmp_path: Path) -> None:
    file = gaugings(tmp_path, scale=100)
    refused = run("rating", "fit", file, "--toml", "--segments", "1")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "the stages span 110 m: are they in m?" in refused.stderr
    assert "they span 110 m: are they in m? See --stage-unit" in run("rating", "fit", file, "--segments", "1").stdout
    close = tmp_path / "close.csv"
    close.write_text("stage,flow\n" + "".join(f"{1 + k * 1e-9:.12f},{1 + k}\n" for k in range(8)))
    refused = run("rating", "fit", str(close), "--toml", "--segments", "1", "--despite-warnings")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "no rating is written, no registry would take it:" in refused.stderr


def test_the_columns_that_were_taken_are_said_and_a_unit_in_their_name_counts(tmp_path: Path) -> None:
    plain = json.loads(run("rating", "fit", gaugings(tmp_path), "--json").stdout)
    file = gaugings(tmp_path, '"H, cm","Расход (м3/с)"', 100)
    found = json.loads(run("rating", "fit", file, "--json").stdout)
    assert found["segments"][0]["e_m"] == pytest.approx(plain["segments"][0]["e_m"])
    said = run("rating", "fit", file, "--segments", "1").stdout
    assert said.startswith('columns      stage is "H, cm" in cm, flow is "Расход (м3/с)" in m3/s\n')
    against = run("rating", "fit", file, "--stage-unit", "m")
    assert against.exit_code == 2
    assert "gaugings.csv:1: H, cm: the column is in cm, --stage-unit says m (leave --stage-unit out" in against.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("stage,flow\n1,x\n", [], "g.csv:2: flow: 'x' is not a number"),
        ("stage,flow\n1,1\n2,nan\ninf,3\n", [], "g.csv:3: flow: 'nan' is not a number"),
        ("stage,flow\n1,1\n2,nan\ninf,3\n", [], "g.csv:4: stage: 'inf' is not a number"),
        ("stage,flow\n1,1\n2,2\n", [], "g.csv: 1 segments need 4 gaugings, there are 2"),
        (f"stage,flow\n{'9' * 140_000},1\n", [], "g.csv:2: is no row of a CSV file: field larger than"),
        ("stage,flow\n1,1\n", ["--toml", "--json"], "give --toml or --json, one of them"),
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
