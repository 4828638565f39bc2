"""The lines of keys in a TOML text."""

import tomllib

import pytest
from hypothesis import given

from settings.locate import KeyPath, line_of, locate
from tests.settings.toml import documents


@given(documents())
def test_every_key_of_any_text_is_found_on_its_line(document: tuple[str, dict[KeyPath, int]]) -> None:
    text, expected = document
    tomllib.loads(text)  # the text that was made up is TOML
    lines = locate(text)
    assert {path: lines.get(path) for path in expected} == expected


TEXT = """\
# a comment [with] = "everything"
id = "gw-1"            # line 2

[broker]
host = "127.0.0.1"
tls.ca_file = "ca.pem"
"strange key" = 1

[[devices]]
id = "a"
sensors = [
  { id = "x", register = 0 },
  # { id = "no" }
  { id = "y",
    register = 1 },
]

[[devices]]
id = "b"
text = \"\"\"
[not.a.table]
key = 1
\"\"\"
  [[devices.sensors]]
  id = "z"
  [devices.sensors.limits]
  low = 1
  [[devices.sensors]]
  id = "w"
[health]
port = 9100
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("id",), 2),
        (("broker",), 4),
        (("broker", "host"), 5),
        (("broker", "tls"), 6),
        (("broker", "tls", "ca_file"), 6),
        (("broker", "strange key"), 7),
        (("devices",), 9),
        (("devices", 0), 9),
        (("devices", 0, "id"), 10),
        (("devices", 0, "sensors"), 11),
        (("devices", 0, "sensors", 0), 12),
        (("devices", 0, "sensors", 0, "register"), 12),
        (("devices", 0, "sensors", 1), 14),
        (("devices", 1), 18),
        (("devices", 1, "id"), 19),
        (("devices", 1, "text"), 20),
        (("devices", 1, "sensors", 0), 24),
        (("devices", 1, "sensors", 0, "id"), 25),
        (("devices", 1, "sensors", 0, "limits"), 26),
        (("devices", 1, "sensors", 0, "limits", "low"), 27),
        (("devices", 1, "sensors", 1, "id"), 29),
        (("health", "port"), 31),
    ],
)
def test_a_configuration_as_people_write_it(path: KeyPath, line: int) -> None:
    assert locate(TEXT).get(path) == line


def test_what_stands_in_no_line_is_near_what_is_around_it() -> None:
    lines = locate(TEXT)
    assert line_of(lines, ("devices", 1, "sensors", 0, "limits", "high")) == 26
    assert line_of(lines, ("devices", 0, "missing")) == 9
    assert line_of(lines, ("devices", 7, "id")) == 9
    assert line_of(lines, ("nowhere",)) is None
    assert line_of(lines, ()) is None


def test_lines_inside_of_a_long_text_are_no_keys() -> None:
    assert ("not",) not in locate(TEXT)
    assert ("devices", 1, "key") not in locate(TEXT)


def test_an_empty_text() -> None:
    assert locate("") == {}
    assert locate("\n# nothing\n") == {}


def test_escaped_keys_are_unescaped() -> None:
    assert locate('"a\\u0062\\"" = 1\n[x."\\t"]\ny = 2') == {('ab"',): 1, ("x", "\t"): 2, ("x", "\t", "y"): 3}
