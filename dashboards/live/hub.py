"""All browsers that watch: each has a bounded queue, and one that cannot keep up is let go and comes back by itself."""

import asyncio

from dashboards.live.metrics import LiveMetrics

QUEUE = 32
"""Messages a slow browser may be behind; past it the connection ends, and a new one begins with the whole picture."""


MOST_CLIENTS = 400
"""Open streams at once, well below the usual limit of 1,024 open files: past it a browser is told to come again later."""


class TooManyError(Exception):
    """As many browsers watch as may."""


class Client:
    """One browser's open event stream."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
        self.gone = False

    def put(self, message: bytes | None) -> bool:
        """Queue a message; None ends the stream. False when the queue is full: the stream ends at once."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.gone = True
            return False
        return True


class Hub:
    """Passes every message to every browser."""

    def __init__(self, metrics: LiveMetrics) -> None:
        self._clients: set[Client] = set()
        self._metrics = metrics
        self._closed = False

    def join(self) -> Client:
        """A new browser; after `close` its stream ends at once. Raises TooManyError."""
        if len(self._clients) >= MOST_CLIENTS:
            self._metrics.dropped.labels(reason="full").inc()
            raise TooManyError
        client = Client()
        if self._closed:
            client.put(None)
        else:
            self._clients.add(client)
            self._metrics.clients.set(len(self._clients))
        return client

    def leave(self, client: Client) -> None:
        """The browser is gone."""
        self._clients.discard(client)
        self._metrics.clients.set(len(self._clients))

    def send(self, message: bytes) -> None:
        """To all; those that are full are dropped."""
        for client in list(self._clients):
            if not client.put(message):
                self._metrics.dropped.labels(reason="slow").inc()
                self.leave(client)

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        for client in list(self._clients):
            client.put(None)
