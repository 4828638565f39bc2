from hypothesis import given
from hypothesis import strategies as st

from gateway.blocks import plan_blocks
from gateway.registers import RegisterType
from gateway.settings import SensorSettings, TableName
from tests.gateway.build import sensor

SENSORS = st.lists(
    st.builds(
        sensor,
        st.just("a"),
        st.integers(0, 600),
        type=st.sampled_from(list(RegisterType)),
        table=st.sampled_from(list(TableName)),
    ),
    min_size=1,
    max_size=30,
)


@given(SENSORS, st.integers(0, 125), st.integers(1, 125))
def test_every_sensor_stands_whole_in_one_block(sensors: list[SensorSettings], max_gap: int, most: int) -> None:
    blocks = plan_blocks(sensors, max_gap, most)
    placed = [one for block in blocks for one in block.sensors]
    assert sorted(placed, key=repr) == sorted(sensors, key=repr)
    for block in blocks:
        assert block.count <= max(most, 4)
        words = list(range(block.start, block.start + block.count))
        for one in block.sensors:
            assert one.table is block.table
            assert list(block.words_of(one, words)) == list(range(one.register_, one.register_ + one.type.words))


@given(SENSORS)
def test_without_gaps_no_register_is_read_that_no_sensor_needs(sensors: list[SensorSettings]) -> None:
    assert not any(block.has_holes for block in plan_blocks(sensors, 0))


def test_one_block_for_each_table() -> None:
    sensors = [sensor("a", 100), sensor("b", 0, type="float32"), sensor("c", 5, table="input")]
    blocks = [(block.table.value, block.start, block.count) for block in plan_blocks(sensors)]
    assert blocks == [("holding", 0, 101), ("input", 5, 1)]


def test_what_is_too_far_apart_is_read_apart() -> None:
    sensors = [sensor("a", 0), sensor("b", 10), sensor("c", 300)]
    assert [(block.start, block.count) for block in plan_blocks(sensors)] == [(0, 11), (300, 1)]
    assert [(block.start, block.count) for block in plan_blocks(sensors, max_gap=8)] == [(0, 1), (10, 1), (300, 1)]


def test_holes_are_noticed() -> None:
    assert plan_blocks([sensor("a", 0), sensor("b", 2)])[0].has_holes
    assert not plan_blocks([sensor("a", 0), sensor("b", 1)])[0].has_holes
