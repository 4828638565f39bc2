from hypothesis import given
from hypothesis import strategies as st

from gateway.log import Row
from gateway.uplink.batch import MAX_BYTES, MAX_READINGS, pack
from wire.codec import CONTENT_TYPES, Codec, decode_batch
from wire.names import digest


def row(seq: int, sensor: str | None = "level", value: float | None = 1.0) -> Row:
    if sensor is None:
        return Row(seq, 1000 + seq, None, "", "", None, 0, None, "gap", {"reason": "restart"})
    return Row(seq, 1000 + seq, sensor, "level", "m", value, 9 if value is None else 1, None, "", None)


@given(
    st.lists(st.sampled_from(["level", "level-2", None]), min_size=1, max_size=60),
    st.sampled_from(list(Codec)),
    st.booleans(),
)
def test_what_is_packed_is_decoded(sensors: list[str | None], codec: Codec, newest: bool) -> None:
    rows = [row(seq, sensor) for seq, sensor in enumerate(sensors, 1)]
    message = pack("gw-1", 77, rows, codec, newest=newest)
    batch = decode_batch(message.payload, CONTENT_TYPES[codec])
    assert (batch.gateway, batch.epoch, batch.refused) == ("gw-1", 77, [])
    assert sorted(batch.seqs()) == list(range(1, len(rows) + 1))
    assert message.ranges == [(1, len(rows))]
    assert message.digest == digest(message.payload)


def test_a_missing_value_and_a_raw_one_travel() -> None:
    rows = [row(1, value=None), Row(2, 5, "level", "level", "m", 1.5, 1, 1.25, "", None)]
    batch = decode_batch(pack("gw-1", 1, rows, Codec.CBOR).payload, "cbor")
    assert batch.series[0].value == [None, 1.5]
    assert batch.series[0].raw == [None, 1.25]
    assert batch.series[0].flag == [9, 1]


def test_no_more_than_fits() -> None:
    rows = [row(seq, value=seq / 7) for seq in range(1, 6001)]
    oldest = pack("gw-1", 1, rows, Codec.JSON)
    assert oldest.ranges[0][0] == 1
    assert oldest.ranges[-1][1] <= MAX_READINGS
    newest = pack("gw-1", 1, rows, Codec.JSON, newest=True)
    assert newest.ranges[-1][1] == 6000
    for message in (oldest, newest):
        assert len(message.payload) <= MAX_BYTES
        assert len(message.ranges) == 1


def test_one_long_record_goes_alone() -> None:
    rows = [Row(seq, 1, None, "", "", None, 0, None, "event", {"text": "x" * 40_000}) for seq in (1, 2)]
    assert pack("gw-1", 1, rows, Codec.JSON).ranges == [(1, 1)]
    assert pack("gw-1", 1, rows, Codec.JSON, newest=True).ranges == [(2, 2)]
