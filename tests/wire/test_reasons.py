"""The closed list of reasons."""

import re
from pathlib import Path

import pytest

from wire.reasons import MEANING, Reason, WireError

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_meaning(reason: Reason) -> None:
    assert 10 < len(MEANING[reason]) < 120
    assert re.fullmatch(r"[a-z_]+", reason.value)


def test_no_meaning_without_a_reason() -> None:
    assert set(MEANING) == set(Reason)


def test_an_error_says_its_reason_and_where() -> None:
    assert str(WireError(Reason.SCHEMA, "series[0].seq: twice")) == "schema: series[0].seq: twice"
    assert str(WireError(Reason.BOMB)) == "bomb"


def test_every_reason_is_used() -> None:
    code = "\n".join(
        path.read_text()
        for package in ("wire", "ingest")
        for path in (ROOT / package).rglob("*.py")
        if path.name != "reasons.py"
    )
    unused = [reason.name for reason in Reason if f"Reason.{reason.name}" not in code]
    assert unused == []
