"""`aryk ingest` as it is typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from aryk.commands import ingest as command
from ingest.intake import Group
from ingest.refetch import REFETCH, Order, wanted
from ingest.settings import spool_path
from ingest.spool import Spool
from tests.ingest.samples import NOW_MS, REGISTRY_TOML, arrival, batch, level, make_intake, spoilt
from tests.ingest.test_spool import taken
from wire.codec import Codec


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    command.add_to(app)
    app.command("other")(lambda: None)  # so that `ingest` stays a sub-command
    return app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "registry.toml").write_text(REGISTRY_TOML)
    (tmp_path / "ingest.toml").write_text('registry = "registry.toml"\ndistricts = ["karatal"]\n')
    return tmp_path


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with Spool(spool_path(tmp_path)) as spool:
        spool.commit([taken(spoilt(value=[1.0, float("nan"), 2.0]), b"\x00\x01\x1b[2Jjunk", b"text")], NOW_MS)
    return tmp_path


def call(app: typer.Typer, *arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["ingest", *map(str, arguments)])
    return result.exit_code, result.output


def test_check_says_what_the_configuration_means(app: typer.Typer, folder: Path) -> None:
    code, out = call(app, "check", "--config", folder / "ingest.toml")
    assert code == 0
    assert "1 gateways, 1 stations, 2 sensors" in out
    assert "the embedded store" in out


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (
            'registry = "registry.toml"\n[brokr]\nport = 1\n',
            ":2: brokr: this key is not known (did you mean 'broker'?)",
        ),
        ('registry = "nosuch.toml"\n', "nosuch.toml: there is no such file"),
        ("districts = []\n", "registry: this key is missing"),
        ('registry = "registry.toml"\ndistricts = ["karatel"]\n', "the registry has no district 'karatel'"),
        ('registry = "registry.toml"\n[broker]\npassword_file = "/nosuch"\n', "/nosuch: broker.password_file: cannot"),
        (
            'registry = "registry.toml"\n[broker.tls]\nca_file = "/nosuch"\n',
            "/nosuch: broker.tls.ca_file: cannot be read",
        ),
        (
            'registry = "registry.toml"\n[store]\nkind = "influxdb"\ntoken_file = "/nosuch"\n',
            "/nosuch: store.token_file: cannot be read: No such file",
        ),
        (
            'registry = "registry.toml"\n[store]\nkind = "influxdb"\ntoken_file = "/dev/null"\n',
            "/dev/null: store.token_file: there is no token in it",
        ),
        ('registry = "registry.toml"\n[limits]\nfuture = "soon"\n', ":3: limits.future: not a duration"),
    ],
)
def test_a_wrong_configuration_is_named_and_exits_2(app: typer.Typer, folder: Path, toml: str, said: str) -> None:
    (folder / "ingest.toml").write_text(toml)
    for verb in ("check", "run"):
        code, out = (
            call(app, verb, "--config", folder / "ingest.toml", "--state", folder)
            if verb == "run"
            else call(app, verb, "--config", folder / "ingest.toml")
        )
        assert code == 2
        assert said in out


def test_a_spool_in_use_is_said(app: typer.Typer, folder: Path) -> None:
    with Spool(spool_path(folder)):
        code, out = call(app, "run", "--config", folder / "ingest.toml", "--state", folder)
    assert code == 1
    assert "in use by another process" in out


def test_letters_are_listed_newest_last(app: typer.Typer, state: Path) -> None:
    code, out = call(app, "dead-letters", "list", "--state", state)
    assert code == 0
    header, *lines = out.splitlines()
    assert header.split()[0] == "ID"
    assert [line.split()[3] for line in lines] == ["not_finite", "bad_json", "bad_json"]


def test_letters_are_filtered(app: typer.Typer, state: Path) -> None:
    for options, count in (
        (["--reason", "not_finite"], 1),
        (["--sensor", "level"], 1),
        (["--gateway", "gw1"], 3),
        (["--gateway", "gw2"], 0),
        (["--since", "2026-09-21T00:00"], 3),
        (["--since", "2100-01-01"], 0),
        (["--since", "10000d"], 3),
        (["--most", "1"], 1),
    ):
        code, out = call(app, "dead-letters", "list", "--state", state, "--json", *options)
        assert code == 0
        assert len(out.splitlines()) == count, options
    (line,) = call(app, "dead-letters", "list", "--state", state, "--json", "--reason", "not_finite")[1].splitlines()
    letter = json.loads(line)
    assert (letter["epoch"], letter["ranges"], letter["sensor"]) == ("00000000002a", "2-2", "level")


@pytest.mark.parametrize(
    "options", [["--reason", "nonsense"], ["--since", "yesterday"], ["--since", "1h", "--until", "2h"]]
)
def test_a_wrong_filter_says_what_is_possible(app: typer.Typer, state: Path, options: list[str]) -> None:
    code, out = call(app, "dead-letters", "list", "--state", state, *options)
    assert code == 2
    assert "wrong_unit" in out or "2h" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--id", "9" * 20],
        ["list", "--most", "9" * 20],
        ["show", "9" * 20],
        ["list", "--since", "9999999d"],
    ],
)
def test_a_number_beyond_all_is_refused_in_words(app: typer.Typer, state: Path, arguments: list[str]) -> None:
    assert call(app, "dead-letters", *arguments, "--state", state)[0] == 2


def test_one_letter_is_shown_with_its_reason_in_words_and_its_bytes(app: typer.Typer, state: Path) -> None:
    code, out = call(app, "dead-letters", "show", "1", "--state", state)
    assert code == 0
    assert "not_finite: the value is NaN or infinite" in out
    assert "epoch 00000000002a, numbers 2-2" in out
    assert '"value": [1.0, NaN, 2.0]' in out


def test_bytes_that_would_harm_a_terminal_are_dumped(app: typer.Typer, state: Path) -> None:
    code, out = call(app, "dead-letters", "show", "2", "--state", state)
    assert code == 0
    assert "00000000  00 01 1b 5b 32 4a 6a 75 6e 6b" in out
    assert "\x1b" not in out


def test_a_letter_or_a_spool_that_is_not_there_is_said(app: typer.Typer, state: Path, tmp_path: Path) -> None:
    assert call(app, "dead-letters", "show", "99", "--state", state) == (1, "there is no dead letter 99\n")
    code, out = call(app, "dead-letters", "list", "--state", tmp_path / "nosuch")
    assert code == 1
    assert "there is no spool at" in out


def test_letters_are_read_while_the_spool_is_in_use(app: typer.Typer, state: Path) -> None:
    with Spool(spool_path(state)) as spool:
        spool.commit([taken(b"more junk")], NOW_MS)
        code, out = call(app, "dead-letters", "list", "--state", state)
    assert code == 0
    assert len(out.splitlines()) == 5


def test_help_has_examples(app: typer.Typer) -> None:
    letters = [["dead-letters", verb] for verb in ("list", "show", "stats", "replay", "export", "purge")]
    for arguments in (["run"], ["check"], ["audit"], ["refetch"], ["import"], *letters):
        assert "aryk ingest" in call(app, *arguments, "--help")[1]


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, aryk.commands.ingest; sys.exit(any(m in sys.modules for m in ('mqtt5', 'sqlite3', 'msgspec')))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])
    assert loaded.returncode == 0


def test_stats_count_by_reason_and_gateway(app: typer.Typer, state: Path) -> None:
    code, out = call(app, "dead-letters", "stats", "--state", state)
    assert code == 0
    assert [line.split()[:4] for line in out.splitlines()[1:]] == [
        ["bad_json", "gw1", "2", "2"],
        ["not_finite", "gw1", "1", "1"],
    ]
    document = json.loads(call(app, "dead-letters", "stats", "--state", state, "--json", "--reason", "bad_json")[1])
    assert [one["letters"] for one in document["letters"]] == [2]
    assert call(app, "dead-letters", "stats", "--state", state, "--gateway", "gw9")[1] == "No dead letters fit.\n"


def test_stats_of_a_flood_of_invented_gateways_stay_readable(app: typer.Typer, tmp_path: Path) -> None:
    intake, group = make_intake(), Group()
    for number in range(60):
        intake.take(arrival(b"%d" % number, f"aryk/v1/karatal/ghost{number}/readings"), group)
    with Spool(spool_path(tmp_path)) as spool:
        spool.commit([group.change], NOW_MS)
    out = call(app, "dead-letters", "stats", "--state", tmp_path)[1].splitlines()
    assert len(out) == 42
    assert out[-1] == "... and 20 letters in 20 more lines; --json has all"


def test_a_list_says_how_many_it_leaves_out(app: typer.Typer, state: Path) -> None:
    out = call(app, "dead-letters", "list", "--state", state, "--most", "1")[1]
    assert "The newest 1 of 3: --most 3 for all" in out
    assert "newest" not in call(app, "dead-letters", "list", "--state", state)[1]


def test_the_readings_of_a_letter_are_shown_whatever_their_codec(app: typer.Typer, tmp_path: Path) -> None:
    intake, group = make_intake(), Group()
    intake.take(arrival(batch(level([1, 2], sensor="new"), level([3])), codec=Codec.CBOR), group)
    with Spool(spool_path(tmp_path)) as spool:
        spool.commit([group.change], NOW_MS)
    out = call(app, "dead-letters", "show", "1", "--state", tmp_path)[1]
    assert "The readings that it is about:" in out
    rows = [line.split() for line in out.splitlines() if " new " in line]
    assert [(row[0], row[1], row[4:]) for row in rows] == [
        ("1", "new", ["1.01", "m", "1", "level"]),
        ("2", "new", ["1.02", "m", "1", "level"]),
    ]


def test_a_replay_says_what_would_happen_and_then_what_did(app: typer.Typer, folder: Path, state: Path) -> None:
    where = ("--state", state, "--config", folder / "ingest.toml")
    for dry in (["--dry-run"], [], []):
        code, out = call(app, "dead-letters", "replay", *where, *dry)
        assert code == 0
        assert out.startswith("3 letters: 0 readings w")
        assert "2 w" in out
        assert "refused again: bad_json, the payload is not JSON" in out
    assert call(app, "dead-letters", "replay", *where, "--id", "99")[1] == "No dead letters fit.\n"
    assert "2 times in vain" in call(app, "dead-letters", "show", "1", "--state", state)[1]


def test_purge_exports_and_import_brings_back(app: typer.Typer, folder: Path, state: Path) -> None:
    where = ("--state", state, "--config", folder / "ingest.toml")
    code, out = call(app, "dead-letters", "purge", *where)
    assert (code, out) == (2, "3 letters would be exported and taken away: say --yes to do it\n")
    code, out = call(app, "dead-letters", "purge", *where, "--yes", "--reason", "bad_json")
    assert code == 0
    assert out.startswith("2 letters were taken away. They are in\n")
    file = out.splitlines()[1].strip()
    assert call(app, "dead-letters", "purge", *where, "--yes", "--reason", "bad_json")[1] == "No dead letters fit.\n"
    code, out = call(app, "import", file, *where)
    assert code == 0
    assert out == "2 dead letters: 2 are here again, the others were here before.\n"


def test_an_export_leaves_the_letters_and_overwrites_nothing(app: typer.Typer, state: Path, tmp_path: Path) -> None:
    to = tmp_path / "out.jsonl.gz"
    assert call(app, "dead-letters", "export", "--state", state, "--to", to)[1] == f"3 letters are in {to}.\n"
    assert call(app, "dead-letters", "export", "--state", state, "--to", to)[0] == 1
    none = tmp_path / "none.jsonl.gz"
    code, out = call(app, "dead-letters", "export", "--state", state, "--to", none, "--gateway", "gw9")
    assert (code, out, none.exists()) == (1, "No dead letters fit. No file was written.\n", False)
    assert len(call(app, "dead-letters", "list", "--state", state, "--json")[1].splitlines()) == 3


def test_what_cannot_be_imported_is_said(app: typer.Typer, folder: Path, state: Path) -> None:
    where = ("--state", state, "--config", folder / "ingest.toml")
    for file, code, said in (
        (folder / "nosuch", 1, "there is no file"),
        (folder / "ingest.toml", 1, "is no whole gzip file"),
        (spool_path(state), 2, "there is nothing to import"),
    ):
        assert call(app, "import", file, *where)[0] == code
        assert said in call(app, "import", file, *where)[1]
    (folder / "some.sqlite").write_bytes(b"")
    import sqlite3

    db = sqlite3.connect(folder / "some.sqlite")
    db.execute("CREATE TABLE something (x)")
    db.close()
    code, out = call(app, "import", folder / "some.sqlite", *where)
    assert (code, "has schema version 0" in out) == (1, True)


def test_refetch_without_ingest_is_kept_for_its_start(app: typer.Typer, state: Path, tmp_path: Path) -> None:
    code, out = call(app, "refetch", "--since", "2026-09-20T00:00", "--state", state)
    assert (code, out) == (0, "Ingest does not run: it will ask when it starts.\n")
    with Spool(spool_path(state)) as spool:
        assert wanted(spool.meta(REFETCH)) == [Order(1_789_862_400_000)]
    # The second order takes nothing from the first; the same again is one.
    for _ in range(2):
        assert call(app, "refetch", "--since", "2026-09-21T00:00", "--station", "k-12", "--state", state)[0] == 0
    with Spool(spool_path(state)) as spool:
        assert wanted(spool.meta(REFETCH)) == [Order(1_789_862_400_000), Order(1_789_948_800_000, "k-12")]
    code, out = call(app, "refetch", "--since", "2100-01-01", "--state", state)
    assert (code, out) == (2, "--since 2100-01-01 lies ahead: nothing was stored since then\n")
    assert call(app, "refetch", "--since", "soon", "--state", state)[0] == 2
    assert call(app, "refetch", "--since", "2h", "--state", tmp_path / "nosuch")[0] == 1


def test_the_spool_of_a_process_that_does_not_answer_is_left_alone(app: typer.Typer, folder: Path, state: Path) -> None:
    with Spool(spool_path(state)):
        code, out = call(app, "dead-letters", "replay", "--state", state, "--config", folder / "ingest.toml")
    assert code == 1
    assert "in use by another process" in out


def test_an_audit_without_a_store_says_so_and_a_wrong_day_too(app: typer.Typer, folder: Path) -> None:
    where = ("--config", folder / "ingest.toml", "--state", folder)
    code, out = call(app, "audit", *where)
    assert code == 1
    assert "the store cannot be read" in out
    assert call(app, "audit", *where, "--day", "yesterday")[0] == 2
    assert call(app, "audit", *where, "--day", "2100-01-01") == (2, "--day 2100-01-01 lies ahead\n")
    assert call(app, "audit", *where, "--day", "0001-01-01")[0] == 2
    assert call(app, "audit", *where, "--station", "nowhere") == (2, "the registry has no station 'nowhere'\n")
