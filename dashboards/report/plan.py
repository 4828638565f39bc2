"""A user's plan and limit over any time: planned flows are by decade, limits by season."""

from datetime import datetime, timedelta

from dashboards.report.span import decades, local_day
from hydrology.accounting import Period
from hydrology.registry import Limit, LimitPeriod, User


def planned_m3(user: User, start: datetime, end: datetime, zone: str) -> float | None:
    """The planned volume between two times: each decade's flow over the part of it inside; None without a plan."""
    plans = {plan.year: plan for plan in user.plans}
    total, known = 0.0, False
    if end <= start:
        return 0.0 if plans else None
    for decade in decades(local_day(start, zone), local_day(end - timedelta(microseconds=1), zone), zone):
        first = local_day(decade.start, zone)
        plan = plans.get(first.year)
        if plan is not None:
            known = True
            inside = (min(decade.end, end) - max(decade.start, start)).total_seconds()
            total += plan.flow_m3s(first) * max(inside, 0.0)
    return total if known else None


def limit_at(user: User, moment: datetime, zone: str) -> tuple[Limit, Period] | None:
    """The limit in force at a time: the season's before the hydrological year's."""
    order = list(LimitPeriod)
    for limit in sorted(user.limits, key=lambda one: order.index(one.season)):
        period = limit.period(zone)
        if period.start <= moment < period.end:
            return limit, period
    return None
