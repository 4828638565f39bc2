"""The page's socket: on the port asked for, or the next free one."""

import errno
import socket

PORTS_TRIED = 50


class ListenError(Exception):
    """The page cannot listen there; str() says why."""


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ListenError when the address is not ours, or when no port of the next fifty is free."""
    last = port + PORTS_TRIED if port else 1
    for candidate in range(port, min(last, 65_536)):
        try:
            return _bind(host, candidate)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ListenError(f"cannot listen on {host}:{candidate}: {error.strerror or error}") from error
    raise ListenError(f"no port from {port} on is free at {host}")


def _bind(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Two sockets may be bound to one port as long as neither listens: only this shows that it is free.
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def address_of(bound: socket.socket, host: str) -> str:
    """The page's address for people."""
    port = bound.getsockname()[1]
    if host in ("0.0.0.0", "::", ""):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
