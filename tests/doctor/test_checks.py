"""Exit codes, text, JSON, and the page that explains every check."""

from pathlib import Path

import pytest

from doctor.checks import Check, Exit, Level, Name, document, exit_code, fail, lines, ok, warn

PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([], Exit.GOOD),
        ([ok(Name.DNS, "good")], Exit.GOOD),
        ([ok(Name.DNS, "good"), warn(Name.DISK, "soon")], Exit.GOOD),
        ([warn(Name.DISK, "soon"), fail(Name.TCP, "bad")], Exit.WOULD_FAIL),
        ([fail(Name.CONFIGURATION, "bad"), fail(Name.TCP, "bad")], Exit.CONFIGURATION_WRONG),
    ],
)
def test_the_exit_code_is_the_worst(checks: list[Check], code: Exit) -> None:
    assert exit_code(checks) is code
    assert document("ingest", checks)["exit"] == code


def test_people_read_what_is_wrong_and_the_mend_below_it() -> None:
    text = lines([ok(Name.DNS, "good."), fail(Name.DEVICE, "silent.", "look at it", "gauge")])
    assert text == [
        "ok   dns                good.",
        "fail device             gauge: silent.",
        "                        -> look at it",
        "",
        "2 checks: 1 failed, 0 to look at.",
    ]
    long = lines([warn(Name.LIMITS, "word " * 60)])
    assert all(len(line) <= 120 for line in long)
    assert long[1].startswith(" " * 24 + "word")
    assert lines([ok(Name.DNS, "good.")])[-1] == "All 1 checks are good."


def test_text_from_outside_does_nothing_to_a_terminal() -> None:
    assert "\x1b" not in "\n".join(lines([fail(Name.BROKER_VERSION, "\x1b[2Jmosquitto", "\x1b[0m")]))


@pytest.mark.parametrize("name", list(Name))
def test_the_page_explains_each_check(name: Name) -> None:
    assert f"| `{name.value}` |" in PAGE.read_text()


def test_the_page_names_the_levels_and_exit_codes() -> None:
    page = PAGE.read_text()
    assert all(f"`{level.value}`" in page for level in Level)
    assert all(f"`{code.value}`" in page for code in Exit)
