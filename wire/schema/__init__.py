"""The contract for others: JSON Schema of each message, and an AsyncAPI 3 document of the topics.

The files beside this one are made from the models by `python -m wire.schema`; a test finds them out of date.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from wire.codec import CONTENT_TYPES, Codec
from wire.json_codec import BatchDoc
from wire.messages import HELLO_EXPIRY_S, Command, Receipt, Status
from wire.topics import PREFIX, Kind

FOLDER = Path(__file__).parent
ASYNCAPI = "asyncapi.json"

MODELS: dict[str, type[BaseModel]] = {"batch": BatchDoc, "receipt": Receipt, "status": Status, "command": Command}

_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"


def documents() -> dict[str, dict[str, Any]]:
    """Every file's name and content."""
    out = {f"{name}.json": schema_of(name) for name in MODELS}
    out[ASYNCAPI] = asyncapi()
    return out


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of this message."""
    schema = MODELS[name].model_json_schema()
    # The models give the version by themselves; on the wire it must stand.
    schema["required"] = ["v", *(key for key in schema.get("required", []) if key != "v")]
    schema["properties"]["v"].pop("default", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:aryk:v1:{name}", **schema}


def text(document: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def write() -> list[Path]:
    """Bring the files up to date; those that changed."""
    changed = []
    for name, document in documents().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text(document):
            path.write_text(text(document), encoding="utf-8")
            changed.append(path)
    return changed


_MESSAGES: dict[Kind, dict[str, dict[str, Any]]] = {
    Kind.READINGS: {
        "batchJson": {
            "summary": "Readings and records of one gateway under one epoch, as columns",
            "contentType": CONTENT_TYPES[Codec.JSON],
            "payload": {"$ref": "batch.json"},
        },
        "batchCbor": {
            "summary": "The same in CBOR, deflated where that is shorter",
            "description": "The form is told in wire/cbor_codec.py; tests/wire/vectors has samples of both.",
            "contentType": CONTENT_TYPES[Codec.CBOR],
        },
    },
    Kind.RECEIPTS: {
        "receipt": {
            "summary": "Ranges made durable, refusals with reasons, the centre's time",
            "description": f"One with the centre's time expires after {HELLO_EXPIRY_S} s (MQTT message expiry).",
            "contentType": "application/json",
            "payload": {"$ref": "receipt.json"},
        }
    },
    Kind.STATUS: {
        "status": {
            "summary": "The hello, a planned sleep, or the last will",
            "contentType": "application/json",
            "payload": {"$ref": "status.json"},
        }
    },
    Kind.COMMANDS: {
        "command": {
            "summary": "Send ranges again, or say hello",
            "contentType": "application/json",
            "payload": {"$ref": "command.json"},
        }
    },
}
_UP = frozenset({Kind.READINGS, Kind.STATUS})
_RETAINED = frozenset({Kind.STATUS})


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document, from the gateway's side: `send` is what a gateway publishes."""
    parameters = {
        "district": {"description": f"The irrigation district or basin branch that runs the gateway: {_ID}"},
        "gateway": {"description": f"The gateway's id, which is its user name at the broker: {_ID}"},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Aryk",
            "version": "1",
            "description": "Readings of canals and reservoirs over MQTT 5, with receipts. A reading leaves a gateway's "
            "list of what is still to be sent only by a receipt; a PUBACK says that the broker has it, no more.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            kind.value: {
                "address": f"{PREFIX}/{{district}}/{{gateway}}/{kind.value}",
                "parameters": parameters,
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
            for kind, messages in _MESSAGES.items()
        },
        "operations": {
            f"{'send' if kind in _UP else 'receive'}{kind.value.title()}": {
                "action": "send" if kind in _UP else "receive",
                "channel": {"$ref": f"#/channels/{kind.value}"},
                "messages": [{"$ref": f"#/channels/{kind.value}/messages/{name}"} for name in messages],
                "bindings": {"mqtt": {"qos": 1, "retain": kind in _RETAINED, "bindingVersion": "0.2.0"}},
            }
            for kind, messages in _MESSAGES.items()
        },
        "components": {
            "messages": {
                name: {"name": name, **message} for messages in _MESSAGES.values() for name, message in messages.items()
            }
        },
    }
