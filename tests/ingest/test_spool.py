"""The spool on disk: what was committed is there after any kind of end, and what is damaged is said."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.change import PARTS, Change, Count, Row
from ingest.holding import SpoolReader, read_holding
from ingest.intake import Group
from ingest.letters import open_letters
from ingest.schema import MOST_COUNTED, WAL_BOUND_BYTES
from ingest.spool import Spool, SpoolUnusableError, Usage
from tests.ingest.samples import EPOCH, NOW_MS, arrival, batch, level, make_intake, spoilt
from wire.names import MAX_SEQ
from wire.ranges import RangeSet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ingest" / "spool.sqlite"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    with Spool(path) as spool:
        spool.load()
        yield spool


def taken(*payloads: object, first_id: int = 1) -> Change:
    intake, group = make_intake(), Group()
    intake._next_id = first_id
    for payload in payloads:
        intake.take(arrival(payload), group)  # type: ignore[arg-type]
    return group.change


def conserves(counters: dict[str, int]) -> bool:
    return counters.get(Count.RECEIVED.value, 0) == sum(counters.get(part.value, 0) for part in PARTS)


def stop_cleanly(spool: Spool) -> None:
    spool.commit([Change(meta={"clean": "1"})], NOW_MS)


def test_a_new_spool_is_new_and_an_old_one_is_not(path: Path) -> None:
    with Spool(path) as spool:
        assert spool.is_new
        stop_cleanly(spool)
    with Spool(path) as spool:
        assert not spool.is_new
        assert spool.was_clean
    with Spool(path) as spool:
        assert not spool.was_clean


def test_rows_come_back_in_order_and_within_bounds(spool: Spool, path: Path) -> None:
    change = taken(*(batch(level([n])) for n in range(1, 11)))
    spool.commit([change], NOW_MS)
    reader = SpoolReader(path)
    assert reader.after(0, 100, 1 << 20) == change.rows
    assert reader.after(4, 3, 1 << 20) == change.rows[4:7]
    assert len(reader.after(0, 100, 1)) == 1
    reader.close()


def test_received_is_rebuilt_from_rows_letters_and_settled_ranges(path: Path) -> None:
    with Spool(path) as spool:
        change = taken(batch(level([1, 2])), spoilt(seq=[3, 4, 5], time=[1, NOW_MS, NOW_MS]), b"junk")
        change.settled_put.append(("gw1", EPOCH, 10, 20))
        spool.commit([change], NOW_MS)
    with Spool(path) as spool:
        holding = spool.load()
        assert holding.received.of("gw1", EPOCH) == RangeSet([(1, 5), (10, 20)])
        assert holding.settled.of("gw1", EPOCH) == RangeSet([(10, 20)])
        assert holding.dead_keys == {change.letters[-1].digest}
        assert (holding.totals.rows, holding.totals.letters) == (2, 2)
        assert conserves(holding.totals.counters)
        assert spool.next_id() == 3


def test_totals_are_kept_beside_the_database(spool: Spool, path: Path) -> None:
    change = taken(batch(level([1, 2])), batch(level([3])), b"junk")
    spool.commit([change], NOW_MS)
    trim = Change()
    trim.trim(change.rows[0])
    trim.counts.update({Count.WAITING: -2, Count.STORED: 2})
    spool.commit([trim], NOW_MS)
    db = sqlite3.connect(path)
    assert spool.totals == read_holding(db).totals
    db.close()
    assert spool.totals.rows == 1
    assert spool.totals.bytes == len(change.rows[1].body)


def test_a_payload_is_kept_once_for_all_letters_of_a_message(spool: Spool, path: Path) -> None:
    payload = spoilt(value=[float("nan"), "text", 1.0])
    spool.commit([taken(payload)], NOW_MS)
    db = sqlite3.connect(path)
    assert db.execute("SELECT count(*) FROM letters").fetchone() == (2,)
    assert db.execute("SELECT payload FROM payloads").fetchall() == [(payload,)]
    db.close()


def test_a_repeated_letter_is_counted(spool: Spool, path: Path) -> None:
    change = taken(b"junk")
    spool.commit([change], NOW_MS)
    spool.commit([Change(repeated_letters=[(change.letters[0].key, NOW_MS + 5)])], NOW_MS)
    with open_letters(path) as letters:
        (one,) = letters.find()
    assert (one.count, one.received_ms, one.last_ms) == (2, NOW_MS, NOW_MS + 5)


def test_what_gaps_claim_is_counted_as_far_as_a_counter_goes(path: Path) -> None:
    """A gap may name 2^53 readings; 1,024 of them are more than SQLite counts, and were taken for a damaged counter."""
    claims = Change(tallies=Counter({"lost.gw1": 2_400 * MAX_SEQ}))
    with Spool(path) as spool:
        spool.load()
        for _ in range(3):
            spool.commit([claims], NOW_MS)
        kept = spool.totals.counters
    with Spool(path) as spool:
        holding = spool.load()
    assert holding.unreadable == 0
    assert holding.totals.counters == kept == {"lost.gw1": MOST_COUNTED}


def test_a_second_process_is_kept_out(spool: Spool, path: Path) -> None:
    with pytest.raises(SpoolUnusableError, match="in use by another process"), Spool(path):
        pass


@pytest.mark.parametrize("name", ["spool.sqlite", "spool.lock"])
def test_what_cannot_be_opened_is_said_and_left_alone(path: Path, name: str) -> None:
    """Such as a state folder of another user; a folder stands in for it, since root may open all."""
    (path.parent / name).mkdir(parents=True)
    with pytest.raises(SpoolUnusableError, match=f"{name} cannot be used"), Spool(path):
        pass
    assert (path.parent / name).is_dir()


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    with Spool(path):
        pass
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SpoolUnusableError, match="99"), Spool(path):
        pass
    assert path.exists()


def test_all_or_nothing(spool: Spool) -> None:
    good = taken(batch(level([1])))
    spool.commit([good], NOW_MS)
    before = dict(spool.totals.counters)
    with pytest.raises(sqlite3.IntegrityError):
        spool.commit([taken(batch(level([2])), first_id=2), taken(batch(level([3])), first_id=1)], NOW_MS)
    assert spool.totals.counters == before
    assert spool.load().totals.rows == 1


def test_a_copy_of_the_files_at_any_moment_opens_with_all_that_was_committed(path: Path, tmp_path: Path) -> None:
    """An imitation of a kill: the files as they are on disk, without a clean end."""
    with Spool(path) as spool:
        for step in range(5):
            spool.commit([taken(batch(level([step + 1])), first_id=step + 1)], NOW_MS)
            copy = tmp_path / f"copy{step}"
            shutil.copytree(path.parent, copy)
            with Spool(copy / path.name) as other:
                assert not other.was_clean
                assert other.load().received.of("gw1", EPOCH) == RangeSet([(1, step + 1)])


def test_a_torn_tail_of_the_wal_loses_only_what_was_not_whole(path: Path, tmp_path: Path) -> None:
    with Spool(path) as spool:
        for step in range(3):
            spool.commit([taken(batch(level([step + 1])), first_id=step + 1)], NOW_MS)
        copy = tmp_path / "copy"
        shutil.copytree(path.parent, copy)
    wal = copy / "spool.sqlite-wal"
    wal.write_bytes(wal.read_bytes()[:-100])
    with Spool(copy / path.name) as other:
        assert other.load().received.of("gw1", EPOCH) == RangeSet([(1, 2)])


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from ingest.spool import Spool
from tests.ingest.test_spool import taken
from tests.ingest.samples import NOW_MS, batch, level
with Spool(Path({path!r})) as spool:
    for step in range(1, 100_000):
        spool.commit([taken(batch(level([step])), first_id=step)], NOW_MS)
        print(step, flush=True)
"""


