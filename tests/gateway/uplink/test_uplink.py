import asyncio
from pathlib import Path
from random import Random

import pytest

from gateway.log import NewRecord
from gateway.uplink.memory_session import MemoryConnector, Published
from gateway.uplink.uplink import Uplink
from tests.gateway.build import device, settings
from tests.gateway.uplink.centre import COMMANDS, Bench, bench, running
from tests.servers.wait import eventually
from wire.codec import CONTENT_TYPES, Codec
from wire.messages import Command, State, Status, decode_message, encode_message


async def test_what_is_logged_arrives_and_is_receipted(tmp_path: Path) -> None:
    async with bench(tmp_path) as one, running(one):
        for value in range(5):
            await one.scan(float(value), -float(value))
        await eventually(lambda: one.unsettled() == 0)
        assert sorted(seq for _, seq in one.centre.stored) == list(range(1, 11))
        await eventually(lambda: one.metric("receipted_total") == 10)
        assert one.metric("connected") == 1


async def test_hello_tells_who_is_there_and_the_last_word_is_lost(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        async with running(one):
            await one.scan(1.0)
            await eventually(lambda: one.unsettled() == 0)
        hello, last = one.centre.hellos[0], one.centre.hellos[-1]
        assert hello.state is State.ONLINE
        assert [stream.sensor for stream in hello.streams] == ["level"]
        assert hello.version == "1.0"
        assert len(hello.config) == 16
        assert hello.logs[0].epoch == f"{one.log.epoch:012x}"
        assert last.state is State.LOST
        assert last.nonce is None
        assert last.logs[0].last == 1


async def test_nothing_is_sent_before_its_time_is_final(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        one.centre.answers_hello = False
        async with running(one):
            for _ in range(3):
                await one.scan(1.0)
            await eventually(lambda: one.centre.hellos)
            assert one.centre.batches == []
            one.centre.answers_hello = True
            one.centre.say(Command(command="hello"))
            await eventually(lambda: one.unsettled() == 0)
            assert len(one.centre.stored) == 3


async def test_a_wrong_clock_is_put_right_before_anything_is_sent(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        one.centre.skew_ms = 5 * 86_400_000
        await one.scan(1.0)
        logged_ms = one.clock.now().ms
        async with running(one):
            await eventually(lambda: one.unsettled() == 0)
            ((_, ms, _),) = one.centre.stored.values()
            assert abs(ms - logged_ms - one.centre.skew_ms) < 2000
            assert one.metric("clock_skew_seconds") == pytest.approx(5 * 86_400, abs=1)


async def test_a_lost_receipt_sends_again_and_repeated_ones_do_no_harm(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        one.centre.receipts = False
        async with running(one):
            await one.scan(1.0, 2.0)
            await eventually(lambda: len(one.centre.batches) >= 3)
            assert len({tuple(sorted(batch.seqs())) for batch in one.centre.batches}) == 1
            assert one.metric("resends_total") >= 2
            one.centre.receipts = True
            for _ in range(5):
                one.centre.receipt(one.log.epoch, [(1, 2)])
            await eventually(lambda: one.unsettled() == 0)
            await one.scan(3.0)
            await eventually(lambda: one.unsettled() == 0)
            assert sorted(seq for _, seq in one.centre.stored) == [1, 2, 3]


async def test_the_window_bounds_what_is_under_way(tmp_path: Path) -> None:
    async with bench(tmp_path, receipt_timeout=60.0, window=4) as one:
        one.centre.receipts = False
        for _ in range(20):
            await one.scan(*[1.0] * 1000)
        async with running(one):
            await eventually(lambda: len(one.centre.batches) == 3)
            for _ in range(5):
                await one.scan(1.0)
            assert len(one.centre.batches) <= 4
            one.centre.receipts = True
            for batch in list(one.centre.batches):
                one.centre.receipt(batch.epoch, [(seq, seq) for seq in batch.seqs()])
            await eventually(lambda: one.unsettled() == 0, 30.0)
            assert len(one.centre.stored) == 20_005


async def test_nobody_listening_is_counted_and_nothing_is_lost(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        one.centre.receipts = False
        async with running(one):
            await one.scan(1.0)
            await eventually(lambda: one.centre.batches)
            one.broker.say_nobody_listens()
            await eventually(lambda: one.metric("no_subscriber_total") == 1)
            one.centre.receipts = True
            await eventually(lambda: one.unsettled() == 0)


async def test_a_cut_connection_is_made_again_and_the_rest_is_sent(tmp_path: Path) -> None:
    async with bench(tmp_path, receipt_timeout=60.0) as one:
        one.centre.receipts = False
        async with running(one):
            await one.scan(1.0)
            await eventually(lambda: one.centre.batches)
            one.centre.receipts = True
            one.broker.cut()
            await eventually(lambda: one.unsettled() == 0)
            assert one.broker.connects == 2
            assert one.metric("connect_failures_total", reason="lost") == 1


async def test_a_broker_that_is_down_is_tried_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        one.broker.down = True
        async with running(one):
            await eventually(lambda: one.broker.connects >= 2)
            assert one.uplink.trouble == "the broker is down"
            one.broker.down = False
            await one.scan(1.0)
            await eventually(lambda: one.unsettled() == 0)
            assert one.uplink.trouble is None


async def test_a_refused_batch_becomes_a_gap_that_names_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        one.centre.refuse = lambda batch: any(-1.0 in series.value for series in batch.series)
        async with running(one):
            await one.scan(-1.0, 5.0)
            await eventually(lambda: one.unsettled() == 0)
            await one.scan(2.0)
            await eventually(lambda: one.unsettled() == 0)
            (gap,) = one.centre.gaps
            assert gap["reason"] == "refused"
            assert gap["why"] == "poison"
            assert gap["ranges"] == [[1, 2]]
            assert gap["epoch"] == f"{one.log.epoch:012x}"
            assert len(gap["digest"]) == 32
            assert one.metric("refusals_total", reason="poison") == 1


async def test_a_range_is_sent_again_when_asked_for(tmp_path: Path) -> None:
    async with bench(tmp_path) as one, running(one):
        await one.scan(*[1.0] * 10)
        await eventually(lambda: one.unsettled() == 0)
        before = len(one.centre.batches)
        one.centre.resend(one.log.epoch, 3, 5)
        await eventually(lambda: len(one.centre.batches) > before)
        await eventually(lambda: one.unsettled() == 0)
        assert sorted(one.centre.batches[-1].seqs()) == [3, 4, 5]
        assert one.metric("resend_commands_total") == 1


async def test_what_the_log_does_not_have_is_answered_once_by_a_gap(tmp_path: Path) -> None:
    async with bench(tmp_path) as one, running(one):
        await one.scan(1.0)
        await eventually(lambda: one.unsettled() == 0)
        one.centre.receipts = False
        for _ in range(5):
            one.centre.resend(0xABCDEF, 1, 100)
        await eventually(lambda: one.centre.gaps)
        one.centre.receipts = True
        await eventually(lambda: one.unsettled() == 0)
        assert one.centre.gaps == [{"reason": "unknown_epoch", "epoch": "000000abcdef", "ranges": [[1, 100]]}]
        # Once the centre has taken that in and asks again, it is told again.
        one.centre.resend(0xABCDEF, 1, 100)
        await eventually(lambda: len(one.centre.gaps) == 2)


async def test_more_ranges_than_a_record_holds_are_told_in_several(tmp_path: Path) -> None:
    ranges = [[9 * 10**14 + 2 * at, 9 * 10**14 + 2 * at] for at in range(1500)]
    async with bench(tmp_path) as one, running(one):
        await eventually(lambda: one.broker.session)
        one.centre.say(Command(command="resend", epoch="000000abcdef", ranges=ranges))
        await eventually(lambda: sum(len(gap["ranges"]) for gap in one.centre.gaps) == len(ranges))
        await one.scan(1.0)
        await eventually(lambda: one.unsettled() == 0)
        assert [span for gap in one.centre.gaps for span in gap["ranges"]] == ranges
        assert one.broker.connects == 1


async def test_a_retained_command_or_receipt_is_left_and_counted(tmp_path: Path) -> None:
    async with bench(tmp_path) as one, running(one):
        await eventually(lambda: one.broker.session)
        resend = Command(command="resend", epoch="000000abcdef", ranges=[[1, 2]])
        one.broker.say(COMMANDS, encode_message(resend), retained=True)
        await eventually(lambda: one.metric("bad_messages_total", reason="retained") == 1)
        await one.scan(1.0)
        await eventually(lambda: one.unsettled() == 0)
        assert one.centre.gaps == []
        assert one.metric("resend_commands_total") == 0


async def test_messages_that_cannot_be_read_are_counted_and_left(tmp_path: Path) -> None:
    async with bench(tmp_path) as one, running(one):
        await eventually(lambda: one.broker.session)
        for payload in (b"", b"{", b'{"v":9}', b'{"v":1,"durable":{"x":[[1,2]]}}', b"\xff" * 100):
            one.broker.say("aryk/v1/north/gw-1/receipts", payload)
            one.broker.say("aryk/v1/north/gw-1/commands", payload)
        one.broker.say("nonsense", b"{}")
        await one.scan(1.0)
        await eventually(lambda: one.unsettled() == 0)
        assert one.metric("bad_messages_total", reason="bad_json") >= 2


async def test_records_travel_with_the_same_guarantee(tmp_path: Path) -> None:
    async with bench(tmp_path) as one, running(one):
        await one.scan(1.0, records=(NewRecord("gauge", {"level_m": 1.2, "by": "A. Ospanova"}),))
        await eventually(lambda: one.unsettled() == 0)
        assert {"level_m": 1.2, "by": "A. Ospanova"} in one.centre.stored.values()


async def test_the_backlog_of_earlier_epochs_is_sent_too_each_epoch_by_itself(tmp_path: Path) -> None:
    epochs = []
    for _ in range(3):
        async with bench(tmp_path) as one:
            await one.scan(1.0)
            await one.scan(2.0)
            epochs.append(one.log.epoch)
    async with bench(tmp_path) as one, running(one):
        await one.scan(3.0)
        await eventually(lambda: one.unsettled() == 0)
        assert {batch.epoch for batch in one.centre.batches} == {*epochs, one.log.epoch}
        assert len(one.centre.stored) == 7


async def test_json_says_so_in_its_content_type(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        configured = settings(codec="json", uplink={"receipt_timeout": 1.0})
        one.uplink = Uplink(configured, "1.0", one.log, one.broker, one.clock, one.metrics, Random(1))
        async with running(one):
            await one.scan(1.0)
            await eventually(lambda: one.unsettled() == 0)
        types = {message.content_type for message in one.broker.published}
        assert types == {CONTENT_TYPES[Codec.JSON]}


async def test_stopping_lets_the_newest_scan_be_receipted(tmp_path: Path) -> None:
    async with bench(tmp_path, receipt_timeout=60.0) as one:
        async with running(one):
            await one.scan(1.0)
            await eventually(lambda: one.unsettled() == 0)
            await one.scan(2.0)
        assert one.unsettled() == 0


async def test_stopping_waits_no_longer_than_it_may(tmp_path: Path) -> None:
    async with bench(tmp_path, receipt_timeout=60.0) as one:
        one.centre.receipts = False
        async with running(one):
            await one.scan(1.0)
            await eventually(lambda: one.centre.batches)
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 10
        assert one.centre.hellos[-1].state is State.LOST


@pytest.mark.parametrize("how", ["nobody accepts", "the connection hangs", "nobody answers"])
async def test_a_dead_uplink_never_delays_a_commit(tmp_path: Path, how: str) -> None:
    """Sampler and uplink share nothing but the log: scans are committed while the uplink is stuck in any way."""

    async with bench(tmp_path, receipt_timeout=60.0) as one:
        if how == "nobody accepts":
            one.broker.down = True
        elif how == "the connection hangs":
            _hang(one.broker)
        else:
            one.centre.receipts = False
        async with running_and_cancelled(one):
            loop = asyncio.get_running_loop()
            for number in range(50):
                began = loop.time()
                await one.scan(float(number), 1.0, 2.0)
                assert loop.time() - began < 2.0
            assert one.log.progress.last == 150
            assert one.unsettled() == 150


def _hang(broker: MemoryConnector) -> None:
    def connect() -> object:
        return _Hanging()

    broker.connect = connect  # type: ignore[method-assign,assignment]  # the double's


class _Hanging:
    async def __aenter__(self) -> None:
        await asyncio.Event().wait()

    async def __aexit__(self, *_: object) -> None:
        return None


class running_and_cancelled:  # noqa: N801  # used like a function
    """The uplink at work, and cancelled at the end: it need not stop in good order."""

    def __init__(self, one: Bench) -> None:
        self._one = one

    async def __aenter__(self) -> None:
        self._task = asyncio.ensure_future(self._one.uplink.run(self._one.stop))
        await asyncio.sleep(0)

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_hello_of_a_gateway_with_thousands_of_sensors_still_fits(tmp_path: Path) -> None:
    sensors = [
        {"id": f"a-rather-long-name-of-a-sensor-{at}", "quantity": "level", "register": at} for at in range(3000)
    ]
    async with bench(tmp_path) as one:
        configured = settings(devices=[device("big", sensors=sensors)])
        uplink = Uplink(configured, "1.0", one.log, one.broker, one.clock, one.metrics, Random(1))
        status = decode_message(Status, uplink.status(State.ONLINE, "a" * 16))
        assert status.streams
        assert status.logs


async def test_trouble_with_the_log_is_tried_again_and_does_not_end_the_uplink(tmp_path: Path) -> None:
    async with bench(tmp_path) as one, running(one):
        await eventually(lambda: one.unsettled() == 0 and one.broker.session)
        one.log._uplink_db.execute("PRAGMA query_only = 1")
        await one.scan(1.0)
        await eventually(lambda: one.metric("connect_failures_total", reason="log") >= 1)
        one.log._uplink_db.execute("PRAGMA query_only = 0")
        await one.scan(2.0)
        await eventually(lambda: one.unsettled() == 0)


async def test_an_error_nobody_thought_of_is_counted_and_the_uplink_goes_on(tmp_path: Path) -> None:
    async with bench(tmp_path) as one:
        centre, broken = one.broker.on_publish, True

        def on_publish(message: Published) -> None:
            if broken:
                raise ValueError("a defect")
            centre(message)

        one.broker.on_publish = on_publish
        async with running(one):
            await eventually(lambda: one.metric("connect_failures_total", reason="unexpected") >= 2)
            assert one.uplink.trouble == "a defect"
            await one.scan(1.0)
            broken = False
            await eventually(lambda: one.unsettled() == 0)
            assert one.uplink.trouble is None
