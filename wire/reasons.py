"""Why a message or a reading was refused: a closed list, and the one error that carries it."""

from enum import StrEnum


class Reason(StrEnum):
    """Every refusal has one of these. The value is what is stored, counted and shown."""

    # the message as a whole
    BAD_TOPIC = "bad_topic"
    TOO_LARGE = "too_large"
    UNKNOWN_CONTENT_TYPE = "unknown_content_type"
    BAD_JSON = "bad_json"
    BAD_CBOR = "bad_cbor"
    BOMB = "bomb"
    UNKNOWN_VERSION = "unknown_version"
    SCHEMA = "schema"
    TOPIC_MISMATCH = "topic_mismatch"
    POISON = "poison"
    # who sent it
    UNKNOWN_GATEWAY = "unknown_gateway"
    WRONG_DISTRICT = "wrong_district"
    TOO_MANY_LOGS = "too_many_logs"
    UNKNOWN_SENSOR = "unknown_sensor"
    WRONG_QUANTITY = "wrong_quantity"
    WRONG_UNIT = "wrong_unit"
    # one reading
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    BAD_TIME = "bad_time"
    TIME_PAST = "time_past"
    TIME_FUTURE = "time_future"
    BAD_FLAG = "bad_flag"
    # what the database would not take, later
    STORE_REFUSED = "store_refused"


MEANING: dict[Reason, str] = {
    Reason.BAD_TOPIC: "the topic is not aryk/v1/DISTRICT/GATEWAY/readings or status",
    Reason.TOO_LARGE: "the message is larger than a batch, or a status, may be",
    Reason.UNKNOWN_CONTENT_TYPE: "the MQTT content type is neither application/json nor cbor",
    Reason.BAD_JSON: "the payload is not JSON in UTF-8, or is nested too deep",
    Reason.BAD_CBOR: "the payload is not CBOR, or is cut short, or is nested too deep",
    Reason.BOMB: "the compressed payload grows beyond what a batch may be",
    Reason.UNKNOWN_VERSION: "the schema version is not one that this ingest reads",
    Reason.SCHEMA: "the message does not have the shape of a batch, or of a status",
    Reason.TOPIC_MISMATCH: "the gateway in the payload is not the gateway in the topic",
    Reason.POISON: "the message was in hand at two deaths of ingest in a row",
    Reason.UNKNOWN_GATEWAY: "the registry has no such gateway",
    Reason.WRONG_DISTRICT: "the registry places this gateway in another district",
    Reason.TOO_MANY_LOGS: "the gateway names more logs, or more holes in a log, than a gateway can have",
    Reason.UNKNOWN_SENSOR: "the registry has no such sensor at this gateway",
    Reason.WRONG_QUANTITY: "the registry gives this sensor another quantity",
    Reason.WRONG_UNIT: "the registry gives this sensor another unit",
    Reason.NOT_A_NUMBER: "the value is not a number",
    Reason.NOT_FINITE: "the value is NaN or infinite",
    Reason.BAD_TIME: "the time is not a whole number of milliseconds of at most 53 bits",
    Reason.TIME_PAST: "the time lies before the earliest that is taken",
    Reason.TIME_FUTURE: "the time lies too far ahead of the centre's clock",
    Reason.BAD_FLAG: "the flag is not one of 1, 2, 3, 4, 9, or 9 stands with a value, or a missing value without 9",
    Reason.STORE_REFUSED: "the database refused this point",
}


class WireError(Exception):
    """A message that cannot be used. `reason` is from the closed list; `detail` says where and what."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
