"""What one table says of another. Each case is the small registry with one thing wrong."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from hydrology.load import load_registry
from hydrology.registry import Registry
from settings import SettingsError
from tests.hydrology.registry import small

SECOND = """
[[sensors]]
id = "second"
gateway = "gw-1"
quantity = "level"
unit = "m"
"""


def out_with(text: str, *, structure: str = "") -> dict[str, str]:
    said = small.OUT.replace('{ kind = "parshall_flume", size = "9in" }', structure) if structure else small.OUT
    return {"out": said + text}


@pytest.mark.parametrize(
    ("changed", "line", "said"),
    [
        pytest.param(
            {"districts": small.DISTRICTS.replace("Almaty", "Almatty")}, 3, "there is no time zone", id="time zone"
        ),
        pytest.param(
            {"districts": small.DISTRICTS + '[[gateways]]\nid = "gw-1"\ndistrict = "north"\n'},
            9,
            "two gateways have the same id 'gw-1'",
            id="a gateway twice",
        ),
        pytest.param(
            out_with(SECOND.replace("second", "head-level")), 16, "gateway 'gw-1' has two sensors", id="a sensor twice"
        ),
        pytest.param(out_with(SECOND), 11, "does not say which level it works on", id="which level"),
        pytest.param(
            out_with('head = "out-levle"\n'), 14, "has no sensor 'out-levle' (did you mean 'out-level'?)", id="head"
        ),
        pytest.param(
            {"head": small.HEAD.replace('opening = "head-opening"', 'opening = "head-level"')},
            19,
            "'head-level' measures level, not gate_opening (known: head-opening)",
            id="not an opening",
        ),
        pytest.param(
            {"head": small.HEAD.replace('opening = "head-opening"\n', "")},
            17,
            "sluice_gate needs opening",
            id="no opening",
        ),
        pytest.param(
            out_with(SECOND.replace('"level"', '"discharge"').replace('"m"', '"m3/s"').replace("second", "discharge")),
            11,
            "the discharge 'discharge' is measured by a sensor already",
            id="measured and derived",
        ),
        pytest.param(
            out_with(small.OUT[small.OUT.index("\n[[ratings]]") :]),
            11,
            "two ratings of one series begin at the same time",
            id="two ratings of one day",
        ),
        pytest.param(
            out_with("effective_to = 2026-03-01\n"), 11, "ends before it begins", id="a rating that ends too early"
        ),
        pytest.param(
            {"users": small.USERS + small.USERS.replace('"birlik"', '"enbek"')},
            18,
            "turnout 'out' delivers to 'birlik' already",
            id="a turnout with two users",
        ),
        pytest.param(
            {"users": small.USERS.replace('["out"]', '["out/spill"]')},
            5,
            "station 'out' has no discharge 'spill', it has discharge",
            id="a series that is not there",
        ),
        pytest.param(
            {"canals": small.CANALS + '[[links]]\nupstream = "out"\ndownstream = "head"\n'},
            11,
            "water cannot flow in a circle: ",
            id="a circle",
        ),
        pytest.param(
            {"canals": small.CANALS + '[[links]]\nupstream = "out"\ndownstream = "out"\n'},
            13,
            "a link must lead to another station",
            id="a link to itself",
        ),
        pytest.param(
            out_with("\n[[storage]]\neffective_from = 2020-01-01\nrows = [[1, 0], [2, 1]]\n"),
            15,
            "need a datum to become elevations",
            id="storage without datum",
        ),
        pytest.param(
            out_with('\n[well]\nmeasuring_point_m = 1\ncable_m = 2\nlogger = "out-level"\n'),
            18,
            "out/out-level measures level, not pressure",
            id="a logger that is none",
        ),
        pytest.param(
            {
                "out": small.OUT.replace(
                    'unit = "m"',
                    'unit = "m"\nquality = { neighbour = { station = "head", sensor = "head-opening", '
                    "suspect = 1, fail = 2 } }",
                )
            },
            10,
            "the neighbour measures gate_opening, this sensor level",
            id="a neighbour of another kind",
        ),
        pytest.param(
            {
                "out": small.OUT.replace(
                    'unit = "m"',
                    'unit = "m"\nquality = { rate_per_hour = 1, moves = { sensors = ["gate"], threshold = 1, settle = 1 } }',
                )
            },
            10,
            "station 'out' has no other sensor 'gate'",
            id="a gate that is not there",
        ),
    ],
)
def test_a_name_that_does_not_fit(tmp_path: Path, changed: dict[str, str], line: int, said: str) -> None:
    folder = small.write(tmp_path, **changed)
    with pytest.raises(SettingsError) as caught:
        load_registry(folder)
    fault = next(fault for fault in caught.value.faults if said in f"{fault.problem} ({fault.mend})")
    assert Path(fault.path).stem == next(iter(changed))
    assert fault.line == line


def test_a_registry_made_in_code_is_held_against_itself_too() -> None:
    document = tomllib.loads(small.DISTRICTS) | {"gateways": []}
    document["stations"] = [tomllib.loads(small.OUT)]
    with pytest.raises(ValidationError, match="there is no gateway 'gw-1'"):
        Registry.model_validate(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("segments = [{ a = 1, e_m = 0, b = 1.5 }]", "give one of segments, table, structure"),
        ('tail = "x"', None),
        ("low_m = 0.1", "low_m belongs to segments or a table"),
    ],
)
def test_a_rating_has_one_law(tmp_path: Path, text: str, said: str | None) -> None:
    folder = small.write(tmp_path, out=small.OUT + text + "\n")
    with pytest.raises(SettingsError) as caught:
        load_registry(folder)
    assert (said or "has no sensor 'x'") in str(caught.value)
