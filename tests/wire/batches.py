"""Batches for Hypothesis: any that a gateway may send."""

from typing import Any

from hypothesis import strategies as st

from wire.batch import RECORD_KINDS, Batch, Record, Series
from wire.names import MAX_EPOCH, MAX_SEQ
from wire.quantities import QUANTITIES

ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", fullmatch=True) | st.sampled_from(["gw-1", "a", "x" * 63])
quantities = st.sampled_from(sorted(QUANTITIES)) | ids
units = st.sampled_from(["m", "m3/s", "Cel", "°C"]) | st.text(
    st.characters(codec="utf-8"), min_size=1, max_size=16
).filter(str.isprintable)
times = st.integers(1_700_000_000_000, 1_900_000_000_000) | st.integers(-MAX_SEQ, MAX_SEQ)
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(
    st.integers(-99999, 99999).map(lambda n: n / 1000), st.integers(-(10**15), 10**15).map(float), floats, st.just(-0.0)
)

plain: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SEQ, MAX_SEQ)
    | floats
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
bodies = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), plain, max_size=4)


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """A batch without faults, in the form that decoding gives: no empty series, no `raw` that is all None."""
    lengths = draw(st.lists(st.integers(1, 12), max_size=4))
    kinds = draw(st.lists(st.sampled_from(sorted(RECORD_KINDS)), min_size=0 if lengths else 1, max_size=3))
    count = sum(lengths) + len(kinds)
    if draw(st.booleans()):
        first = draw(st.integers(1, MAX_SEQ - count))
        seqs = list(range(first, first + count))
    else:
        seqs = draw(st.lists(st.integers(1, MAX_SEQ), min_size=count, max_size=count, unique=True))
    series: list[Series] = []
    for length in lengths:
        own, seqs = seqs[:length], seqs[length:]
        flags = draw(
            st.just([1] * length) | st.lists(st.sampled_from([1, 2, 3, 4, 9]), min_size=length, max_size=length)
        )
        column = [None if flag == 9 else draw(values) for flag in flags]
        raw = draw(st.none() | st.lists(st.none() | values, min_size=length, max_size=length))
        if series and len(series[-1].time_ms) == length and draw(st.booleans()):
            time_ms = list(series[-1].time_ms)
        else:
            time_ms = draw(st.lists(times, min_size=length, max_size=length))
        if raw is not None and all(one is None for one in raw):
            raw = None
        series.append(Series(draw(ids), draw(quantities), draw(units), own, time_ms, column, flags, raw))
    records = [Record(seq, draw(times), kind, draw(bodies)) for seq, kind in zip(seqs, kinds, strict=True)]
    return Batch(draw(ids), draw(st.integers(0, MAX_EPOCH)), series, records)
