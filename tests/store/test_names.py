"""Names that pass the check survive a real InfluxDB, whatever characters they are made of."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.checks import check, name_fault
from store.open import open_reader, open_writer
from store.points import Latest, SeriesKey, SeriesPoints
from store.settings import InfluxSettings
from tests.servers.influxdb import InfluxBucket

names = st.text(st.sampled_from("ab\\,= \"'#й{}()*") | st.characters(), min_size=1, max_size=8)


@given(names)
def test_the_check_never_fails_and_refuses_with_a_reason(name: str) -> None:
    fault = name_fault(name)
    key = SeriesKey("level", name, "radar")
    refused = check([SeriesPoints(key, [1, 2], [1.0, 2.0], [1, 1])])
    assert [one.row for one in refused] == ([0, 1] if fault else [])
    assert all(one.reason == fault for one in refused)


@pytest.mark.parametrize(
    "name", ["a\n", "\na", "a\r", "a\tb", "a\x00", "a\x7f", "a\x85", "a\u2028", "\ud800", "\\", "a\\", ""]
)
def test_control_characters_and_trailing_backslashes_are_refused(name: str) -> None:
    assert name_fault(name)


async def test_what_passes_the_check_comes_back_from_influxdb(influxdb: InfluxBucket) -> None:
    tried: set[SeriesKey] = set()

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.filter_too_much])
    @given(st.lists(names.filter(lambda name: name_fault(name) is None), min_size=3, max_size=3))
    def collect(parts: list[str]) -> None:
        tried.add(SeriesKey(*parts))

    await asyncio.to_thread(collect)
    tried = {key for key in tried if key.quantity not in ("record", "delivery", "history")}
    store = InfluxSettings.model_validate(
        {
            "kind": "influxdb",
            "url": influxdb.url,
            "token": influxdb.token,
            "org": influxdb.org,
            "bucket": influxdb.bucket,
        }
    )
    async with open_writer(store, Path()) as writer, open_reader(store, Path()) as reader:
        batch = [SeriesPoints(key, [1_795_392_000_000], [float(n)], [1]) for n, key in enumerate(tried)]
        assert await writer.write([*batch]) == []
        expected = {one.key: Latest(one.time_ms[0], one.value[0], 1, one.time_ms[0]) for one in batch}
        assert await reader.latest(0) == expected
        for one in batch[:20]:
            assert (await reader.history(one.key, 0, 1_800_000_000_000, 10)).value == one.value