def test_kill_9_loses_nothing_that_was_committed(path: Path) -> None:
    script = KILLED.format(root=str(Path(__file__).parents[2]), path=str(path))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 40:
                process.send_signal(signal.SIGKILL)
                break
        said = max([40, *(int(line) for line in process.stdout if line.strip().isdigit() and line.endswith("\n"))])
    with Spool(path) as spool:
        holding = spool.load()
        assert not spool.was_clean
        received = holding.received.of("gw1", EPOCH)
        assert received.covers(1, said)
        assert (received.highest or 0) <= said + 1  # the one committed and not yet said
        assert conserves(holding.totals.counters)


def flip(path: Path, needle: bytes) -> None:
    """Flip a bit in the first place where these bytes stand."""
    data = bytearray(path.read_bytes())
    at = data.index(needle)
    data[at] ^= 0x10
    path.write_bytes(data)


def committed(path: Path, *seqs: int) -> list[Row]:
    with Spool(path) as spool:
        change = taken(*(batch(level([seq])) for seq in seqs))
        spool.commit([change], NOW_MS)
        stop_cleanly(spool)
    return change.rows


def test_a_flipped_bit_in_a_body_is_seen_and_what_follows_is_read(path: Path) -> None:
    rows = committed(path, 1, 2, 3)
    flip(path, rows[1].body)
    with Spool(path) as spool:
        holding = spool.load()
        assert holding.damaged == 1
        assert list(holding.received.of("gw1", EPOCH)) == [(1, 1), (3, 3)]
        reader = SpoolReader(path)
        assert [row.whole for row in reader.after(0, 10, 1 << 20)] == [True, False, True]
        reader.close()


def test_a_flipped_bit_in_a_name_is_seen(path: Path) -> None:
    committed(path, 1)
    data = path.read_bytes()
    at = data.index(b"gw1")
    path.write_bytes(data[:at] + b"\xff" + data[at + 1 :])  # no UTF-8 any more
    with Spool(path) as spool:
        assert spool.load().damaged == 1
        reader = SpoolReader(path)
        assert [row.whole for row in reader.after(0, 10, 1 << 20)] == [False]
        reader.close()


