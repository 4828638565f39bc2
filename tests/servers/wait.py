"""Waiting for a condition with a bound, instead of sleeping and hoping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

# Between two looks: short enough not to be felt, long enough to leave a small machine to the server being waited for.
FIRST_PAUSE_S = 0.005
LONGEST_PAUSE_S = 0.1


@overload
async def eventually(condition: Callable[[], Awaitable[T]], timeout_s: float = 10.0, what: str = "") -> T: ...


@overload
async def eventually(condition: Callable[[], T], timeout_s: float = 10.0, what: str = "") -> T: ...


async def eventually(condition: Callable[[], Any], timeout_s: float = 10.0, what: str = "") -> Any:
    """Return the condition's value once it is truthy.

    The condition may be a plain or an async callable, and may `assert`: an AssertionError means "not yet".

    Raises:
        AssertionError: the condition was still falsy after `timeout_s`; says what it was last.

    """
    watch = _Watch(timeout_s, what or _name(condition))
    while True:
        try:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            watch.saw(value)
        except AssertionError as error:
            watch.saw(error)
        await asyncio.sleep(watch.pause_s())


def eventually_sync(condition: Callable[[], T], timeout_s: float = 10.0, what: str = "") -> T:
    """Do the same where there is no event loop, or in a thread beside it."""
    watch = _Watch(timeout_s, what or _name(condition))
    while True:
        try:
            value = condition()
            if value:
                return value
            watch.saw(value)
        except AssertionError as error:
            watch.saw(error)
        time.sleep(watch.pause_s())


def _name(condition: object) -> str:
    code = getattr(condition, "__code__", None)
    name = getattr(condition, "__qualname__", repr(condition))
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


class _Watch:
    def __init__(self, timeout_s: float, what: str) -> None:
        self._timeout_s = timeout_s
        self._deadline = time.monotonic() + timeout_s
        self._what = what
        self._pause_s = FIRST_PAUSE_S
        self._last: object = None

    def saw(self, last: object) -> None:
        self._last = last
        if time.monotonic() >= self._deadline:
            error = last if isinstance(last, AssertionError) else None
            raise AssertionError(f"not within {self._timeout_s:g} s: {self._what}; last: {last!r}") from error

    def pause_s(self) -> float:
        self._pause_s = min(self._pause_s * 1.5, LONGEST_PAUSE_S)
        return self._pause_s
