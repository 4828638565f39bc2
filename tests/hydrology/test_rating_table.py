import pytest

from hydrology.rating import PowerRating, Quality, Segment
from hydrology.rating_table import opening_table, rated_span_m, stage_table, table_text
from hydrology.structures import ParshallFlume, SluiceGate, parshall_size

FLUME = ParshallFlume(parshall_size("9in", "ilri"))


def test_a_flumes_span_is_found() -> None:
    assert rated_span_m(FLUME.discharge) == (0.03, 0.61)


def test_a_high_stage_is_found_from_its_base() -> None:
    rating = PowerRating((Segment(8.0, 412.2, 1.5),), Quality(412.3, 415.0))
    assert rated_span_m(rating.discharge) is None
    assert rated_span_m(rating.discharge, 412.2) == (412.3, 415.0)


def test_the_table_holds_the_laws_own_figures() -> None:
    table = stage_table(FLUME.discharge, 0.03, 0.61)
    assert table.rows_m[0] == 0.0
    assert table.cells[0][2] is None
    assert table.cells[6][2] is None
    cell = table.cells[3][0]
    assert cell is not None
    assert cell.value_m3s == FLUME.discharge(0.30).value_m3s
    lines = table_text(table).splitlines()
    assert lines[0] == "L/s, by stage (m, down) and further centimetres (across)"
    assert lines[5].split()[:2] == ["0.30", "84.9"]
    assert len({len(line) for line in lines[3:7]}) == 1


def test_a_doubtful_figure_has_a_star_and_the_table_says_so() -> None:
    text = table_text(stage_table(FLUME.discharge, 0.60, 0.65))
    assert "251.3 " in text.splitlines()[2]
    assert "*" in text.splitlines()[2]
    assert text.splitlines()[-1].startswith("* outside the rated range")


def test_where_no_flow_can_be_told_there_is_a_dash() -> None:
    text = table_text(stage_table(lambda head: FLUME.discharge(head, 0.29), 0.30, 0.35))
    assert "- no flow can be told here" in text


def test_a_gates_table_goes_by_head_and_opening() -> None:
    gate = SluiceGate(2.0, free_outfall=True)
    table = opening_table(lambda head, opening: gate.discharge(head, opening), [1.0, 1.5], [0.3, 0.6])
    cell = table.cells[1][0]
    assert cell is not None
    assert cell.value_m3s == pytest.approx(1.7709, abs=1e-4)
    assert table_text(table).splitlines()[1].split() == ["0.30", "0.60"]


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (0.0, 100.0)])
def test_a_table_that_is_empty_or_too_long(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"the table must end|too many"):
        stage_table(FLUME.discharge, low, high)
