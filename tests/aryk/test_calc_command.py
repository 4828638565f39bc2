"""`aryk calc` beside the reference's figures (hydrology.md, sections 1.3, 1.4 and 2)."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.aryk.commands import run

EXAMPLE = str(Path(__file__).parents[2] / "registry")
FLUME = 'kind = "parshall_flume"\nsize = "9in"\n'
GATE = 'kind = "sluice_gate"\nwidth_m = 2.0\n'
NOTCH = 'kind = "v_notch_weir"\nheight_m = 0.95\nchannel_m = 1.9\n'
THROAT = 'kind = "broad_crested_weir"\nwidth_m = 1\nlength_m = 1.5\nheight_m = 1\nchannel_m = 1\n'


def calc(folder: Path, text: str, *arguments: str, what: str = "discharge") -> Any:
    file = folder / "it.toml"
    file.write_text(text, encoding="utf-8")
    result = run("calc", what, str(file), *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("text", "arguments", "m3s", "tolerance", "regime", "flag"),
    [
        pytest.param(FLUME, ["--head", "0.30"], 0.08485, 1e-3, "free", 1, id="Parshall 9 in, .30 m"),
        pytest.param(
            'kind = "parshall_flume"\nsize = "2ft"\n',
            ["--head", "0.65974"],
            0.75,
            2e-3,
            "free",
            1,
            id="Utah State 0.61 m",
        ),
        pytest.param(NOTCH, ["--head", "20cm"], 0.024686, 1e-3, "free", 1, id="V-notch 90 deg, .20 m"),
        pytest.param(
            GATE,
            ["--head", "1.5", "--opening", "30cm", "--tail", "0.2"],
            1.77118,
            1e-3,
            "free orifice",
            1,
            id="gate free",
        ),
        pytest.param(
            GATE,
            ["--head", "1.5", "--opening", "0.3", "--tail", "1.2"],
            0.97676,
            1e-3,
            "submerged orifice",
            1,
            id="gate submerged",
        ),
        pytest.param(THROAT, ["--head", "0.4"], 0.42768, 1e-3, "free", 1, id="long throat, .4 m"),
        pytest.param(
            FLUME, ["--head", "0.30", "--tail", "0.20"], 0.08485, 1e-3, "submerged", 3, id="Parshall submerged"
        ),
    ],
)
def test_the_references_figures(
    tmp_path: Path, text: str, arguments: list[str], m3s: float, tolerance: float, regime: str, flag: int
) -> None:
    answer = calc(tmp_path, text, *arguments)
    assert answer["value"] == pytest.approx(m3s, rel=tolerance)
    assert (answer["unit"], answer["regime"], answer["flag"]) == ("m3/s", regime, flag)
    assert answer["source"]
    assert answer["upper_bound"] == (flag == 3)


def test_plain_words(tmp_path: Path) -> None:
    file = tmp_path / "flume.toml"
    file.write_text(FLUME, encoding="utf-8")
    said = run("calc", "discharge", str(file), "--head", "0.30", "--tail", "0.2").stdout.splitlines()
    assert said[:5] == [
        "discharge    at most 0.08485 m3/s (84.85 L/s)",
        "flag         3 suspect",
        "regime       submerged",
        "uncertainty  not given",
        "source       Parshall 9in (ilri coefficients; head range from memory)",
    ]
    assert said[5].startswith("note         SUBMERGED: hb/ha 0.667, free to 0.6")


def test_drowned_is_no_value(tmp_path: Path) -> None:
    answer = calc(tmp_path, FLUME, "--head", "0.30", "--tail", "0.28")
    assert (answer["value"], answer["flag"]) == (None, 4)


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (FLUME, [], "this needs --head"),
        (FLUME, ["--head", "high"], "--head: 'high' is not a number"),
        (FLUME, ["--head", "nan"], "--head: 'nan' is not a number"),
        (
            'kind = "bottom_outlet"\narea_m2 = 1.8\nmu = 50\n',
            ["--head", "1"],
            "it.toml:3: mu: 50 cannot be: write 0.05 to 1 (no jet carries more than its head drives",
        ),
        (FLUME, ["--head", "1 kg"], "--head: unit 'kg' is not known"),
        (GATE, ["--head", "1"], "this needs --opening"),
        (
            'kind = "parshal_flume"\n',
            ["--head", "1"],
            "it.toml:1: kind: there is no kind 'parshal_flume' (did you mean",
        ),
        ("width_m = 2\n", ["--head", "1"], "kind: kind is missing"),
        ('kind = "parshall_flume"\nsize = "11in"\n', ["--head", "1"], "has no Parshall flume '11in'"),
        ('kind = "sluice_gate"\nwidht_m = 2\n', ["--head", "1"], "it.toml:2: widht_m: this key is not known"),
        ("segments = []\n", ["--head", "1"], "ask it with `aryk calc rating`"),
    ],
)
def test_good_errors(tmp_path: Path, text: str, arguments: list[str], said: str) -> None:
    file = tmp_path / "it.toml"
    file.write_text(text, encoding="utf-8")
    result = run("calc", "discharge", str(file), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_gauge_houses_table_of_a_flume(tmp_path: Path) -> None:
    file = tmp_path / "flume.toml"
    file.write_text(FLUME, encoding="utf-8")
    said = run("calc", "discharge", str(file), "--table").stdout.splitlines()
    row = next(line for line in said if line.startswith("   0.30"))
    assert row.split()[1] == "84.9"


def test_the_gauge_houses_table_of_a_gate(tmp_path: Path) -> None:
    asked = ("--table", "--from", "0.5", "--to", "1.5", "--widest", "50cm")
    rows = calc(tmp_path, GATE, *asked, "--tail", "0")["rows"]
    at = {(row["stage_m"], row["opening_m"]): row for row in rows}
    assert len({opening for _, opening in at}) == 10
    assert at[1.5, 0.3]["value"] == pytest.approx(1.77118, rel=1e-3)
    assert at[1.5, 0.3]["flag"] == 1


def test_a_gates_table_without_a_tail_level_is_doubtful_and_says_so(tmp_path: Path) -> None:
    asked = ("--table", "--from", "0.5", "--to", "1.5", "--widest", "50cm")
    assert {row["flag"] for row in calc(tmp_path, GATE, *asked)["rows"]} == {3}
    (tmp_path / "gate.toml").write_text(GATE, encoding="utf-8")
    said = run("calc", "discharge", str(tmp_path / "gate.toml"), *asked).stdout
    assert said.startswith("no --tail given: every flow is taken as free")
    assert "do not bill by it" in said


def test_an_opening_below_zero_or_a_number_too_large_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(GATE, encoding="utf-8")
    below = run("calc", "discharge", str(tmp_path / "gate.toml"), "--head", "1.5", "--opening", "-1", "--tail", "0")
    assert (below.exit_code, below.stderr) == (2, "--opening: -1 is below zero: a closed gate is 0\n")
    stage = "9" * 250
    large = run("calc", "rating", "--station", "river-bridge", "--registry", EXAMPLE, "--stage", stage)
    assert (large.exit_code, large.stderr) == (2, "--stage: 1e+250 m is no level on earth: look at the unit\n")
    beyond = run("calc", "rating", "--station", "river-bridge", "--registry", EXAMPLE, "--stage", "9" * 400)
    assert (beyond.exit_code, beyond.stderr) == (2, f"--stage: '{'9' * 40}...' is too large a number\n")


def test_a_number_may_have_an_exponent(tmp_path: Path) -> None:
    assert calc(tmp_path, NOTCH, "--head", "2e-1") == calc(tmp_path, NOTCH, "--head", "0.2")
    assert calc(tmp_path, NOTCH, "--head", "1E+3mm")["asked"] == {"head_m": 1.0}
    assert calc(tmp_path, NOTCH, "--head", "\u22120,1 м")["value"] == 0.0


def test_what_the_law_does_not_know_is_not_passed_over(tmp_path: Path) -> None:
    outlet = 'kind = "bottom_outlet"\narea_m2 = 1.8\n'
    asked: list[tuple[str, list[str], str]] = [
        (FLUME, ["--opening", "1"], "--opening: parshall flume has no opening"),
        (outlet, ["--opening", "1"], "--opening: bottom outlet has no opening: give it full_opening_m"),
        (GATE, ["--velocity", "1"], "--velocity: sluice gate does not use it"),
        ('kind = "index_velocity"\nb = 1\nbottom_m = 2\n', ["--tail", "1"], "--tail: index velocity does not use it"),
    ]
    for text, arguments, said in asked:
        (tmp_path / "it.toml").write_text(text, encoding="utf-8")
        result = run("calc", "discharge", str(tmp_path / "it.toml"), "--head", "1", *arguments)
        assert (result.exit_code, result.stderr) == (2, said + "\n")
    result = run("calc", "rating", "--station", "river-bridge", "--registry", EXAMPLE, "--stage", "1", "--tail", "1")
    assert (result.exit_code, result.stderr) == (2, "--tail: a rating by stage alone does not use it\n")


def test_beyond_the_law_there_is_no_uncertainty_and_where_nothing_can_be_no_value(tmp_path: Path) -> None:
    assert calc(tmp_path, FLUME, "--head", "0.3")["uncertainty_pct"] == 5.0
    beyond = calc(tmp_path, FLUME, "--head", "0.9")
    assert (beyond["flag"], beyond["uncertainty_pct"]) == (3, None)
    for text, arguments in ((GATE, ["--head", "500", "--opening", "1", "--tail", "1"]), (FLUME, ["--head", "-100"])):
        never = calc(tmp_path, text, *arguments)
        assert (never["value"], never["flag"], never["regime"]) == (None, 4, "impossible head")
        assert "flagged, not guessed" in never["notes"][0]


def test_a_gates_table_ends_at_its_full_opening(tmp_path: Path) -> None:
    rows = calc(tmp_path, GATE + "full_opening_m = 0.6\n", "--table")["rows"]
    assert max(row["opening_m"] for row in rows) == 0.6


RATING = "segments = [{ a = 8.0, e_m = 0.2, b = 1.5 }, { a = 10.488783, e_m = 0.35, b = 1.6666667, start_m = 1.2 }]\n"


def test_a_rating_beside_the_reference(tmp_path: Path) -> None:
    assert calc(tmp_path, RATING, "--stage", "2.0", what="rating")["value"] == pytest.approx(24.1656, abs=1e-3)
    table = "no_flow_m = 0.2\ntable = [[0.5, 1.0], [1.0, 5.0]]\n"
    assert calc(tmp_path, table, "--stage", "70cm", what="rating")["value"] == pytest.approx(2.3122, abs=1e-4)


def test_a_stations_rating_with_its_shift() -> None:
    arguments = ["calc", "rating", "--station", "river-bridge", "--registry", EXAMPLE, "--stage", "0.5", "--json"]
    before = json.loads(run(*arguments, "--at", "2026-05-01").stdout)
    after = json.loads(run(*arguments, "--at", "2026-05-10").stdout)
    assert before["value"] == pytest.approx(8 * 0.3**1.5)
    assert after["value"] == pytest.approx(8 * 0.33**1.5, rel=1e-3)
    assert "shift +0.030 m" in after["source"]
    assert after["asked"] == {"stage_m": 0.5}


def test_a_stations_file_alone_will_do() -> None:
    file = f"{EXAMPLE}/stations/turnout-d.toml"
    result = run("calc", "rating", file, "--stage", "0.30")
    assert result.stdout.startswith("discharge    0.2209 m3/s")
    assert run("calc", "rating", file, "--table", "--at", "2026-07-01").stdout.startswith(
        "discharge: rating, parshall flume"
    )


def test_a_spillway_far_above_gauge_zero_finds_its_own_table() -> None:
    arguments = ["calc", "rating", "--station", "reservoir", "--series", "spillway", "--registry", EXAMPLE]
    said = run(*arguments, "--table").stdout.splitlines()
    assert said[0].startswith("reservoir, spillway: rating spillway as built, ogee spillway, as of ")
    assert said[3].split()[0] == "18.00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--station", "reservoir", "--stage", "18"],
            "there are ratings of outlet and spillway: name one with --series",
        ),
        (["--station", "reservoir", "--series", "gate", "--stage", "18"], "there is no rating of 'gate'"),
        (["--station", "well-north", "--stage", "1"], "station well-north has no ratings"),
        (["--station", "reservior", "--stage", "1"], "did you mean reservoir ("),
        (["--station", "canal-head", "--stage", "1"], "this needs --opening"),
        (["--station", "river-bridge"], "this needs --stage"),
        (["--station", "river-bridge", "--stage", "1", "--at", "2020-01-01"], "no rating is in force on 2020-01-01"),
        (["--station", "river-bridge", "--stage", "1", "--at", "May"], "--at: 'May' is not a day"),
        (["--stage", "1"], "give a file, or --station"),
    ],
)
def test_good_errors_of_a_rating(arguments: list[str], said: str) -> None:
    result = run("calc", "rating", "--registry", EXAMPLE, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


STORAGE = "rows = [[100, 10, 1.2], [104, 16, 1.8]]\n"


def test_a_volume_beside_the_reference(tmp_path: Path) -> None:
    assert calc(tmp_path, STORAGE, "--elevation", "101", what="volume")["value"] == pytest.approx(11.275, abs=1e-9)
    linear = calc(tmp_path, STORAGE + "linear = true\n", "--elevation", "101", what="volume")
    assert linear["value"] == pytest.approx(11.5)
    outside = calc(tmp_path, STORAGE, "--elevation", "99", what="volume")
    assert (outside["value"], outside["flag"]) == (None, 4)


def test_a_volumes_table_fits_its_page_and_has_its_ends(tmp_path: Path) -> None:
    def steps(text: str) -> list[float]:
        rows = calc(tmp_path, text, "--table", what="volume")
        return [row["asked"]["elevation_m"] for row in rows]

    assert steps(STORAGE)[:2] == [100.0, 100.1]
    assert steps("rows = [[100, 10], [104.05, 16]]\n")[-2:] == [104.0, 104.05]
    assert steps("rows = [[100, 1], [100.05, 2]]\n") == [100.0, 100.01, 100.02, 100.03, 100.04, 100.05]
    assert len(steps("rows = [[-400, 10], [8000, 16]]\n")) == 841


@pytest.mark.parametrize(
    ("what", "text", "said"),
    [
        ("volume", "rows = [[100, nan], [104, 16]]\n", "it.toml:1: rows[0][1]: input should be a finite number"),
        ("volume", "rows = [[100, 1e9], [104, 2e9]]\n", "rows[0]: volume_hm3 = 1e+09 cannot be: write 0 to 1e+06"),
        ("volume", "rows = [[100, 1, 2, 3], [104, 16]]\n", "rows[0]: write [elevation_m, volume_hm3] or"),
        ("volume", "rows = [[104, 1], [100, 16]]\n", "it.toml:1: rows: elevation and volume must rise at 100 m"),
        (
            "volume",
            "rows = [[100, 1], [104, 16]]\nlevels = { dead_m = 90, normal_m = 103 }\n",
            "it.toml:2: levels: the level 90 m is outside the table",
        ),
        ("rating", "table = [[0.5, 1], [0.4, 2]]\nno_flow_m = 0\n", "it.toml:1: table: stages and flows must rise"),
        (
            "rating",
            "low_m = 3\nhigh_m = 1\nsegments = [{ a = 1, e_m = 0, b = 1.5 }]\n",
            "it.toml:2: high_m: must be above",
        ),
        (
            "rating",
            "segments = [{ a = 1, e_m = 0, b = 15 }]\n",
            "it.toml:1: segments[0].b: 15 cannot be: write 0.3 to 6",
        ),
        ("discharge", 'kind = ["cipolletti_weir"]\n', "it.toml:1: kind: there is no kind ['cipolletti_weir']"),
        (
            "discharge",
            'kind = "cipolletti_weir"\nwidth_m = true\n',
            "it.toml:2: width_m: input should be a valid number",
        ),
        (
            "discharge",
            'width_m = 2\nchannel_m = 1\nheight_m = 1\nkind = "rectangular_weir"\n',
            "it.toml:4: kind: the crest cannot be wider than the channel",
        ),
    ],
)
def test_a_file_that_cannot_be_is_said_with_its_line(tmp_path: Path, what: str, text: str, said: str) -> None:
    (tmp_path / "it.toml").write_text(text, encoding="utf-8")
    result = run("calc", what, str(tmp_path / "it.toml"))
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1 or what == "volume"


def test_a_tables_options_and_one_answers_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(GATE, encoding="utf-8")
    (tmp_path / "flume.toml").write_text(FLUME, encoding="utf-8")
    asked: list[tuple[str, list[str], str]] = [
        ("flume", ["--head", "0.3", "--to", "1"], "--to: this belongs to --table"),
        ("flume", ["--head", "0.3", "--table"], "--head: a table goes over all of them; take it out, or --table"),
        ("flume", ["--table", "--widest", "1"], "--widest: there is no gate here"),
        ("gate", ["--table", "--from", "2", "--to", "1"], "the table must end above where it begins"),
    ]
    for file, arguments, said in asked:
        result = run("calc", "discharge", str(tmp_path / f"{file}.toml"), *arguments)
        assert (result.exit_code, result.stderr) == (2, said + "\n")


def test_85_m_for_85_cm_is_doubted_where_the_rating_says_no_range(tmp_path: Path) -> None:
    answer = calc(tmp_path, RATING, "--stage", "85", what="rating")
    assert answer["flag"] == 3
    assert "the rating does not say to where it holds (high_m)" in answer["notes"][0]
    never = calc(tmp_path, RATING, "--stage", "850", what="rating")
    assert (never["value"], never["flag"]) == (None, 4)


def test_a_reservoir_by_its_stage_is_the_same_as_by_its_elevation() -> None:
    arguments = ["calc", "volume", "--station", "reservoir", "--registry", EXAMPLE]
    by_stage = run(*arguments, "--stage", "18").stdout
    assert by_stage == run(*arguments, "--elevation", "798").stdout
    assert "full         100 % of the volume at the normal level" in by_stage
    assert "798.00       57.200" in run(*arguments, "--table").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--station", "reservoir", "--elevation", "796.5", "--at", "2019-09-30"],
            "no survey is in force on 2019-09-30; they begin 2019-10-01",
        ),
        (["--station", "reservoir"], "give --elevation, or --stage"),
        (["--station", "canal-tail", "--elevation", "1"], "has no storage table"),
        ([], "give a file, or --station"),
    ],
)
def test_good_errors_of_a_volume(arguments: list[str], said: str) -> None:
    result = run("calc", "volume", "--registry", EXAMPLE, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("command", ["discharge", "rating", "volume"])
def test_help_has_an_example(command: str) -> None:
    assert f"aryk calc {command} " in run("calc", command, "--help").stdout
