from pathlib import Path

import pytest
import typer

from aryk.running import make_state


def test_a_state_folder_is_made(tmp_path: Path) -> None:
    make_state(tmp_path / "a" / "ingest")
    make_state(tmp_path / "a" / "ingest")
    assert (tmp_path / "a" / "ingest").is_dir()


@pytest.mark.parametrize("where", ["file", "proc"])
def test_one_that_cannot_be_used_is_said_in_one_sentence(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    folder = {"file": tmp_path / "file" / "ingest", "proc": Path("/proc/nope/ingest")}[where]
    with pytest.raises(typer.Exit) as caught:
        make_state(folder)
    assert caught.value.exit_code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"the state folder {folder} cannot be used")
    assert said.count("\n") == 1
