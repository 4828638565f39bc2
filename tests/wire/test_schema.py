"""The committed JSON Schemas and the AsyncAPI document: up to date, and true of real messages."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from tests.wire.batches import batches
from tests.wire.golden import FOLDER as VECTORS
from tests.wire.test_codecs import document
from tests.wire.test_messages import commands, receipts, statuses
from wire.batch import Batch
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.messages import Command, Receipt, Status, encode_message
from wire.schema import ASYNCAPI, FOLDER, MODELS, documents, text
from wire.topics import Kind, topic

ASYNC = json.loads((FOLDER / ASYNCAPI).read_text())


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


VALIDATORS = {name: validator(name) for name in MODELS}


def test_the_committed_files_are_up_to_date() -> None:
    made = {name: text(document) for name, document in documents().items()}
    committed = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert committed == made, "run: python -m wire.schema"


@given(batches())
def test_real_batches_are_valid(batch: Batch) -> None:
    VALIDATORS["batch"].validate(json.loads(encode_batch(batch, Codec.JSON)))


@given(receipts, statuses, commands)
def test_real_messages_are_valid(receipt: Receipt, status: Status, command: Command) -> None:
    for name, message in (("receipt", receipt), ("status", status), ("command", command)):
        VALIDATORS[name].validate(json.loads(encode_message(message)))


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")), ids=lambda path: path.name)
def test_the_golden_vectors_are_valid(path: Any) -> None:
    VALIDATORS["batch"].validate(json.loads(path.read_text()))


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"gateway": "no good"},
        {"epoch": "short"},
        {"extra": 1},
        {"seq": [1, 2, 0]},
        {"seq": [1, 2, 2.5]},
        {"value": [1.0, "2", 3.0]},
        {"value": [1.0, True, 3.0]},
        {"flag": [1, 5, 1]},
        {"time": [1, 2, "3"]},
        {"raw": "none"},
        {"unit": ""},
        {"records": [{"seq": 9, "time": 1, "kind": "gossip", "body": {}}]},
        {"records": [{"seq": 9, "time": 1, "kind": "gap", "body": []}]},
    ],
    ids=str,
)
def test_what_is_wrong_is_not_valid(change: dict[str, Any]) -> None:
    VALIDATORS["batch"].validate(document())
    assert not VALIDATORS["batch"].is_valid(document(**change))


@pytest.mark.parametrize("name", MODELS)
def test_the_version_must_stand(name: str) -> None:
    assert "v" in json.loads((FOLDER / f"{name}.json").read_text())["required"]
    assert not VALIDATORS[name].is_valid({})


def test_asyncapi_has_the_four_topics_of_the_contract() -> None:
    assert ASYNC["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= ASYNC["info"].keys()
    assert ASYNC["channels"].keys() == {kind.value for kind in Kind}
    for kind in Kind:
        channel = ASYNC["channels"][kind.value]
        assert channel["address"].format(district="d", gateway="g") == topic("d", "g", kind)
        assert channel["parameters"].keys() == set(re.findall(r"{(\w+)}", channel["address"]))
        assert channel["messages"]


def test_asyncapi_says_who_sends_what_and_how() -> None:
    actions = {
        operation["channel"]["$ref"].rpartition("/")[2]: (operation["action"], operation["bindings"]["mqtt"])
        for operation in ASYNC["operations"].values()
    }
    assert {name: action for name, (action, _) in actions.items()} == {
        "readings": "send",
        "status": "send",
        "receipts": "receive",
        "commands": "receive",
    }
    assert {name: (mqtt["qos"], mqtt["retain"]) for name, (_, mqtt) in actions.items()} == {
        "readings": (1, False),
        "status": (1, True),
        "receipts": (1, False),
        "commands": (1, False),
    }


def references(thing: Any) -> list[str]:
    if isinstance(thing, dict):
        own = [thing["$ref"]] if "$ref" in thing else []
        return own + [found for inner in thing.values() for found in references(inner)]
    return [found for inner in thing for found in references(inner)] if isinstance(thing, list) else []


def test_every_reference_of_asyncapi_leads_somewhere() -> None:
    found = references(ASYNC)
    assert {f"{name}.json" for name in MODELS} <= set(found)
    for reference in found:
        if reference.startswith("#/"):
            here: Any = ASYNC
            for part in reference[2:].split("/"):
                here = here[part]
        else:
            assert (FOLDER / reference).is_file()


def test_an_operation_names_messages_of_its_own_channel() -> None:
    for operation in ASYNC["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_the_content_types_are_those_of_the_codecs() -> None:
    messages = ASYNC["components"]["messages"]
    assert {messages["batchJson"]["contentType"], messages["batchCbor"]["contentType"]} == set(CONTENT_TYPES.values())
