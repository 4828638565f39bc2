import asyncio
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from aryk.cli import build
from hydrology.cap import NAMESPACE
from store.open import open_writer
from store.points import SeriesKey, SeriesPoints
from store.settings import SqliteSettings
from tests.aryk.commands import run
from tests.dashboards.report.district import EXAMPLE
from tests.dashboards.warn.gauges import AT, rising

SENDER = "duty@office.example"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The bridge in flood up to a certain time; nothing of the other gauges."""
    file = tmp_path / "points.sqlite"
    rows = rising(3.9, 0.05)
    key = SeriesKey("level", "river-bridge", "bridge-level")

    async def write() -> None:
        async with open_writer(SqliteSettings(path=file), tmp_path) as writer:
            points = SeriesPoints(key, [t for t, _, _ in rows], [v for _, v, _ in rows], [f for _, _, f in rows])
            assert await writer.write([points]) == []

    asyncio.run(write())
    return file


def draft(tmp_path: Path, store: Path, *more: str, at: str | None = AT.isoformat()) -> tuple[Path, Result]:
    out = tmp_path / "flood.xml"
    options = ["--registry", str(EXAMPLE), "--store", str(store), "--sender", SENDER, "--out", str(out)]
    when = ["--at", at] if at else []
    return out, run("warn", "draft", "--station", "river-bridge", *options, *when, *more)


def status_of(file: Path) -> str | None:
    return ElementTree.parse(file).getroot().findtext(f"{{{NAMESPACE}}}status")


def test_each_gauge_has_a_state_and_silence_is_one(store: Path) -> None:
    result = run("warn", "state", "--registry", str(EXAMPLE), "--store", str(store), "--at", AT.isoformat())
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    bridge = next(line for line in lines if "river-bridge" in line)
    assert bridge.startswith("adverse ")
    assert "390 cm, +120 cm in 24 h, 30 cm to moderate, in 6.0 h" in bridge
    assert "if the trend persists, which is no forecast" in bridge
    head = next(line for line in lines if "canal-head" in line)
    assert head == "unknown    canal-head/head-up: no reading. Not safe: nobody knows."
    assert lines[-1] == "1 raised, 6 unknown, 0 normal"


def test_the_states_for_programs(store: Path) -> None:
    options = ["--registry", str(EXAMPLE), "--store", str(store), "--station", "river-bridge", "--json"]
    (known,) = json.loads(run("warn", "state", *options, "--at", AT.isoformat()).stdout)
    assert (known["condition"], known["threshold"], known["next_threshold"]) == ("raised", "adverse", "moderate")
    (stale,) = json.loads(run("warn", "state", *options).stdout)
    assert stale["condition"] == "unknown", "that flood is long past, and nobody has looked since"


def test_a_draft_is_not_written_over_one_that_was_mended(tmp_path: Path, store: Path) -> None:
    out, first = draft(tmp_path, store)
    assert first.exit_code == 0, first.output
    mended = out.read_text(encoding="utf-8").replace("flood level", "mended by hand")
    out.write_text(mended, encoding="utf-8")
    again = draft(tmp_path, store)[1]
    assert again.exit_code == 1
    assert "is there already, and may have been mended: nothing is written over" in again.stderr
    assert "written " not in again.stdout
    assert out.read_text(encoding="utf-8") == mended


def test_a_draft_is_a_draft_until_a_person_types_it(tmp_path: Path, store: Path) -> None:
    out, result = draft(tmp_path, store, "--place-kk", "Талас, көпір", "--place-ru", "Талас, мост")
    assert result.exit_code == 0, result.output
    assert status_of(out) == "Draft"
    assert "[kk-KZ] Moderate, Immediate, Observed: Талас, көпір: су деңгейі 390 см" in result.stdout
    checked = run("warn", "check", str(out))
    assert checked.exit_code == 0
    assert checked.stdout == f"{out}: good; its status is Draft\n"


def test_only_a_persons_word_makes_it_actual(tmp_path: Path, store: Path) -> None:
    # Drafted as of now, so that it has not expired: the station's last reading must be of now too.
    now_file = tmp_path / "now.sqlite"
    _fresh(now_file)
    out, result = draft(tmp_path, now_file, at=None)
    assert result.exit_code == 0, result.output
    app = build("warn")
    for answer in ("", "y\n", "actual\n"):
        refused = CliRunner().invoke(app, ["warn", "sign", str(out), "--by", "A. Serik"], input=answer)
        assert refused.exit_code == 1
        assert not out.with_name("flood.signed.xml").exists()
    signed = CliRunner().invoke(app, ["warn", "sign", str(out), "--by", "A. Serik"], input="ACTUAL\n")
    assert signed.exit_code == 0, signed.output
    target = out.with_name("flood.signed.xml")
    assert status_of(target) == "Actual"
    assert status_of(out) == "Draft"
    assert ElementTree.parse(target).getroot().findtext(f"{{{NAMESPACE}}}note") == "Signed off by A. Serik."
    assert run("warn", "check", str(target)).exit_code == 0
    # Nothing that was signed is written over, or signed again.
    assert run("warn", "sign", str(out), "--by", "B", "--as", "Actual").exit_code == 1
    again = run("warn", "sign", str(target), "--by", "B", "--as", "Actual", "--out", str(tmp_path / "x.xml"))
    assert again.exit_code == 2
    assert "only a draft can be signed" in again.stderr


def _fresh(file: Path) -> None:
    from time import time

    rows = rising(3.9, 0.05, until_ms=int(time() * 1000))
    key = SeriesKey("level", "river-bridge", "bridge-level")

    async def write() -> None:
        async with open_writer(SqliteSettings(path=file), file.parent) as writer:
            await writer.write([SeriesPoints(key, [t for t, _, _ in rows], [v for _, v, _ in rows], [1] * len(rows))])

    asyncio.run(write())


def test_a_wrong_option_is_named_and_a_wrong_station_brings_those_like_it(tmp_path: Path, store: Path) -> None:
    _, updates = draft(tmp_path, store, "--updates", "a,b,c")
    assert "--updates: 'c' is not a time" in updates.stderr
    where = ["--registry", str(EXAMPLE), "--store", str(store), "--station", "river-brigde"]
    for command in ("state", "nowcast"):
        result = run("warn", command, *where)
        assert result.exit_code == 2
        assert "did you mean river-bridge" in result.stderr


def test_a_file_that_is_not_there_or_cannot_be_written_is_said_in_words(tmp_path: Path, store: Path) -> None:
    checked = run("warn", "check", str(tmp_path / "no.xml"))
    assert checked.exit_code == 1
    assert f"there is no file {tmp_path / 'no.xml'}: look at its name" in checked.stderr
    folder = run("warn", "check", str(tmp_path))
    assert "it is a folder. Name a file in it." in folder.stderr
    _, drafted = draft(tmp_path / "none", store)
    assert drafted.exit_code == 1
    assert f"there is no folder {tmp_path / 'none'}. Make it, or name another place." in drafted.stderr
    assert not any("Errno" in result.stderr for result in (checked, folder, drafted))


def test_an_exercise_is_one(tmp_path: Path) -> None:
    _fresh(tmp_path / "now.sqlite")
    out, _ = draft(tmp_path, tmp_path / "now.sqlite", at=None)
    exercise = tmp_path / "exercise.xml"
    result = run("warn", "sign", str(out), "--by", "A. Serik", "--as", "Exercise", "--out", str(exercise))
    assert result.exit_code == 0, result.output
    assert status_of(exercise) == "Exercise"


def test_an_old_or_spoilt_draft_is_not_signed(tmp_path: Path, store: Path) -> None:
    out, _ = draft(tmp_path, store)
    expired = run("warn", "sign", str(out), "--by", "A. Serik", "--as", "Actual")
    assert expired.exit_code == 2
    assert "expires is not after sent" in expired.stderr
    nobody = run("warn", "sign", str(out), "--by", " ", "--as", "Actual")
    assert nobody.exit_code == 2
    assert "a person must sign" in nobody.stderr
    out.write_bytes(out.read_bytes().replace(b"<severity>Moderate<", b"<severity>Bad<"))
    spoilt = run("warn", "check", str(out))
    assert spoilt.exit_code == 2
    assert "severity" in spoilt.stderr
    assert run("warn", "sign", str(out), "--by", "A. Serik", "--as", "Actual").exit_code == 2
    assert not out.with_name("flood.signed.xml").exists()


def test_no_draft_without_ground(tmp_path: Path, store: Path) -> None:
    out, stale = draft(tmp_path, store, at=None)
    assert stale.exit_code == 3
    assert "unknown, which is not safe" in stale.stderr
    assert not out.exists()
    options = ["--registry", str(EXAMPLE), "--store", str(store), "--sender", SENDER, "--out", str(out)]
    nowhere = run("warn", "draft", "--station", "turnout-a", *options)
    assert nowhere.exit_code == 2
    assert "no sensor with thresholds at 'turnout-a'" in nowhere.stderr


def test_an_update_names_what_it_updates(tmp_path: Path, store: Path) -> None:
    out, result = draft(
        tmp_path,
        store,
        "--updates",
        f"{SENDER},aryk-river-bridge-1,2026-04-29T06:00:00+05:00",
        "--polygon",
        "42.5,72.1 42.5,72.3 42.6,72.3",
    )
    assert result.exit_code == 0, result.output
    text = out.read_text(encoding="utf-8")
    assert "<msgType>Update</msgType>" in text
    assert "<polygon>42.50000,72.10000 42.50000,72.30000 42.60000,72.30000 42.50000,72.10000</polygon>" in text
    assert run("warn", "check", str(out)).exit_code == 0
