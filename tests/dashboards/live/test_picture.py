"""Changes from one picture to the next: what a browser that applies them holds is what a new one gets."""

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dashboards.live.board import Board
from dashboards.live.picture import Picture, changed_stations

FINE = {"ok": True, "since_ms": None, "reason": ""}

sensors = st.dictionaries(
    st.sampled_from(["level/a", "discharge/b"]), st.lists(st.integers(0, 3), min_size=2, max_size=2)
)
records = st.fixed_dictionaries(
    {"state": st.sampled_from(["normal", "danger"]), "change": st.integers(0, 2), "sensors": sensors}
)


def same_sensors(record: dict[str, Any]) -> dict[str, Any]:
    """The registry alone says which sensors there are: only their rows change."""
    return {**record, "sensors": {key: record["sensors"].get(key, [0, 0]) for key in ("level/a", "discharge/b")}}


boards = st.dictionaries(st.sampled_from(["x", "y", "z"]), records.map(same_sensors), min_size=3, max_size=3)


def apply(held: dict[str, Any], changes: dict[str, Any]) -> None:
    """As the browser does it in model.js."""
    for id_, fields in changes.items():
        mine = held.setdefault(id_, {"sensors": {}})
        mine.update({name: value for name, value in fields.items() if name != "sensors"})
        mine["sensors"] = {**mine["sensors"], **fields.get("sensors", {})}


@given(boards, boards)
def test_the_changes_lead_from_the_old_stations_to_the_new_ones(old: dict[str, Any], new: dict[str, Any]) -> None:
    held = copy.deepcopy(old)
    apply(held, changed_stations(old, new))
    assert held == new


def test_only_fields_that_differ_are_sent() -> None:
    old = {"a": {"state": "normal", "change": 0.1, "sensors": {"level/l": [1, 1], "discharge/f": [2, 2]}}}
    new = {"a": {"state": "normal", "change": 0.2, "sensors": {"level/l": [1, 1], "discharge/f": [3, 3]}}}
    assert changed_stations(old, new) == {"a": {"change": 0.2, "sensors": {"discharge/f": [3, 3]}}}


def test_the_same_picture_has_no_changes_and_the_same_version() -> None:
    picture = Picture("boot")
    board = Board({"a": {"state": "normal", "sensors": {}}}, ["a"], [], [])
    first = picture.turn(board, FINE)
    assert first is not None
    assert first["ready"] is True
    version = picture.version
    assert picture.turn(copy.deepcopy(board), dict(FINE)) is None
    assert picture.version == version


def test_a_store_that_went_away_is_a_change() -> None:
    picture = Picture("boot")
    board = Board({}, [], [], [])
    picture.turn(board, FINE)
    away = {"ok": False, "since_ms": 5, "reason": "gone"}
    change = picture.turn(board, away)
    assert change is not None
    assert change["store"] == away


def test_a_new_registry_is_a_new_picture() -> None:
    picture = Picture("boot")
    assert picture.renew({"a": {"name": "A"}}, {})
    assert not picture.renew({"a": {"name": "A"}}, {})
    assert picture.renew({"a": {"name": "B"}}, {})
