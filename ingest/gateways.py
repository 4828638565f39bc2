"""What is known of every registered gateway from its statuses: whether it is up, when it was seen, what it has logged. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.gone import had_or_gone
from ingest.received import Logs, count, missing, within
from wire.messages import LogExtent, State, Status
from wire.names import epoch_number
from wire.ranges import Range

MOST_RANGES = 500
"""In one answer to a hello or one command."""
SLEEP_GRACE_MS = 60_000
"""A gateway may oversleep this much."""


@dataclass(slots=True)
class GatewayView:
    """The last word of a gateway. `seen_ms` is None until a message of it came since our start."""

    district: str
    seen_ms: int | None = None
    state: State | None = None
    until_ms: int | None = None
    logs: list[LogExtent] = field(default_factory=list)

    def up(self, now_ms: int) -> bool | None:
        """Whether it is online or in its planned sleep; None before its first status."""
        if self.state is None or self.state is State.LOST:
            return None if self.state is None else False
        if self.state is State.SLEEPING and self.until_ms is not None:
            return now_ms <= self.until_ms + SLEEP_GRACE_MS
        return True


class Gateways:
    """All gateways of the registry; others are not kept."""

    def __init__(self, districts: Mapping[str, str]) -> None:
        self.views = {gateway: GatewayView(district) for gateway, district in districts.items()}

    def readings_came(self, gateway: str, now_ms: int) -> None:
        """A batch of this gateway came: it lives, whatever a late last will says."""
        view = self.views.get(gateway)
        if view is not None:
            view.seen_ms = now_ms

    def status_came(self, gateway: str, status: Status, now_ms: int, *, retained: bool) -> None:
        """A status came, now or (retained) some time ago."""
        view = self.views.get(gateway)
        if view is None:
            return
        view.state, view.until_ms = status.state, status.until_ms
        if status.state is not State.LOST:
            if not retained:
                view.seen_ms = now_ms
            if status.logs:
                view.logs = status.logs

    def set_registry(self, districts: Mapping[str, str]) -> None:
        """The gateways are these now; what is known of those that stay is kept."""
        before, self.views = self.views, {gateway: GatewayView(district) for gateway, district in districts.items()}
        for gateway, view in self.views.items():
            known = before.get(gateway)
            if known is not None and known.district == view.district:
                self.views[gateway] = known

    def backlog(self, gateway: str, received: Logs, gone: Logs) -> int:
        """How many readings its newest hello names that were not received and are not gone."""
        view = self.views[gateway]
        total = 0
        for one in list(view.logs):
            epoch = epoch_number(one.epoch)
            if gone.look(gateway, epoch):
                total += count(had_or_gone(received, gone, gateway, epoch).missing(one.first, one.last))
            else:
                total += count(missing(received, gateway, epoch, one.first, one.last))
        return total


def received_of(status: Status, gateway: str, received: Logs) -> dict[int, list[Range]]:
    """What was received of the logs that a hello names, so that a gateway which lost its receipts catches up."""
    out: dict[int, list[Range]] = {}
    for one in status.logs:
        epoch = epoch_number(one.epoch)
        ranges = within(received, gateway, epoch, one.first, one.last, MOST_RANGES)
        if ranges:
            out[epoch] = ranges
    return out


def missing_of(status: Status, gateway: str, received: Logs, gone: Logs) -> dict[int, list[Range]]:
    """What a hello names, was not received and is not gone: what there is to ask for."""
    out: dict[int, list[Range]] = {}
    for one in status.logs:
        epoch = epoch_number(one.epoch)
        ranges = had_or_gone(received, gone, gateway, epoch).missing(one.first, one.last, MOST_RANGES)
        if ranges:
            out[epoch] = ranges
    return out
