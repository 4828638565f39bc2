"""What is wrong with a configuration, said so that it can be mended."""

from dataclasses import dataclass
from pathlib import Path

EXIT_CODE = 2
"""Every command of Aryk ends with this when its configuration is wrong."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: the line (None when it stands in no line), the key, what is wrong, and the mend.

    `path` is the file, where a configuration has several, or the environment variable; without it, it is the error's own.
    """

    line: int | None
    key: str
    problem: str
    mend: str = ""
    path: str = ""


class FaultError(ValueError):
    """Raised by a model's validator for what is wrong below the model: each fault with the keys that lead to it from there.

    A plain ValueError names the model's own place, which for a whole file is no line at all.
    """

    def __init__(self, *faults: tuple[tuple[str | int, ...], str]) -> None:
        super().__init__("; ".join(problem for _, problem in faults))
        self.faults = faults


class SettingsError(Exception):
    """A configuration that cannot be used; str() gives one line for each fault."""

    def __init__(self, path: Path | str, faults: list[Fault]) -> None:
        self.path = str(path)
        self.faults = faults
        super().__init__("\n".join(self._line(fault) for fault in faults))

    def _line(self, fault: Fault) -> str:
        path = fault.path or self.path
        place = path if fault.line is None else f"{path}:{fault.line}"
        key = f" {fault.key}:" if fault.key else ""
        mend = f" ({fault.mend})" if fault.mend else ""
        return f"{place}:{key} {fault.problem}{mend}"
