"""Browsers with bounded queues."""

from prometheus_client import CollectorRegistry

from dashboards.live.events import message
from dashboards.live.hub import QUEUE, Hub
from dashboards.live.metrics import LiveMetrics


def a_hub() -> tuple[Hub, CollectorRegistry]:
    registry = CollectorRegistry()
    return Hub(LiveMetrics(registry)), registry


def test_every_browser_gets_every_message() -> None:
    hub, registry = a_hub()
    clients = [hub.join(), hub.join()]
    hub.send(b"one")
    assert [client.queue.get_nowait() for client in clients] == [b"one", b"one"]
    assert registry.get_sample_value("aryk_live_clients") == 2


def test_a_browser_that_cannot_keep_up_is_let_go_and_the_others_stay() -> None:
    hub, registry = a_hub()
    slow, quick = hub.join(), hub.join()
    for number in range(QUEUE + 1):
        hub.send(b"%d" % number)
        quick.queue.get_nowait()
    assert slow.gone
    assert not quick.gone
    assert registry.get_sample_value("aryk_live_clients_dropped_total", {"reason": "slow"}) == 1
    assert registry.get_sample_value("aryk_live_clients") == 1


def test_closing_ends_all_streams_and_a_late_one_at_once() -> None:
    hub, _ = a_hub()
    client = hub.join()
    hub.close()
    late = hub.join()
    assert client.queue.get_nowait() is None
    assert late.queue.get_nowait() is None


def test_an_event_is_one_data_line_whatever_is_in_it() -> None:
    assert message("change", {"name": "a\nb", "city": "Шу"}, "7") == (
        'id: 7\nevent: change\ndata: {"name":"a\\nb","city":"Шу"}\n\n'.encode()
    )
