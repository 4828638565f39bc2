import tomllib
from pathlib import Path

import pytest

from hydrology.fit_choice import choose_fit, doubts, fit_facts, fit_toml, is_plausible
from hydrology.gaugings_csv import read_gaugings
from hydrology.rating import PowerRating, Segment
from hydrology.registry import Rating
from hydrology.units import UnitError, parse
from settings import SettingsError

NORDURA = Path(__file__).parent / "nordura.csv"
TWO = PowerRating((Segment(8.0, 0.2, 1.5), Segment(10.488783, 0.35, 5 / 3, 1.2)))


def test_gaugings_of_two_segments_ask_for_two() -> None:
    stages = [0.3 + 0.07 * n for n in range(30)]
    noise = [1 + 0.004 * ((7 * n) % 5 - 2) for n in range(30)]
    flows = [TWO.flow_m3s(stage) * factor for stage, factor in zip(stages, noise, strict=True)]
    chosen = choose_fit(stages, flows).chosen
    assert len(chosen.rating.segments) == 2
    assert chosen.rating.segments[1].start_m == pytest.approx(1.2, abs=0.12)


def test_a_closer_fit_with_an_exponent_that_no_control_has_is_not_taken() -> None:
    data = read_gaugings(NORDURA.read_text())
    choice = choose_fit(data.stages_m, data.flows_m3s)
    assert [len(fit.rating.segments) for fit in choice.fits] == [1, 2, 3]
    assert not is_plausible(choice.fits[1])
    assert any(name == "exponents" for name, _ in fit_facts(choice.fits[1]))
    (segment,) = choice.chosen.rating.segments
    assert (segment.a, segment.e_m, segment.b) == pytest.approx((15.140, 0.87006, 2.1791), abs=1e-3)
    assert choice.chosen.standard_error_ln == pytest.approx(0.0832, abs=1e-4)


def test_the_toml_of_a_fit_is_a_rating_of_the_registry() -> None:
    data = read_gaugings(NORDURA.read_text())
    fit = choose_fit(data.stages_m, data.flows_m3s, "2026").chosen
    (document,) = tomllib.loads(fit_toml(fit, "2026-04-01"))["ratings"]
    rating = Rating.model_validate(document).stage_rating()
    assert rating is not None
    for stage in (1.5, 3.0, 5.0):
        assert rating.flow_m3s(stage) == pytest.approx(fit.rating.flow_m3s(stage), rel=1e-6)


def test_gaugings_that_alternate_are_not_called_a_bend() -> None:
    stages = [0.3 + 0.07 * n for n in range(30)]
    flows = [8 * (stage - 0.2) ** 1.5 * (1.03 if n % 2 else 0.97) for n, stage in enumerate(stages)]
    fit = choose_fit(stages, flows).fits[0]
    assert doubts(fit) == ["the gaugings alternate about the curve (runs)"]
    assert ("runs", f"{fit.tests.runs}, the gaugings alternate about the curve") in fit_facts(fit)


@pytest.mark.parametrize(
    "header", ["stage_cm,flow_l/s", "h_cm;q_l_s", "Уровень_см;Расход_л/с", "level_cm,discharge_lps"]
)
def test_a_unit_behind_an_underscore(header: str) -> None:
    data = read_gaugings(f"{header}\n50,300\n".replace(",", ";" if ";" in header else ","), "g.csv")
    assert data.stages_m == pytest.approx((0.5,))
    assert data.flows_m3s == pytest.approx((0.3,))


def test_gaugings_in_other_units_and_under_other_names() -> None:
    data = read_gaugings("date;H;Q;remark\n2026-04-01;35,5;120;ok\n\n2026-05-01;50;300;\n", "g.csv", "cm", "L/s")
    assert data.stages_m == pytest.approx((0.355, 0.5))
    assert data.flows_m3s == pytest.approx((0.12, 0.3))
    assert data.lines == (2, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stage,flow\n1,x\n", "g.csv:2: flow: 'x' is not a number"),
        ("stage,flow\n1,\n", "g.csv:2: flow: this cell is blank"),
        ("stage,flow\n1,0\n", "g.csv:2: flow: a gauging's flow must be above 0"),
        ("stage,depth\n1,2\n", "g.csv:1: flow: this column is missing (there are stage, depth)"),
        ("stage,flow\n", "g.csv: there are no gaugings in it"),
    ],
)
def test_a_bad_line_is_named(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_gaugings(text, "g.csv")
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "metres"),
    [("0.35", 0.35), ("35cm", 0.35), ("0,35 m", 0.35), ("1.5ft", 0.4572), ("-3mm", -0.003), (".5", 0.5)],
)
def test_a_length_with_or_without_its_unit(text: str, metres: float) -> None:
    assert parse(text, "m") == pytest.approx(metres)


@pytest.mark.parametrize("text", ["", "m", "1 m3/s", "1 furlong", "1.2.3"])
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(UnitError):
        parse(text, "m")
