from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrology.storage import Levels, Row, StorageTable
from wire.flags import Flag

ROWS = [Row(100, 10, 1.2), Row(104, 16, 1.8)]
TABLE = StorageTable(ROWS)
# Areas that do not make the volumes: the slice is scaled.
SCALED = StorageTable([Row(90, 0, 0.0), Row(95, 4, 0.9), Row(100, 10, 1.2), Row(104, 16, 1.9)])


def test_eac_vector_quadratic_and_linear() -> None:
    assert TABLE.volume_hm3(101) == pytest.approx(11.275)
    assert StorageTable(ROWS, linear=True).volume_hm3(101) == pytest.approx(11.5)
    assert StorageTable([Row(100, 10), Row(104, 16)]).volume_hm3(101) == pytest.approx(11.5)
    assert TABLE.area_km2(101) == pytest.approx(1.35)


def test_useful_and_full_percent_vector() -> None:
    # V_dead 4 and V_NPU 13 in a table that runs through the vector's slice.
    base = StorageTable([Row(90, 1, 0.3), Row(100, 10, 1.2), Row(104, 16, 1.8)])
    dead, normal = base.elevation_m(4), base.elevation_m(13)
    table = StorageTable(base.rows, Levels(dead, normal, 104))
    answer = table.at(101)
    assert answer.volume_hm3 == pytest.approx(11.275)
    assert answer.useful_pct == pytest.approx(80.83, abs=0.005)
    assert answer.full_pct == pytest.approx(86.73, abs=0.005)
    assert answer.free_hm3 == pytest.approx(13 - 11.275)
    assert table.flood_capacity_hm3(101) == pytest.approx(16 - 11.275)
    assert answer.flag is Flag.PASS


def test_consistency_check() -> None:
    assert TABLE.misfits() == []
    ((elevation, misfit),) = SCALED.misfits()[:1]
    assert elevation == 90
    assert misfit > 0.05


def test_outside_the_table_and_without_a_level() -> None:
    above = TABLE.at(104.01)
    assert above.volume_hm3 is None
    assert above.flag is Flag.FAIL
    assert TABLE.at(None).flag is Flag.MISSING
    assert TABLE.at(nan).flag is Flag.MISSING
    assert TABLE.flood_capacity_hm3(101) is None
    assert StorageTable([Row(100, 10), Row(104, 16)]).at(101).area_km2 is None
    with pytest.raises(ValueError, match="outside"):
        TABLE.volume_hm3(99)


@given(st.sampled_from([TABLE, SCALED]), st.floats(0, 1))
def test_elevation_is_the_inverse_of_volume(table: StorageTable, share: float) -> None:
    low, high = table.rows[0].elevation_m, table.rows[-1].elevation_m
    elevation = low + share * (high - low)
    assert table.elevation_m(table.volume_hm3(elevation)) == pytest.approx(elevation, abs=1e-6)


@given(st.floats(90, 104), st.floats(90, 104))
def test_volume_rises_without_a_step_at_the_rows(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert SCALED.volume_hm3(low) <= SCALED.volume_hm3(high)
    for row in SCALED.rows[1:]:
        assert SCALED.volume_hm3(row.elevation_m - 1e-9) == pytest.approx(row.volume_hm3, abs=1e-6)


@pytest.mark.parametrize(
    "build",
    [
        lambda: StorageTable([Row(100, 10)]),
        lambda: StorageTable([Row(100, 10), Row(100, 11)]),
        lambda: StorageTable([Row(100, 10), Row(101, 10)]),
        lambda: StorageTable([Row(100, 10, 2.0), Row(101, 11, 1.0)]),
        lambda: StorageTable([Row(100, -1, 2.0), Row(101, 11, 3.0)]),
        lambda: StorageTable([Row(100, 0, 0.0), Row(101, 1, 0.0)]),
        lambda: StorageTable(ROWS, Levels(99, 103)),
        lambda: Levels(103, 101),
        lambda: Levels(100, 103, 102),
    ],
)
def test_impossible_tables_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ValueError, match=r"\w"):
        build()
