"""From a message to a batch and back: the codec is told by the MQTT 5 content type."""

from enum import StrEnum

from wire import cbor_codec, json_codec
from wire.batch import MAX_PAYLOAD_BYTES, Batch
from wire.reasons import Reason, WireError


class Codec(StrEnum):
    """The two codecs, by the name that a configuration uses."""

    JSON = "json"
    CBOR = "cbor"


CONTENT_TYPES: dict[Codec, str] = {Codec.JSON: json_codec.CONTENT_TYPE, Codec.CBOR: cbor_codec.CONTENT_TYPE}
_DECODERS = {json_codec.CONTENT_TYPE: json_codec.decode_json, cbor_codec.CONTENT_TYPE: cbor_codec.decode_cbor}


def decode_batch(payload: bytes, content_type: str | None) -> Batch:
    """Read a batch; a message without a content type is taken for JSON. Raises WireError and nothing else."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise WireError(Reason.TOO_LARGE, f"{len(payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
    decoder = _DECODERS.get(content_type or json_codec.CONTENT_TYPE)
    if decoder is None:
        raise WireError(Reason.UNKNOWN_CONTENT_TYPE, repr(content_type)[:80])
    return decoder(payload)


def encode_batch(batch: Batch, codec: Codec) -> bytes:
    """Write a batch with this codec; its content type is `CONTENT_TYPES[codec]`."""
    return cbor_codec.encode_cbor(batch) if codec is Codec.CBOR else json_codec.encode_json(batch)