def test_a_row_set_aside_is_kept_and_counted(path: Path) -> None:
    rows = committed(path, 1, 2)
    flip(path, rows[0].body)
    with Spool(path) as spool:
        spool.load()
        reader = SpoolReader(path)
        damaged = reader.after(0, 1, 1 << 20)[0]
        change = Change()
        change.put_aside(damaged, "its checksum is wrong")
        spool.commit([change], NOW_MS)
        reader.close()
        totals = spool.load().totals
        assert totals.counters[Count.SET_ASIDE.value] == 1
        assert totals.rows == 1
        assert conserves(totals.counters)
        assert spool.next_id() == 3


@pytest.mark.parametrize("ruin", [b"no database at all", b""], ids=["nonsense", "empty"])
def test_a_file_that_is_no_database_is_set_aside_or_begun_anew(path: Path, ruin: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(ruin)
    with Spool(path) as spool:
        assert spool.is_new
        assert (spool.lost is not None) == bool(ruin)
    if ruin:
        assert path.with_name("spool.sqlite.damaged-1").read_bytes() == ruin


def test_damaged_pages_after_an_unclean_stop_are_a_lost_spool(path: Path) -> None:
    committed(path, *range(1, 200))
    with Spool(path):  # and killed
        pass
    data = bytearray(path.read_bytes())
    for page in range(4096, len(data), 4096):
        data[page : page + 16] = b"\xa5" * 16
    path.write_bytes(data)
    with Spool(path) as spool:
        assert spool.is_new
        assert spool.lost is not None


def test_the_file_shrinks_after_draining_and_the_wal_stays_within_its_bound(spool: Spool, path: Path) -> None:
    ids = 0
    for _ in range(12):
        rows = []
        for _ in range(40):
            ids += 1
            change = taken(batch(level([ids])), first_id=ids)
            rows.append(change.rows[0]._replace(body=bytes(100_000)))
        spool.commit([Change(rows=rows)], NOW_MS)
        assert path.with_name("spool.sqlite-wal").stat().st_size <= WAL_BOUND_BYTES
    full = spool.usage()
    assert full.oldest_ms == NOW_MS
    spool.commit([Change(trimmed=list(range(1, ids + 1)))], NOW_MS)
    while spool.tidy():
        pass
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    assert db.execute("PRAGMA page_count").fetchone()[0] * 4096 < full.file_bytes / 4
    db.close()
    assert spool.usage().oldest_ms is None


def test_a_digest_named_by_two_deaths_in_a_row_is_poison(path: Path) -> None:
    def start(*marks: str) -> set[str]:
        with Spool(path) as spool:
            poison = spool.poison() if spool.was_clean else spool.judge_suspects()
            for mark in marks:
                spool.commit([Change(marks=[mark])], NOW_MS)
            return poison

    assert start() == set()
    assert start("bad") == set()  # the first death that names it
    assert start("other") == set()  # another one was in hand: not in a row
    assert start("bad") == set()
    assert start("bad") == set()
    assert start() == {"bad"}
    assert start() == {"bad"}  # for good: it may come again


def test_a_message_that_was_decoded_is_no_suspect(path: Path) -> None:
    for _ in range(3):
        with Spool(path) as spool:
            spool.judge_suspects()
            spool.commit([Change(marks=["good"])], NOW_MS)
            spool.commit([Change(unmarks=["good"])], NOW_MS)
    with Spool(path) as spool:
        assert spool.judge_suspects() == set()


@pytest.mark.parametrize(("free", "low"), [(40_000_000, False), (30_000_000, True)])
def test_intake_stops_while_the_wal_and_a_margin_still_fit(free: int, low: bool) -> None:
    assert Usage(0, free).disk_is_low is low


def test_a_flipped_bit_in_what_was_received_does_not_keep_ingest_from_starting(path: Path) -> None:
    with Spool(path) as spool:
        spool.load()
        change = taken(batch(level([1, 2])), b"neither JSON nor CBOR")
        change.settled_put += [("gw1", 7, 1, 9), ("gw1", 8, 1, 9), ("gw1", 9, 1, 9)]
        spool.commit([change], NOW_MS)
        letters = spool.load().totals.letters
        stop_cleanly(spool)
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE settled SET last = -9 WHERE epoch = 7")
        db.execute("UPDATE settled SET last = 'x' WHERE epoch = 8")
        db.execute("UPDATE letters SET ranges = '4q-1', epoch = 5")
        db.execute("UPDATE counters SET value = 'x' WHERE name = 'received'")
    db.close()
    with Spool(path) as spool:
        holding = spool.load()
    assert holding.unreadable == 3 + letters
    assert holding.totals.letters == letters
    assert list(holding.settled.of("gw1", 9)) == [(1, 9)]
    assert list(holding.received.of("gw1", EPOCH)) == [(1, 2)]
    assert not list(holding.received.of("gw1", 7))
