"""What a batch costs on a link that is paid by the byte.

The model of the wire, for one QoS 1 message on an open connection: the PUBLISH in one TLS record in one TCP segment, and
the PUBACK in one of each, which carries the TCP acknowledgement; a last bare segment acknowledges that. The receipt is a
message of its own and is not in these targets.
"""

import math
import random

import mqtt5
import pytest

from wire.batch import Batch, Series
from wire.cbor_codec import encode_cbor
from wire.codec import CONTENT_TYPES, Codec, encode_batch
from wire.topics import Kind, topic

TCP_IP = 20 + 20 + 12
"""IPv4, TCP, and TCP's time stamps, which Linux sends by default."""
TLS_RECORD = 5 + 1 + 16
"""TLS 1.3: head, inner type, authentication tag of AES-GCM or ChaCha20-Poly1305."""
PUBACK = 2 + 2

MOST_ON_THE_WIRE = 400
MOST_OF_A_DAY = 380
DISTRICT, GATEWAY = "kok-su", "kok-su-012"


def publish_bytes(payload: int, topic_name: str, content_type: str) -> int:
    """MQTT 5: fixed head, topic, packet id, the content type as the only property, payload."""
    properties = 1 + 2 + len(content_type)
    rest = 2 + len(topic_name) + 2 + 1 + properties + payload
    return 1 + (1 if rest < 128 else 2 if rest < 16_384 else 3) + rest


def wire_bytes(payload: int, topic_name: str, content_type: str) -> int:
    up = TCP_IP + TLS_RECORD + publish_bytes(payload, topic_name, content_type)
    down = TCP_IP + TLS_RECORD + PUBACK
    return up + down + TCP_IP


def scans(count: int, noise_m: float, seed: int) -> Batch:
    """A canal gauge: level to 1 mm, battery to 0.01 V, water temperature to 0.1 degrees, every 15 minutes."""
    chance = random.Random(seed)
    times = [1_795_392_000_000 + 900_000 * row for row in range(count)]
    day = [2 * math.pi * row / 96 for row in range(count)]
    columns: tuple[tuple[str, str, str, list[float | None]], ...] = (
        ("level-1", "level", "m", [round(1.42 + 0.18 * math.sin(t - 1.3) + chance.gauss(0, noise_m), 3) for t in day]),
        ("battery", "battery_voltage", "V", [round(12.9 + 0.45 * max(0.0, math.sin(t - 1.8)), 2) for t in day]),
        (
            "water-t",
            "water_temperature",
            "Cel",
            [round(14 + 6 * math.sin(t - 2.4) + chance.gauss(0, 0.05), 1) for t in day],
        ),
    )
    return Batch(
        GATEWAY,
        0x5F0A3B9C11D2,
        [
            Series(sensor, quantity, unit, [41_231 + 3 * row + at for row in range(count)], times, values, [1] * count)
            for at, (sensor, quantity, unit, values) in enumerate(columns)
        ],
    )


@pytest.mark.parametrize("seed", range(5))
def test_an_hour_of_three_sensors_on_the_wire(seed: int) -> None:
    payload = encode_batch(scans(4, 0.002, seed), Codec.CBOR)
    cost = wire_bytes(len(payload), topic(DISTRICT, GATEWAY, Kind.READINGS), CONTENT_TYPES[Codec.CBOR])
    assert cost <= MOST_ON_THE_WIRE


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("noise_m", [0.0, 0.001, 0.003])
def test_a_day_of_three_sensors_as_payload(noise_m: float, seed: int) -> None:
    assert len(encode_cbor(scans(96, noise_m, seed))) <= MOST_OF_A_DAY


def test_json_is_for_people_not_for_such_links() -> None:
    batch = scans(96, 0.001, 1)
    assert len(encode_batch(batch, Codec.JSON)) > 15 * len(encode_batch(batch, Codec.CBOR))


def test_the_model_of_a_publish_is_what_the_mqtt_library_writes() -> None:
    payload = encode_batch(scans(4, 0.002, 1), Codec.CBOR)
    name, content_type = topic(DISTRICT, GATEWAY, Kind.READINGS), CONTENT_TYPES[Codec.CBOR]
    packet = mqtt5.PublishPacket(
        topic=name, payload=payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1, content_type=content_type
    )
    assert len(packet.write()) == publish_bytes(len(payload), name, content_type)
