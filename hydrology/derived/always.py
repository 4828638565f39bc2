"""A method that holds always: its parameters have no date in the registry."""

from collections.abc import Callable
from typing import Any

from hydrology.derived.model import Answer, Method
from hydrology.derived.times import ALWAYS_MS, NEVER_MS


class Always:
    """One method, whatever the time."""

    def __init__(
        self, title: str, answer: Answer, given: dict[str, Any], explain: Callable[[tuple[float, ...]], list[str]]
    ) -> None:
        self._method = Method(ALWAYS_MS, NEVER_MS, title, answer)
        self._given, self._explain = given, explain

    def at(self, time_ms: int) -> Method | None:
        """The method."""
        return self._method

    def parameters(self) -> list[dict[str, Any]]:
        """What it is made of."""
        return [{"title": self._method.title, "from": None, "to": None, **self._given}]

    def explain(self, time_ms: int, values: tuple[float, ...]) -> list[str]:
        """The answer in words."""
        return self._explain(values)
