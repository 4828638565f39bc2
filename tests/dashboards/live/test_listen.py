"""The page's port."""

import contextlib
import socket

import pytest

from dashboards.live.listen import ListenError, address_of, open_socket
from tests.servers.process import free_port


def test_a_busy_port_gives_the_next_free_one() -> None:
    port = free_port()
    with (
        contextlib.closing(open_socket("127.0.0.1", port)) as first,
        contextlib.closing(open_socket("127.0.0.1", port)) as second,
    ):
        assert first.getsockname()[1] == port
        assert port < second.getsockname()[1] <= port + 50
        assert address_of(second, "127.0.0.1") == f"http://127.0.0.1:{second.getsockname()[1]}/"


def test_port_zero_is_any_port() -> None:
    with contextlib.closing(open_socket("127.0.0.1", 0)) as bound:
        assert bound.getsockname()[1] > 0


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"):
        open_socket("192.0.2.1", 8080)


def test_a_page_on_all_addresses_is_shown_with_one_that_works() -> None:
    with contextlib.closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        assert address_of(bound, "0.0.0.0").startswith("http://127.0.0.1:")
        assert address_of(bound, "::1").startswith("http://[::1]:")
