from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.receipts import INTERVAL_S, ReceiptBook
from wire.messages import MAX_MESSAGE_BYTES, Receipt, Refusal, decode_message, encode_message
from wire.ranges import RangeSet
from wire.reasons import Reason
from wire.topics import Kind, Topic

GW1 = Topic("karatal", "gw1", Kind.READINGS)
GW2 = Topic("aksu", "gw2", Kind.READINGS)
MANY = 1_000


def test_a_quiet_gateway_is_told_at_once() -> None:
    book = ReceiptBook()
    book.add(GW1, 42, [(1, 3)], [], 0.0)
    assert book.next_s() == 0.0
    (sent,) = book.due(100.0, 7, MANY)
    assert sent.topic == "aryk/v1/karatal/gw1/receipts"
    assert sent.receipt == Receipt(durable={"00000000002a": [[1, 3]]})
    assert book.next_s() is None


def test_a_busy_one_at_most_four_times_a_second_with_all_of_it() -> None:
    book = ReceiptBook()
    receipts: list[Receipt] = []
    for step in range(200):  # two seconds, a batch every 10 ms
        now = step / 100
        book.add(GW1, 42, [(step + 1, step + 1)], [], now)
        receipts += [one.receipt for one in book.due(now, 0, MANY)]
    receipts += [one.receipt for one in book.due(2.5, 0, MANY)]
    assert len(receipts) == 9
    told = RangeSet((a, b) for one in receipts for a, b in one.durable["00000000002a"])
    assert list(told) == [(1, 200)]
    assert all(len(one.durable["00000000002a"]) == 1 for one in receipts)


def test_one_gateway_does_not_wait_for_another() -> None:
    book = ReceiptBook()
    book.add(GW1, 42, [(1, 1)], [], 0.0)
    book.due(10.0, 0, MANY)
    book.add(GW1, 42, [(2, 2)], [], 0.0)
    book.add(GW2, 42, [(1, 1)], [], 0.0)
    assert [one.address for one in book.due(10.1, 0, MANY)] == [("aksu", "gw2")]
    assert book.next_s() == 10.0 + INTERVAL_S
    assert [one.address for one in book.due(10.25, 0, MANY)] == [("karatal", "gw1")]


def test_never_spans_a_number_that_was_not_there() -> None:
    book = ReceiptBook()
    book.add(GW1, 42, [(1, 3)], [], 0.0)
    book.add(GW1, 42, [(5, 6)], [], 0.0)
    book.add(GW1, 43, [(4, 4)], [], 0.0)
    (sent,) = book.due(0.0, 0, MANY)
    assert sent.receipt.durable == {"00000000002a": [[1, 3], [5, 6]], "00000000002b": [[4, 4]]}


def test_a_hello_is_answered_with_its_newest_nonce_and_the_time_of_sending() -> None:
    book = ReceiptBook()
    book.hello(GW1, "0" * 16)
    book.hello(GW1, "f" * 16)
    (sent,) = book.due(0.0, 1_234, MANY)
    assert sent.answers_hello
    assert sent.receipt.time is not None
    assert (sent.receipt.time.nonce, sent.receipt.time.ms) == ("f" * 16, 1_234)
    assert book.due(10.0, 0, MANY) == []


def test_what_found_no_room_is_sent_with_the_next() -> None:
    book = ReceiptBook()
    refusal = Refusal(reason=Reason.BAD_CBOR, digest="0" * 32)
    book.add(GW1, 42, [(1, 3)], [refusal], 5.0)
    book.hello(GW1, "f" * 16)
    (sent,) = book.due(0.0, 0, MANY)
    book.unsent(sent)
    book.add(GW1, 42, [(4, 4)], [], 6.0)
    assert book.due(0.1, 0, MANY) == []
    (again,) = book.due(0.25, 9, MANY)
    assert again.receipt.durable == {"00000000002a": [[1, 4]]}
    assert again.receipt.refused == [refusal]
    assert again.receipt.time is not None
    assert again.arrivals == [5.0, 6.0]


def test_no_more_are_given_out_than_there_is_room_for() -> None:
    book = ReceiptBook()
    for number in range(10):
        book.add(Topic("d", f"gw{number}", Kind.READINGS), 1, [(1, 1)], [], 0.0)
    assert len(book.due(0.0, 0, 3)) == 3
    assert book.waiting == 7


def test_the_same_refusal_is_told_once() -> None:
    book = ReceiptBook()
    for _ in range(3):
        book.add(GW1, None, [], [Refusal(reason=Reason.BAD_CBOR, digest="0" * 32)], 0.0)
    (sent,) = book.due(0.0, 0, MANY)
    assert len(sent.receipt.refused) == 1


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1, 3_000), st.integers(0, 300))
def test_a_receipt_is_never_longer_than_a_gateway_reads(pieces: int, refusals: int) -> None:
    book = ReceiptBook()
    base = 1 << 52
    book.add(GW1, 42, [(base + 2 * n, base + 2 * n) for n in range(pieces)], [], 0.0)
    for number in range(refusals):
        refused = Refusal(reason=Reason.UNKNOWN_SENSOR, detail="x" * 200, digest=f"{number:032x}")
        book.add(GW1, None, [], [refused], 0.0)
    told, count, now = RangeSet(), 0, 0.0
    while book.waiting:
        for sent in book.due(now, 0, MANY):
            payload = encode_message(sent.receipt)
            assert len(payload) <= MAX_MESSAGE_BYTES
            receipt = decode_message(Receipt, payload)
            told.update((a, b) for ranges in receipt.durable.values() for a, b in ranges)
            count += len(receipt.refused)
        now += INTERVAL_S
    assert told.size == pieces
    assert count == refusals


def test_idle_gateways_are_forgotten() -> None:
    book = ReceiptBook()
    book.add(GW1, 42, [(1, 1)], [], 0.0)
    book.due(0.0, 0, MANY)
    book.forget_idle(0.1)
    assert len(book._gateways) == 1
    book.forget_idle(1.0)
    assert len(book._gateways) == 0
