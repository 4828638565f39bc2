import mqtt5
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mqtt.session import (
    Acknowledged,
    Closed,
    Connected,
    Message,
    Session,
    SessionOptions,
    State,
    Subscribed,
    Subscription,
    WindowFullError,
    _pubacks,
)

OPTIONS = SessionOptions("ingest", subscriptions=(Subscription("a/+"),), session_expiry_s=60, keepalive_s=60)


def packets(data: bytes) -> list[mqtt5.Packet]:
    out: list[mqtt5.Packet] = []
    view = memoryview(data)
    while view:
        packet, size = mqtt5.read(view)
        out.append(packet)
        view = view[size:]
    return out


def connack(**values: object) -> bytes:
    return mqtt5.ConnAckPacket(**values).write()  # type: ignore[arg-type]


def suback(session: Session, code: mqtt5.SubAckReasonCode = mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE) -> bytes:
    subscribe = next(p for p in packets(session.take_output()) if isinstance(p, mqtt5.SubscribePacket))
    return mqtt5.SubAckPacket(subscribe.packet_id, [code]).write()


def live(session: Session, now: float = 0.0) -> Session:
    session.open(now)
    session.take_output()
    session.receive(connack(), now)
    if session.state is not State.LIVE:
        session.receive(suback(session), now)
    assert session.state is State.LIVE
    session.take_output()
    return session


def incoming(packet_id: int, payload: bytes = b"x") -> bytes:
    return mqtt5.PublishPacket("a/b", payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=packet_id).write()


def test_connects_without_clean_start_and_says_how_much_it_takes() -> None:
    session = Session(OPTIONS)
    session.open(0.0)
    (packet,) = packets(session.take_output())
    assert isinstance(packet, mqtt5.ConnectPacket)
    assert (packet.clean_start, packet.session_expiry_interval, packet.receive_max) == (False, 60, 1_000)


def test_subscribes_when_the_broker_has_no_session() -> None:
    session = Session(OPTIONS)
    session.open(0.0)
    session.take_output()
    assert session.receive(connack(), 0.0) == [Connected(session_present=False)]
    assert session.state is State.SUBSCRIBING
    assert session.receive(suback(session), 0.0) == [Subscribed()]


def test_a_session_that_is_present_is_subscribed_once_at_start_and_then_left_alone() -> None:
    session = Session(OPTIONS)
    session.open(0.0)
    session.take_output()
    session.receive(connack(session_present=True), 0.0)
    assert session.state is State.SUBSCRIBING  # it may be the session of an older configuration
    session.receive(suback(session), 0.0)
    session.lost()
    session.open(1.0)
    session.take_output()
    assert session.receive(connack(session_present=True), 1.0) == [Connected(session_present=True), Subscribed()]
    assert session.take_output() == b""


def test_filters_of_an_older_configuration_are_unsubscribed() -> None:
    session = Session(SessionOptions("ingest", forget=("old/+",)))
    session.open(0.0)
    session.take_output()
    session.receive(connack(), 0.0)
    (packet,) = packets(session.take_output())
    assert isinstance(packet, mqtt5.UnsubscribePacket)
    assert packet.patterns == ["old/+"]
    answer = mqtt5.UnsubAckPacket(packet.packet_id, [mqtt5.UnsubAckReasonCode.SUCCESS]).write()
    assert session.receive(answer, 0.0) == [Subscribed()]


@pytest.mark.parametrize(
    "code", [mqtt5.SubAckReasonCode.NOT_AUTHORIZED, mqtt5.SubAckReasonCode.GRANTED_QOS_AT_MOST_ONCE]
)
def test_a_subscription_not_granted_as_asked_closes(code: mqtt5.SubAckReasonCode) -> None:
    session = Session(OPTIONS)
    session.open(0.0)
    session.take_output()
    session.receive(connack(), 0.0)
    (event,) = session.receive(suback(session, code), 0.0)
    assert isinstance(event, Closed)
    assert "a/+" in event.why


def test_a_refused_connection_says_why() -> None:
    session = Session(OPTIONS)
    session.open(0.0)
    refusal = connack(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED, reason_str="no such user")
    assert session.receive(refusal, 0.0) == [Closed("the broker refused: not authorized (no such user)", 135)]
    assert session.state is State.CLOSED


def test_acknowledges_everything_up_to_a_message_in_order_of_arrival() -> None:
    session = live(Session(OPTIONS))
    events = session.receive(incoming(7) + incoming(3) + incoming(9), 0.0)
    messages = [event for event in events if isinstance(event, Message)]
    session.acknowledge(messages[1].connection, messages[1].number)
    assert [p.packet_id for p in packets(session.take_output()) if isinstance(p, mqtt5.PubAckPacket)] == [7, 3]
    session.acknowledge(messages[0].connection, messages[0].number)
    assert session.take_output() == b""
    session.acknowledge(messages[2].connection, messages[2].number)
    assert [p.packet_id for p in packets(session.take_output()) if isinstance(p, mqtt5.PubAckPacket)] == [9]


