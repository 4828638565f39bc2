"""The pure parts: the spool's state, and what the registry lets expect."""

import os
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from doctor.checks import Level, Name
from ingest.caretaker import exports_folder
from ingest.change import Change, Count, make_row
from ingest.doctor import spool_state
from ingest.doctor.expected import expected
from ingest.settings import spool_path
from ingest.spool import Spool
from tests.ingest.samples import NOW_MS, registry, spoilt
from tests.ingest.test_spool import taken


def row_change(number: int, received_ms: int) -> Change:
    change = taken(spoilt(seq=[number, number + 1, number + 2]))
    row = change.rows[0]
    change.rows[0] = make_row(number, received_ms, row.gateway, row.epoch, row.identities(), row.readings, row.body)
    return change


def filled(state: Path, *changes: Change) -> Path:
    path = spool_path(state)
    with Spool(path) as spool:
        for change in changes:
            spool.commit([change], NOW_MS)
    return path


def judged(path: Path, now_ms: int = NOW_MS) -> dict[Name, list[tuple[Level, str]]]:
    out: dict[Name, list[tuple[Level, str]]] = {}
    for one in spool_state.judge(spool_state.read_spool(path), path, True, now_ms):
        out.setdefault(one.name, []).append((one.level, one.says))
    return out


def test_an_empty_spool(tmp_path: Path) -> None:
    found = judged(filled(tmp_path))
    assert found[Name.SPOOL][0][0] is Level.OK
    assert found[Name.DEAD_LETTERS] == [(Level.OK, "there are no dead letters.")]


def test_what_waits_and_since_when(tmp_path: Path) -> None:
    path = filled(tmp_path, row_change(1, NOW_MS - 3_600_000), row_change(4, NOW_MS))
    state = spool_state.read_spool(path)
    assert (state.rows, state.readings) == (2, 6)
    assert state.oldest_reading_ms is not None
    assert state.bytes_a_day is not None
    assert 24 * 100 < state.bytes_a_day < 24 * 2 * 1000
    ((level, says),) = judged(path)[Name.SPOOL]
    assert level is Level.WARN
    assert "6 readings wait for the store, the oldest for 60 min" in says


def test_too_short_a_span_gives_no_rate(tmp_path: Path) -> None:
    path = filled(tmp_path, row_change(1, NOW_MS - 1_000), row_change(4, NOW_MS))
    assert spool_state.read_spool(path).bytes_a_day is None


def test_dead_letters_are_counted_by_reason(tmp_path: Path) -> None:
    path = filled(tmp_path, taken(spoilt(value=[1.0, float("nan"), 2.0]), b"\x00junk"))
    ((level, says),) = judged(path)[Name.DEAD_LETTERS]
    assert level is Level.WARN
    assert "2 dead letters" in says


def test_files_of_exported_letters_that_fill_the_disk_are_named(tmp_path: Path) -> None:
    path = filled(tmp_path)
    folder = exports_folder(path)
    folder.mkdir()
    for name in ("a", "b"):
        with (folder / f"{name}.jsonl.gz").open("wb") as file:
            file.truncate(spool_state.MANY_EXPORT_BYTES // 2 - 1)
    assert [level for level, _ in judged(path)[Name.DEAD_LETTERS]] == [Level.OK]
    with (folder / "a.jsonl.gz").open("ab") as file:
        file.write(b"12")
    _, (level, says) = judged(path)[Name.DEAD_LETTERS]
    assert level is Level.WARN
    assert says == f"2 files of exported dead letters take 1.0 GB in {folder}; ingest never deletes them."


def test_damaged_rows_and_files_set_aside_are_named(tmp_path: Path) -> None:
    change = row_change(1, NOW_MS)
    change.rows[0] = change.rows[0]._replace(crc=1)
    path = filled(tmp_path, change)
    path.with_name("spool.sqlite.damaged-1").touch()
    levels = [level for level, _ in judged(path)[Name.SPOOL]]
    assert levels == [Level.FAIL, Level.WARN, Level.OK]


def test_what_is_not_accounted_for_is_a_failure(tmp_path: Path) -> None:
    path = filled(tmp_path, Change(counts=Counter({Count.RECEIVED: 3, Count.STORED: 2})))
    assert (Level.FAIL, "what was received is not accounted for: received 3, stored 2.") in judged(path)[Name.SPOOL]


def test_looking_into_a_spool_in_use_changes_nothing(tmp_path: Path) -> None:
    path = spool_path(tmp_path)
    with Spool(path) as spool:
        spool.commit([row_change(1, NOW_MS)], NOW_MS)
        before = path.read_bytes(), sorted(os.listdir(path.parent))
        assert spool_state.read_spool(path).rows == 1
        assert (path.read_bytes(), sorted(os.listdir(path.parent))) == before
        spool.commit([row_change(4, NOW_MS)], NOW_MS)


def test_no_spool_is_no_spool(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").write_bytes(b"not a database, and long enough to be looked at" * 100)
    with pytest.raises(sqlite3.Error):
        spool_state.read_spool(tmp_path / "spool.sqlite")


def test_what_the_registry_lets_expect() -> None:
    rate = expected(registry())
    assert rate.readings_a_day == 3 * 96
    assert rate.messages_a_day == 2 * 96
