"""A canal reach's row: what came in, what left, what is missing, and whether that is more than the meters' uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards.report.flows import Amount, together, volume
from dashboards.report.meters import Meter
from dashboards.report.users import Columns
from hydrology.accounting import Metered, Period, ReachBalance, reach_balance
from hydrology.registry import Canal, Reach


@dataclass(frozen=True, slots=True)
class ReachRow:
    """Volumes in m3. `balance` is None where a meter has nothing; `judged` only if every meter has 90 % of the period."""

    canal: Canal
    reach: Reach
    head: Amount
    inflows: Amount | None
    turnouts: Amount | None
    tail: Amount | None
    balance: ReachBalance | None
    coverage_pct: float

    @property
    def judged(self) -> bool:
        """Whether loss and imbalance may be called anything."""
        return self.balance is not None and self.coverage_pct >= 90.0


def reach_row(
    canal: Canal,
    reach: Reach,
    head: Meter,
    turnouts: Sequence[Meter],
    tail: Meter | None,
    inflows: Sequence[Meter],
    columns: Columns,
    period: Period,
) -> ReachRow:
    """The row. The water in the reach at the start and at the end is taken as equal; the report says so."""

    def group(meters: Sequence[Meter]) -> tuple[Amount, list[Metered] | None, float]:
        found = [volume(columns[meter.key], meter, period) for meter in meters]
        if any(one.volume_m3 is None for one in found):
            metered = None
        else:
            pairs = zip(found, meters, strict=True)
            metered = [Metered(v.volume_m3, m.uncertainty_pct) for v, m in pairs if v.volume_m3 is not None]
        return together(found), metered, min((v.coverage_pct for v in found), default=100.0)

    head_sum, heads, head_cover = group([head])
    out_sum, outs, out_cover = group(turnouts)
    tail_sum, tails, tail_cover = group([tail] if tail is not None else [])
    in_sum, ins, in_cover = group(inflows)
    balance = None
    if heads is not None and outs is not None and tails is not None and ins is not None:
        balance = reach_balance(heads[0], outs, tails[0] if tails else Metered(0.0, 0.0), ins)
    return ReachRow(
        canal,
        reach,
        head_sum,
        in_sum if inflows else None,
        out_sum if turnouts else None,
        tail_sum if tail is not None else None,
        balance,
        min(head_cover, out_cover, tail_cover, in_cover),
    )
