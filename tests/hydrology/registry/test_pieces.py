import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.payloads import registry
from hydrology.load import load_registry
from hydrology.pieces import PIECE_CHARS, parts_of, pieces
from hydrology.registry import Parts
from settings import SettingsError
from simulator.toml_text import toml_text
from tests.hydrology.registry import small

ONE = small.DISTRICTS + "".join(
    "\n[[stations]]\n" + text.replace("[[", "[[stations.") for text in (small.HEAD, small.OUT)
)
WHOLE = "\n".join((ONE, small.CANALS, small.USERS))
MANY = toml_text(registry(30, 3))


@given(st.sampled_from([WHOLE, MANY]), st.integers(1, 5_000))
def test_pieces_say_what_the_whole_says(text: str, chars: int) -> None:
    assert "".join(pieces(text, chars)) == text
    parts = parts_of(text, tomllib.loads, chars)
    assert parts is not None
    assert parts.model_dump() == Parts.model_validate(tomllib.loads(text)).model_dump()


def test_a_small_file_is_one_piece() -> None:
    assert list(pieces(WHOLE)) == [WHOLE]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_piece_ends_before_a_table(line_end: str) -> None:
    found = list(pieces(MANY.replace("\n", line_end), 500))
    assert len(found) > 20
    assert all(one.startswith(("[[stations]]", "[[gateways]]")) for one in found[1:])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(WHOLE.replace('unit = "m"', 'unti = "m"'), id="unknown key"),
        pytest.param(WHOLE + "x = = 1\n", id="not TOML"),
        pytest.param(WHOLE + '\n[districts]\nnorth = {name = "Again"}\n', id="a district twice"),
        pytest.param(WHOLE + '\n[users]\nid = "u"\n', id="a table and a list"),
        pytest.param(
            WHOLE + '\n[[stations]]\nid = "b"\nname = "B"\ndistrict = "north"\nnote = """\n[[stations]]\n"""\n',
            id="a table's line inside a text",
        ),
    ],
)
def test_what_only_the_whole_can_tell_is_left_to_it(text: str) -> None:
    assert parts_of(text, tomllib.loads, 1) is None


def test_a_fault_deep_in_a_large_file_names_its_line(tmp_path: Path) -> None:
    text = toml_text(registry(400))
    assert len(text) > 2 * PIECE_CHARS
    file = tmp_path / "registry.toml"
    file.write_text(text, encoding="utf-8")
    assert len(load_registry(file).stations) == 400
    at = text.rindex('unit = "m"')
    file.write_text(text[:at] + 'unti = "m"' + text[at + 10 :], encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_registry(file)
    line = text[:at].count("\n") + 1
    assert f"registry.toml:{line}: stations[399].sensors[4].unti: this key is not known" in str(caught.value)
