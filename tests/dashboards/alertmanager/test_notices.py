"""The receiver that prints."""

import http.client
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from dashboards.alertmanager.notices import Alert, NoticesServer, Notification, lines

LABELS = {"alertname": "GatewayDown", "severity": "warning"}


@pytest.fixture
def port() -> Iterator[int]:
    with NoticesServer("127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def post(port: int, body: bytes, path: str = "/warning") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("POST", path, body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_an_alert_is_one_line() -> None:
    alert = Alert(
        status="firing",
        labels=LABELS,
        annotations={"summary": "Gateway g is\ndown\x1b[31m", "runbook_url": "docs/x.md"},
    )
    assert list(lines(Notification(alerts=[alert]), "warning")) == [
        "warning | FIRING | GatewayDown | Gateway g is down [31m | docs/x.md"
    ]


def test_it_prints_what_it_is_sent(port: int, caplog: pytest.LogCaptureFixture) -> None:
    body = {"version": "4", "alerts": [{"status": "firing", "labels": LABELS, "startsAt": "2026-11-23T00:00:00Z"}]}
    with caplog.at_level(logging.INFO, "notices"):
        assert post(port, json.dumps(body).encode()) == 200
    assert caplog.messages == ["warning | FIRING | GatewayDown"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[1", b"\xff\xfe", b'{"alerts": [{"labels": 3}]}'])
def test_what_is_no_notification_is_refused_and_the_next_one_is_taken(port: int, body: bytes) -> None:
    assert post(port, body) == 400
    assert post(port, b'{"alerts": []}') == 200


def test_a_body_beyond_all_measure_is_not_read(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("POST", "/x")
    connection.putheader("Content-Length", "999999999999")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_it_says_that_it_is_well(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()
