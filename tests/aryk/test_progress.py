from collections.abc import Iterator

import pytest

from aryk.progress import progress


def test_without_a_terminal_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    times: Iterator[float] = iter([0.0, 1.0, 6.0, 6.0, 7.0, 12.0, 12.0])
    with progress("183 days of the past", 200, lambda: next(times), every_s=5.0) as move:
        for come in (10, 50, 60, 240):
            move(come)
    said = capsys.readouterr()
    assert said.err.splitlines() == ["183 days of the past: 25 %", "183 days of the past: 100 %"]
    assert said.out == ""
