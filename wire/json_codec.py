"""A batch as JSON: for people, third parties, and for reading along with mosquitto_sub."""

import json
from typing import Annotated, Any, Literal

import pydantic_core
from pydantic import BaseModel, ConfigDict, FailFast, Field, StringConstraints, ValidationError

from wire.batch import MAX_READINGS, MAX_SERIES, SCHEMA_VERSION, Batch, Record, Series, check_batch
from wire.names import MAX_SEQ, Id, epoch_number, epoch_text
from wire.reasons import Reason, WireError

CONTENT_TYPE = "application/json"

EpochText = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{12}$"), Field(examples=["5f0a3b9c11d2"])]
_Seq = Annotated[int, Field(strict=True, ge=1, le=MAX_SEQ)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class SeriesDoc(_Strict):
    """Readings of one sensor, as columns of equal length."""

    sensor: Id
    quantity: Id
    unit: Annotated[str, StringConstraints(min_length=1, max_length=16)]
    seq: Annotated[
        list[_Seq],
        FailFast(),
        Field(max_length=MAX_READINGS, description="sequence numbers, part of each reading's identity"),
    ]
    time: Annotated[
        list[Any], Field(description="milliseconds since 1970, UTC", json_schema_extra={"items": {"type": "integer"}})
    ]
    value: Annotated[
        list[Any],
        Field(
            description="in `unit`; null where the flag is 9", json_schema_extra={"items": {"type": ["number", "null"]}}
        ),
    ]
    flag: Annotated[
        list[Any],
        Field(
            description="1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing",
            json_schema_extra={"items": {"enum": [1, 2, 3, 4, 9]}},
        ),
    ]
    raw: Annotated[
        list[Any] | None,
        Field(
            description="before calibration; null where equal to the value",
            json_schema_extra={"anyOf": [{"type": "array", "items": {"type": ["number", "null"]}}, {"type": "null"}]},
        ),
    ] = None


class RecordDoc(_Strict):
    """What is logged beside readings."""

    seq: _Seq
    time: Annotated[Any, Field(description="milliseconds since 1970, UTC", json_schema_extra={"type": "integer"})]
    kind: Annotated[Any, Field(json_schema_extra={"enum": ["calibration", "config", "event", "gap", "gauge"]})]
    body: Annotated[Any, Field(json_schema_extra={"type": "object"})]


class BatchDoc(_Strict):
    """Readings of one gateway under one epoch."""

    v: Literal[1]
    gateway: Id
    epoch: EpochText
    # One fault is told, so looking for thousands would only cost time.
    series: Annotated[list[SeriesDoc], FailFast(), Field(max_length=MAX_SERIES)] = []
    records: Annotated[list[RecordDoc], FailFast(), Field(max_length=MAX_READINGS)] = []


def first_fault(error: ValidationError) -> str:
    """The first thing that a model found wrong, with its place."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "message"
    return f"{where}: {fault['msg']}"[:300]


def parse_json(payload: bytes) -> Any:
    """The JSON document. Raises WireError(BAD_JSON); NaN and infinity pass, the reading's own check refuses them."""
    try:
        return pydantic_core.from_json(payload)
    except ValueError as error:
        raise WireError(Reason.BAD_JSON, str(error)[:200]) from error


def check_version(version: Any) -> None:
    """Raises WireError: an unknown version is a dead letter, not a guess."""
    if type(version) is not int:
        raise WireError(Reason.SCHEMA, "v: the schema version is missing or not a whole number")
    if version != SCHEMA_VERSION:
        raise WireError(
            Reason.UNKNOWN_VERSION,
            f"version {version if abs(version) < 1000 else 'of many digits'}, this ingest reads {SCHEMA_VERSION}",
        )


def decode_json(payload: bytes) -> Batch:
    """Read a batch. Raises WireError and nothing else, whatever the bytes are."""
    doc = parse_json(payload)
    if type(doc) is not dict:
        raise WireError(Reason.SCHEMA, "message: not an object")
    check_version(doc.get("v"))
    try:
        batch = BatchDoc.model_validate(doc)
    except ValidationError as error:
        raise WireError(Reason.SCHEMA, first_fault(error)) from error
    return check_batch(
        batch.gateway,
        epoch_number(batch.epoch),
        [Series(s.sensor, s.quantity, s.unit, s.seq, s.time, s.value, s.flag, s.raw) for s in batch.series],
        [Record(r.seq, r.time, r.kind, r.body) for r in batch.records],
    )


def encode_json(batch: Batch) -> bytes:
    """Write a batch. Raises ValueError when a value is not finite."""
    doc: dict[str, Any] = {"v": SCHEMA_VERSION, "gateway": batch.gateway, "epoch": epoch_text(batch.epoch)}
    if batch.series:
        doc["series"] = [_series_doc(series) for series in batch.series]
    if batch.records:
        doc["records"] = [
            {"seq": record.seq, "time": record.time_ms, "kind": record.kind, "body": record.body}
            for record in batch.records
        ]
    return json.dumps(doc, separators=(",", ":"), allow_nan=False, ensure_ascii=False).encode()


def _series_doc(series: Series) -> dict[str, Any]:
    doc: dict[str, Any] = {
        "sensor": series.sensor,
        "quantity": series.quantity,
        "unit": series.unit,
        "seq": series.seq,
        "time": series.time_ms,
        "value": series.value,
        "flag": series.flag,
    }
    if series.raw is not None:
        doc["raw"] = series.raw
    return doc
