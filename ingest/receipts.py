"""When which gateway is told what: a quiet one at once, a busy one at most four times a second. Pure; the time comes in.

Holds for each gateway what is durable and not yet told. What could not be sent stays and is sent with the next.
"""

from dataclasses import dataclass, field

from wire.messages import CentreTime, Receipt, Refusal
from wire.names import epoch_text
from wire.ranges import Range, RangeSet
from wire.topics import Kind, Topic, topic

INTERVAL_S = 0.25
"""At most four receipts a second to one gateway."""
MOST_REFUSALS = 100
"""Told in one receipt; more of them wait. A gateway sends again what it heard nothing of, so the rest may be forgotten."""
MOST_RANGES = 1_000
"""In one receipt: about 20 KB of JSON; a gateway reads up to 64 KB."""

Address = tuple[str, str]
"""District and gateway, as in the topic on which the gateway sent."""


@dataclass(slots=True)
class _Pending:
    next_s: float = 0.0
    durable: dict[int, RangeSet] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    nonce: str | None = None
    arrivals: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A receipt to be sent now. `arrivals` are the times of the messages it answers."""

    address: Address
    topic: str
    receipt: Receipt
    arrivals: list[float]

    @property
    def answers_hello(self) -> bool:
        """Whether it carries the centre's time, and so expires."""
        return self.receipt.time is not None


class ReceiptBook:
    """Collects what is due and gives it out in time."""

    def __init__(self) -> None:
        self._gateways: dict[Address, _Pending] = {}
        self._waiting: dict[Address, None] = {}

    def add(
        self,
        address: Topic,
        epoch: int | None,
        ranges: list[Range],
        refused: list[Refusal],
        arrived_s: float,
    ) -> None:
        """These are durable, or refused and kept."""
        pending = self._pending((address.district, address.gateway))
        if epoch is not None and ranges:
            numbers = pending.durable.get(epoch)
            if numbers is None:
                numbers = pending.durable[epoch] = RangeSet()
            for first, last in ranges:
                numbers.add(first, last)
        for refusal in refused:
            if refusal not in pending.refused:
                pending.refused.append(refusal)
        del pending.refused[MOST_REFUSALS * 10 :]
        pending.arrivals.append(arrived_s)

    def hello(self, address: Topic, nonce: str | None) -> None:
        """Answer this nonce with the time; only the newest one counts."""
        self._pending((address.district, address.gateway)).nonce = nonce

    def _pending(self, address: Address) -> _Pending:
        pending = self._gateways.get(address)
        if pending is None:
            pending = self._gateways[address] = _Pending()
        self._waiting[address] = None
        return pending

    @property
    def waiting(self) -> int:
        """How many gateways are to be told something."""
        return len(self._waiting)

    def next_s(self) -> float | None:
        """When the next receipt is due; None when nothing waits."""
        return min((self._gateways[address].next_s for address in self._waiting), default=None)

    def due(self, now_s: float, wall_ms: int, most: int) -> list[Outgoing]:
        """Up to `most` receipts to be sent now; they count as sent unless `unsent` says otherwise."""
        out: list[Outgoing] = []
        for address in list(self._waiting):
            if len(out) >= most:
                break
            pending = self._gateways[address]
            if pending.next_s <= now_s:
                out.append(self._take(address, pending, wall_ms))
                pending.next_s = now_s + INTERVAL_S
        return out

    def _take(self, address: Address, pending: _Pending, wall_ms: int) -> Outgoing:
        del self._waiting[address]
        durable: dict[str, list[list[int]]] = {}
        left: dict[int, RangeSet] = {}
        room = MOST_RANGES
        for epoch, numbers in pending.durable.items():
            ranges = list(numbers)
            if room:
                durable[epoch_text(epoch)] = [[first, last] for first, last in ranges[:room]]
            if len(ranges) > room:
                left[epoch] = RangeSet(ranges[room:])
            room = max(0, room - len(ranges))
        time = CentreTime(nonce=pending.nonce, ms=wall_ms) if pending.nonce is not None else None
        receipt = Receipt(durable=durable, refused=pending.refused[:MOST_REFUSALS], time=time)
        outgoing = Outgoing(address, topic(*address, Kind.RECEIPTS), receipt, pending.arrivals)
        pending.durable, pending.refused = left, pending.refused[MOST_REFUSALS:]
        pending.nonce, pending.arrivals = None, []
        if pending.durable or pending.refused:
            self._waiting[address] = None
        return outgoing

    def unsent(self, outgoing: Outgoing) -> None:
        """There was no room for it: put it back."""
        pending = self._pending(outgoing.address)
        for epoch, ranges in outgoing.receipt.durable.items():
            numbers = pending.durable.setdefault(int(epoch, 16), RangeSet())
            numbers.update((first, last) for first, last in ranges)
        pending.refused[:0] = outgoing.receipt.refused
        if outgoing.receipt.time and pending.nonce is None:
            pending.nonce = outgoing.receipt.time.nonce
        pending.arrivals[:0] = outgoing.arrivals

    def forget_idle(self, now_s: float) -> None:
        """Drop gateways that nothing is pending for and that may be told at once anyway."""
        for address, pending in list(self._gateways.items()):
            if address not in self._waiting and pending.next_s <= now_s:
                del self._gateways[address]