def test_an_acknowledgement_of_an_old_connection_is_dropped() -> None:
    session = live(Session(OPTIONS))
    (message,) = session.receive(incoming(7), 0.0)
    assert isinstance(message, Message)
    session.lost()
    live(session)
    session.receive(incoming(8), 0.0)
    session.acknowledge(message.connection, message.number)
    assert session.take_output() == b""
    assert session.unacknowledged == 1


def test_what_has_not_arrived_cannot_be_acknowledged() -> None:
    session = live(Session(OPTIONS))
    with pytest.raises(ValueError, match="not arrived"):
        session.acknowledge(session.connection, 1)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 65_535), max_size=20))
def test_acknowledgements_are_what_the_codec_writes(packet_ids: list[int]) -> None:
    assert _pubacks(packet_ids) == b"".join(mqtt5.PubAckPacket(one).write() for one in packet_ids if one)


def test_publishes_within_the_brokers_receive_maximum() -> None:
    session = Session(SessionOptions("gw"))
    session.open(0.0)
    session.receive(connack(receive_max=2), 0.0)
    first = session.publish("a/b", b"1")
    second = session.publish("a/b", b"2")
    assert first != second
    with pytest.raises(WindowFullError):
        session.publish("a/b", b"3")
    answer = mqtt5.PubAckPacket(first, reason_code=mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS).write()
    assert session.receive(answer, 0.0) == [Acknowledged(first, 0x10)]
    session.publish("a/b", b"3", content_type="cbor", expiry_s=10, retain=True)
    packet = packets(session.take_output())[-1]
    assert isinstance(packet, mqtt5.PublishPacket)
    assert (packet.content_type, packet.message_expiry_interval, packet.retain) == ("cbor", 10, True)


def test_a_packet_id_in_flight_is_not_given_twice() -> None:
    session = Session(SessionOptions("gw", send_window=3))
    session.open(0.0)
    session.receive(connack(), 0.0)
    kept = session.publish("a", b"")
    for _ in range(65_600):
        packet_id = session.publish("a", b"")
        assert packet_id != kept
        session.receive(mqtt5.PubAckPacket(packet_id).write(), 0.0)
        session.take_output()


def test_pings_an_idle_connection_and_gives_up_without_an_answer() -> None:
    session = live(Session(OPTIONS), now=100.0)
    session.sent(100.0)
    assert session.poll(129.0) == []
    assert session.take_output() == b""
    session.poll(130.0)
    assert session.take_output() == mqtt5.PingReqPacket().write()
    assert session.poll(159.0) == []
    (event,) = session.poll(160.0)
    assert isinstance(event, Closed)


def test_an_answered_ping_keeps_the_connection() -> None:
    session = live(Session(OPTIONS))
    session.poll(30.0)
    session.receive(mqtt5.PingRespPacket().write(), 31.0)
    assert session.poll(60.0) == []


def test_who_does_not_read_pings_on_and_expects_no_answer() -> None:
    session = live(Session(OPTIONS))
    for now in (30.0, 60.0, 90.0, 120.0):
        assert session.poll(now, reading=False) == []
        assert session.take_output() == mqtt5.PingReqPacket().write()


def test_the_brokers_keep_alive_counts() -> None:
    session = Session(SessionOptions("gw", keepalive_s=600))
    session.open(0.0)
    session.receive(connack(server_keep_alive=10), 0.0)
    session.take_output()
    session.poll(5.0)
    assert session.take_output() == mqtt5.PingReqPacket().write()


def test_the_brokers_goodbye_says_why() -> None:
    session = live(Session(OPTIONS))
    goodbye = mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER).write()
    assert session.receive(goodbye, 0.0) == [Closed("the broker closed: session taken over", 142)]


def test_a_message_that_the_codec_refuses_is_handed_over_and_can_be_acknowledged() -> None:
    session = live(Session(OPTIONS))
    events = session.receive(b"\x32\x0a\x00\x03a/b\x00\x07\x01\xffx" + incoming(8), 0.0)
    broken, good = (event for event in events if isinstance(event, Message))
    assert broken.unreadable
    assert broken.topic == "a/b"
    session.acknowledge(good.connection, good.number)
    assert [p.packet_id for p in packets(session.take_output()) if isinstance(p, mqtt5.PubAckPacket)] == [7, 8]


def test_nonsense_ends_the_connection_with_a_reason() -> None:
    session = live(Session(OPTIONS))
    (event,) = session.receive(b"\x00\x00", 0.0)
    assert isinstance(event, Closed)
    assert isinstance(packets(session.take_output())[0], mqtt5.DisconnectPacket)


def test_a_will_travels_with_the_connect() -> None:
    session = Session(SessionOptions("gw", will=mqtt5.Will("a/status", payload=b"lost", retain=True)))
    session.open(0.0)
    (packet,) = packets(session.take_output())
    assert isinstance(packet, mqtt5.ConnectPacket)
    assert packet.will is not None
    assert packet.will.payload == b"lost"
