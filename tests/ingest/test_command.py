"""`aryk ingest` as it is typed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from aryk.commands import ingest as command
from ingest.settings import spool_path
from ingest.spool import Spool
from tests.ingest.samples import NOW_MS, REGISTRY_TOML, spoilt
from tests.ingest.test_spool import taken


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
        ('registry = "registry.toml"\n[broker]\npassword_file = "/nosuch"\n', "/nosuch"),
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


@pytest.mark.parametrize("options", [["--reason", "nonsense"], ["--since", "yesterday"]])
def test_a_wrong_filter_says_what_is_possible(app: typer.Typer, state: Path, options: list[str]) -> None:
    code, out = call(app, "dead-letters", "list", "--state", state, *options)
    assert code == 2
    assert "wrong_unit" in out or "2h" in out


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
    for arguments in (["run"], ["check"], ["dead-letters", "list"], ["dead-letters", "show"]):
        assert "aryk ingest" in call(app, *arguments, "--help")[1]


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys, aryk.commands.ingest; sys.exit(any(m in sys.modules for m in ('mqtt5', 'sqlite3', 'msgspec')))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2])
    assert loaded.returncode == 0
