import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.structures import PARSHALL_SIZES, Discharge, ParshallFlume, SubmergedCalibration, System, parshall_size
from hydrology.structures.parshall import ParshallSize
from wire.flags import Flag

FT, FT3 = 0.3048, 0.3048**3


def flow(answer: Discharge) -> float:
    assert answer.value_m3s is not None
    return answer.value_m3s


def us(name: str) -> ParshallFlume:
    return ParshallFlume(parshall_size(name, System.US))


def test_utah_state_bie_6300_lecture_2() -> None:
    # The lecture's 0.61 m flume has C = 1.429 and n = 1.55; ILRI's 2 ft flume prints 1.428.
    assert pytest.approx(0.65974, abs=5e-6) == (0.75 / 1.429) ** (1 / 1.55)
    flume = ParshallFlume(parshall_size("2ft", "ilri"))
    head = flume.head_m(0.75)
    assert head == pytest.approx(0.660, abs=5e-4)
    assert 0.66 * head == pytest.approx(0.4357, abs=4e-4)


@pytest.mark.parametrize(
    ("name", "feet", "cfs"),
    [
        ("1ft", 0.5, 1.393),
        ("1ft", 1.0, 4.000),
        ("1ft", 2.5, 16.13),
        ("3ft", 1.5, 22.64),
        ("8ft", 2.0, 97.45),
        ("10ft", 2.0, 119.36),
        ("20ft", 3.0, 442.2),
    ],
)
def test_w_formula_worked_examples(name: str, feet: float, cfs: float) -> None:
    assert us(name).free_m3s(feet * FT) / FT3 == pytest.approx(cfs, rel=5e-4)


def test_nine_inch_at_thirty_centimetres() -> None:
    assert ParshallFlume(parshall_size("9in", "ilri")).free_m3s(0.30) * 1000 == pytest.approx(84.85, abs=0.01)


@pytest.mark.parametrize("name", [name for name, system in PARSHALL_SIZES if system is System.ILRI])
def test_si_column_reproduces_the_foot_formulas(name: str) -> None:
    ilri = PARSHALL_SIZES[name, System.ILRI]
    foot = PARSHALL_SIZES[name, System.US]
    for head in (ilri.heads.low_m, ilri.heads.high_m):
        assert ilri.c * head**ilri.n == pytest.approx(foot.c * head**foot.n, rel=8e-3 if name == "3in" else 2.5e-3)


@pytest.mark.parametrize(("feet", "percent"), [(0.1, -7.4), (0.2, -5.6), (0.5, -3.2), (1.0, -1.2), (2.5, 1.3)])
def test_usbr_table_of_the_1_ft_flume_is_not_the_formula(feet: float, percent: float) -> None:
    table = ParshallFlume(parshall_size("1ft", System.USBR)).free_m3s(feet * FT)
    assert 100 * (table / us("1ft").free_m3s(feet * FT) - 1) == pytest.approx(percent, abs=0.06)


@pytest.mark.parametrize("size", [size for (_, system), size in PARSHALL_SIZES.items() if system is System.ISO])
def test_iso_9826_sizes_reproduce_from_the_metric_w_formula(size: ParshallSize) -> None:
    if size.width_m < 0.25:
        return  # .152 is the 6 in flume: the W-formula is 15 % off there
    exponent = 1.569 * size.width_m**0.026
    for head in (size.heads.low_m, size.heads.high_m):
        assert size.c * head**size.n == pytest.approx(0.372 * size.width_m * (head / 0.305) ** exponent, rel=3.5e-3)


def test_iso_9826_2_40_m_as_in_openfoam() -> None:
    size = parshall_size("2.40m", "iso")
    assert (size.c, size.n) == (6.004, 1.605)


@pytest.mark.parametrize(
    ("name", "low_litres", "high_litres"), [("9in", 2.5, 251), ("1ft", 3.32, 457), ("40ft", 600, 74_700)]
)
def test_head_ranges_give_ilris_flow_limits(name: str, low_litres: float, high_litres: float) -> None:
    flume = ParshallFlume(parshall_size(name, "ilri"))
    assert flume.free_m3s(flume.size.heads.low_m) * 1000 == pytest.approx(low_litres, rel=0.03)
    assert flume.free_m3s(flume.size.heads.high_m) * 1000 == pytest.approx(high_litres, rel=0.03)


def test_submergence_free_then_upper_bound_then_none() -> None:
    flume = us("1ft")
    free = flume.discharge(0.5)
    assert free.flag is Flag.PASS
    assert flume.discharge(0.5, 0.35) == free
    bound = flume.discharge(0.5, 0.36)
    assert bound.flag is Flag.SUSPECT
    assert bound.upper_bound
    assert bound.value_m3s == free.value_m3s
    assert "SUBMERGED" in bound.notes[0]
    drowned = flume.discharge(0.5, 0.46)
    assert drowned.flag is Flag.FAIL
    assert drowned.value_m3s is None
    assert flume.discharge(0.5, 0.6).value_m3s is None


def test_own_submerged_calibration_gives_a_value_not_above_the_free_one() -> None:
    own = SubmergedCalibration(c1=0.64, n1=1.522, c2=0.0044, n2=1.080)
    flume = ParshallFlume(parshall_size("1ft", System.US), own)
    answer = flume.discharge(0.5, 0.42)
    assert answer.flag is Flag.PASS
    assert answer.regime == "submerged"
    assert 0 < flow(answer) <= flow(flume.discharge(0.5))
    assert own.flow_m3s(0.5, 0.4999) is None
    assert flume.discharge(0.5, 0.46).value_m3s is None


def test_states() -> None:
    flume = us("6in")
    assert flume.discharge(None).flag is Flag.MISSING
    assert flume.discharge(-0.01).value_m3s == 0.0
    assert "below" in flume.discharge(0.02).notes[0]
    assert "extrapolated" in flume.discharge(0.5).notes[0]
    assert flume.discharge(0.2, float("nan")).flag is Flag.SUSPECT
    with pytest.raises(ValueError, match="positive"):
        flume.head_m(0.0)


def test_unknown_size_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'11ft'.*10ft"):
        parshall_size("11ft", "us")


SIZES = st.sampled_from(list(PARSHALL_SIZES.values()))


@given(SIZES, st.floats(1e-4, 3.0), st.floats(1e-4, 3.0))
def test_a_rising_head_never_lowers_a_free_discharge(size: ParshallSize, one: float, other: float) -> None:
    flume = ParshallFlume(size)
    low, high = sorted((one, other))
    assert flow(flume.discharge(low)) <= flow(flume.discharge(high))


@given(SIZES, st.floats(0.05, 1.0))
def test_head_is_the_inverse(size: ParshallSize, head: float) -> None:
    flume = ParshallFlume(size)
    assert flume.head_m(flume.free_m3s(head)) == pytest.approx(head)
