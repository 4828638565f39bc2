"""The health page of a role."""

import asyncio
import gzip
import http.client
import threading
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter
from pydantic import ValidationError

from health import HealthServer, HealthSettings
from settings import load_text
from tests.servers.process import free_port


class Role:
    """A role with one counter, ready or not."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counter = Counter("aryk_test_readings", "Readings.", registry=self.registry)
        self.why_not: str | None = None


@pytest.fixture
def role() -> Role:
    return Role()


@pytest.fixture
def page(role: Role) -> Iterator[HealthServer]:
    with HealthServer(HealthSettings(), role.registry, lambda: role.why_not) as server:
        yield server


def get(port: int, path: str, method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def test_it_lives(page: HealthServer) -> None:
    assert get(page.port, "/healthz") == (200, "text/plain; charset=utf-8", "alive\n")


def test_ready_or_why_not(page: HealthServer, role: Role) -> None:
    assert get(page.port, "/readyz")[::2] == (200, "ready\n")
    role.why_not = "the broker does not answer: Ақтау"
    assert get(page.port, "/readyz")[::2] == (503, "the broker does not answer: Ақтау\n")
    assert get(page.port, "/healthz")[0] == 200
    role.why_not = None
    assert get(page.port, "/readyz")[0] == 200


def test_metrics_are_those_of_the_registry(page: HealthServer, role: Role) -> None:
    role.counter.inc(5)
    status, content_type, body = get(page.port, "/metrics")
    assert status == 200
    assert content_type.startswith("text/plain")
    assert "aryk_test_readings_total 5.0" in body
    assert "python_info" not in body


def test_more_follows_what_the_registry_has_packed_where_that_is_wanted(role: Role) -> None:
    role.counter.inc(5)
    lines = [f'aryk_test_level{{station="{n}"}} 1.0\n' for n in range(5_000)]
    with HealthServer(HealthSettings(), role.registry, lambda: None, lambda: lines) as page:
        status, content_type, body = get(page.port, "/metrics")
        assert status == 200
        assert content_type.startswith("text/plain; version=0.0.4")
        assert body.endswith("".join(lines))
        assert "aryk_test_readings_total 5.0" in body
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        packed = answer.read()
        connection.close()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(packed) < len(body) / 5
        assert gzip.decompress(packed).decode().endswith("".join(lines))


def test_any_other_page_is_not_found(page: HealthServer) -> None:
    for path in ("/", "/metrics/", "/healthz/x", "/../etc/passwd"):
        assert get(page.port, path)[0] == 404


def test_it_listens_on_loopback_only(page: HealthServer) -> None:
    assert HealthSettings().host == "127.0.0.1"
    assert page.port > 0
    with pytest.raises(OSError, match="refused"):
        http.client.HTTPConnection("127.0.0.2", page.port, timeout=2).request("GET", "/healthz")


def test_the_port_is_free_again_at_the_end(role: Role) -> None:
    settings = HealthSettings(port=free_port())
    for _ in range(3):
        with HealthServer(settings, role.registry, lambda: None) as page:
            assert page.port == settings.port
            assert get(page.port, "/healthz")[0] == 200
    assert not any(thread.name == "health" for thread in threading.enumerate())


def test_a_busy_port_is_told(page: HealthServer, role: Role) -> None:
    with (
        pytest.raises(OSError, match="in use"),
        HealthServer(HealthSettings(port=page.port), role.registry, lambda: None),
    ):
        pass


def test_left_out(role: Role) -> None:
    with HealthServer(HealthSettings(enabled=False), role.registry, lambda: None) as page:
        assert page.port == 0


async def test_it_answers_while_the_role_is_busy(page: HealthServer) -> None:
    """The event loop stands still until the page has answered from its own thread."""
    asked = threading.Event()
    answers: list[int] = []

    def ask() -> None:
        answers.append(get(page.port, "/healthz")[0])
        asked.set()

    threading.Thread(target=ask, name="asking").start()
    assert await asyncio.sleep(0, asked.wait(timeout=10))
    assert answers == [200]


def test_many_may_ask_at_once(page: HealthServer) -> None:
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(get(page.port, "/metrics")[0])) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert statuses == [200] * 16


def test_a_client_that_says_nothing_keeps_nobody_waiting(page: HealthServer) -> None:
    silent = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    silent.connect()
    try:
        assert get(page.port, "/healthz")[0] == 200
    finally:
        silent.close()


def test_a_readiness_that_fails_is_not_ready(role: Role, capfd: pytest.CaptureFixture[str]) -> None:
    def broken() -> str | None:
        raise RuntimeError("broken")

    with HealthServer(HealthSettings(), role.registry, broken) as page:
        assert get(page.port, "/readyz")[0] >= 500
        assert get(page.port, "/healthz")[0] == 200


def test_settings() -> None:
    assert load_text(HealthSettings, "port = 9100\nhost = '0.0.0.0'").port == 9100
    with pytest.raises(ValidationError):
        HealthSettings(port=65_536)
