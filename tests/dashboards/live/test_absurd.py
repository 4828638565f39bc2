"""What no quantity reaches must not take the page down for every other station."""

import pytest
from prometheus_client import CollectorRegistry

from dashboards.live.charts import AskedWrongError, _whole
from dashboards.live.hub import MOST_CLIENTS, Hub, TooManyError
from dashboards.live.metrics import LiveMetrics
from dashboards.live.states import Reading, counts
from dashboards.live.window import Window, spark
from hydrology.registry import Thresholds
from store.points import History


@pytest.mark.parametrize("value", [1.7e308, -1.7e308, float("inf"), float("nan")])
def test_an_absurd_value_does_not_count_and_is_not_drawn(value: float) -> None:
    assert not counts(value, 1)
    window = Window()
    window.replace(History([1_000, 2_000], [1.5, value], [1.5, value], [1.5, value], [1, 1], 0), 3_000)
    window.replace(History([1_000, 2_000], [1.5, value], [1.5, value], [1.5, value], [1, 1], 1_000), 3_000)
    assert window.last() == Reading(1_000, 1.5, 1)
    assert spark(window, Thresholds(), 3_000) is not None


@pytest.mark.parametrize("text", ["--5", "5-", "1e3", "٣", "9" * 16])
def test_what_is_no_whole_number_is_told(text: str) -> None:
    with pytest.raises(AskedWrongError):
        _whole({"from": text}, "from", 0)


def test_more_streams_than_may_are_told_to_come_later() -> None:
    hub = Hub(LiveMetrics(CollectorRegistry()))
    clients = [hub.join() for _ in range(MOST_CLIENTS)]
    with pytest.raises(TooManyError):
        hub.join()
    hub.leave(clients[0])
    assert hub.join() is not None
