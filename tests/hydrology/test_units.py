import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.units import UNITS, UnitError, convert
from wire.quantities import QUANTITIES


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1.0, "[ft_i]", "m", 0.3048),
        (1.0, "[ft_i]3", "m3", 0.028316846592),
        (1.0, "ac-ft", "m3", 1233.48183754752),
        (1.0, "[gal_us]", "L", 3.785411784),
        (1.0, "m3/s", "m3/d", 86400.0),
        (1.0, "L/s/har", "mm/d", 8.64),
        (1.0, "S/m", "uS/cm", 10_000.0),
        (20.0, "Cel", "K", 293.15),
        (1.0, "kW.h", "J", 3.6e6),
        (863.0, "cm", "m", 8.63),
        (0.1, "m", "cm", 10.0),
    ],
)
def test_exact_conversions(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == expected


def test_one_millimetre_on_a_hectare_is_ten_cubic_metres() -> None:
    assert convert(1.0, "mm", "m") * convert(1.0, "har", "m2") == 10.0


def test_a_flow_for_a_decade_of_ten_days() -> None:
    assert convert(convert(1.0, "m3/s", "m3/d") * 10, "m3", "hm3") == 0.864


def test_every_quantity_of_the_contract_has_its_unit() -> None:
    assert {quantity.unit for quantity in QUANTITIES.values()} <= set(UNITS)


def test_unknown_unit_names_the_known_ones() -> None:
    with pytest.raises(UnitError, match=r"'ha' is not known.*har"):
        convert(1.0, "ha", "m2")


def test_no_conversion_between_dimensions() -> None:
    with pytest.raises(UnitError, match="length"):
        convert(1.0, "m", "m3")


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.floats(-1e6, 1e6))
def test_there_and_back(source: str, target: str, value: float) -> None:
    if UNITS[source].dimension == UNITS[target].dimension:
        assert convert(convert(value, source, target), target, source) == pytest.approx(value, rel=1e-12, abs=1e-9)
