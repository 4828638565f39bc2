"""What is held in memory while the server works."""

import weakref
from collections.abc import Sequence

from store.influx_answers import Answer, Stored
from store.influx_http import write_points
from store.points import Points, SeriesKey, SeriesPoints


class _Points(list[Points]):
    """A list that a weak reference can follow."""


async def test_the_points_are_let_go_before_the_server_answers() -> None:
    points = _Points([SeriesPoints(SeriesKey("level", "kok-su-1", "radar"), [1], [1.5], [1])])
    held = weakref.ref(points)
    seen: list[object] = []

    async def send(body: bytes, lines: Sequence[str]) -> Answer:
        seen.append((held(), list(lines)))
        return Stored()

    writing = write_points(points, send)
    del points
    assert await writing == []
    assert seen == [(None, ["level,sensor=radar,station=kok-su-1 value=1.5,flag=1i 1"])]
