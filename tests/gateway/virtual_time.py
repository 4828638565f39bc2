"""An event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from gateway.clock import Moment

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everything waits for something that will never come"
            self.loop.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Only for code without threads and sockets: these would need real time."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now_s


class VirtualClock:
    """The gateway's clocks on the running virtual loop; `step_wall` sets the wall clock."""

    def __init__(self, ms: int = 1_700_000_000_000, boot: str = "boot-1") -> None:
        self._start_ms = ms - 1_000_000
        self.boot = boot

    def now(self) -> Moment:
        now_s = self.monotonic_s()
        return Moment(self._start_ms + int(now_s * 1000 + 1e-6), int(now_s * 1e9))

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    def step_wall(self, seconds: float) -> None:
        self._start_ms += round(seconds * 1000)


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run this to its end, in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


async def run_for(seconds: float, *work: Coroutine[Any, Any, Any]) -> None:
    """Run these side by side for so long, then cancel them; what one of them raises is raised here."""
    tasks = [asyncio.ensure_future(one) for one in work]
    done, pending = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
