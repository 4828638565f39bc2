"""Commands that wait to be sent: bounded, and known by gateway."""

from collections import Counter, deque

MOST_COMMANDS = 20_000
"""Beyond it new ones are dropped, the gateway's next hello asks anew."""


class Commands:
    """A queue of topics and payloads, first in, first out."""

    def __init__(self, most: int = MOST_COMMANDS) -> None:
        self._most = most
        self._queue: deque[tuple[str, bytes]] = deque()
        self._waiting: Counter[str] = Counter()

    def add(self, where: str, payload: bytes) -> bool:
        """Queue a command; False when there is no room."""
        if len(self._queue) >= self._most:
            return False
        self._queue.append((where, payload))
        self._waiting[where] += 1
        return True

    def take(self) -> tuple[str, bytes]:
        """The next one."""
        where, payload = self._queue.popleft()
        self._waiting[where] -= 1
        if not self._waiting[where]:
            del self._waiting[where]
        return where, payload

    def waits_for(self, where: str) -> bool:
        """Whether something for this topic waits."""
        return where in self._waiting

    def __bool__(self) -> bool:
        return bool(self._queue)
