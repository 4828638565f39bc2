"""End to end: says hello to the centre as the gateway does, and waits for the receipt with the centre's time.

It disturbs nobody, by what gateway and centre do anyway: the hello is not retained and names no logs, so the centre's view of
the gateway stays as it is; its state is the one that the broker has retained or, where that may not be read, the one seen here.
The answer goes to the running gateway too, which counts it only for its own newest nonce (gateway/uplink/hello.py). The one thing
that can happen: both hellos come within the centre's quarter of a second between receipts; then the gateway's stays without an
answer, and it asks again after 10 s.
"""

import contextlib
import secrets
import time
from dataclasses import dataclass

from doctor.broker import NO_MATCHING_SUBSCRIBERS
from doctor.checks import Check, Name, fail, ok, warn
from gateway.clock import Clock
from gateway.doctor.paho_probe import PahoProbe
from gateway.times import find_anchor
from gateway.uplink.uplink import STATUS_TYPE
from wire.messages import HELLO_EXPIRY_S, MAX_SKEW_S, Receipt, State, Status, decode_message, encode_message
from wire.reasons import WireError
from wire.topics import Kind, topic

RETAINED_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Echo:
    """What came of the hello. `skew_s` is the centre's clock minus ours; None without an answer."""

    listeners: bool
    round_trip_s: float | None = None
    skew_s: float | None = None


def say_hello(probe: PahoProbe, district: str, gateway: str, running: bool, clock: Clock) -> Echo:
    """Say hello and wait. The probe has subscribed to the receipts. Raises ProbeError."""
    nonce = secrets.token_hex(8)
    known = None if probe.greeting.session_present else _retained(probe, topic(district, gateway, Kind.STATUS))
    state = known.state if known is not None else State.ONLINE if running else State.LOST
    until_ms = known.until_ms if known is not None else None
    payload = encode_message(Status(state=state, until_ms=until_ms, nonce=nonce))
    asked = clock.now()
    reason = probe.publish(topic(district, gateway, Kind.STATUS), payload, STATUS_TYPE)
    if reason == NO_MATCHING_SUBSCRIBERS:
        return Echo(listeners=False)
    end_s = time.monotonic() + HELLO_EXPIRY_S
    receipts = topic(district, gateway, Kind.RECEIPTS)
    while (message := probe.next(end_s - time.monotonic())) is not None:
        answered = clock.now()
        if message.topic != receipts:
            continue
        try:
            receipt = decode_message(Receipt, message.payload)
        except WireError:
            continue
        if receipt.time is not None and receipt.time.nonce == nonce:
            anchor = find_anchor(clock.boot, asked, answered, receipt.time.ms)
            if anchor is not None:
                return Echo(True, anchor.round_trip_s, anchor.skew_ms / 1000)
    return Echo(listeners=True)


def _retained(probe: PahoProbe, where: str) -> Status | None:
    """The gateway's status as the broker has it. It is not subscribed any more afterwards: we would listen to ourselves."""
    probe.subscribe([where])
    end_s = time.monotonic() + RETAINED_WAIT_S
    known = None
    while known is None and (message := probe.next(end_s - time.monotonic())) is not None:
        if message.topic == where:
            with contextlib.suppress(WireError):
                known = decode_message(Status, message.payload)
    probe.unsubscribe([where])
    return known


def judge(echo: Echo) -> list[Check]:
    """What the answer means."""
    mend = "start ingest, and see `aryk doctor ingest` there; readings wait in the gateway's log meanwhile"
    if not echo.listeners:
        return [fail(Name.CENTRE, "nobody listens: the broker has no subscriber for what this gateway says.", mend)]
    if echo.round_trip_s is None:
        return [
            fail(
                Name.CENTRE,
                f"the broker took a hello, and no receipt came back within {HELLO_EXPIRY_S} s.",
                "see whether ingest runs and takes this district; whether the broker lets this gateway write its status "
                "and read its receipts",
            )
        ]
    checks = [ok(Name.CENTRE, f"the centre answered a hello after {echo.round_trip_s * 1000:.0f} ms.")]
    if echo.round_trip_s > MAX_SKEW_S:
        checks = [
            warn(Name.CENTRE, f"the centre took {echo.round_trip_s:.1f} s to answer a hello.", "see ingest's load")
        ]
    return checks
