"""Irrigation water accounting: periods, volumes, shares, canal reaches and indicators."""

from hydrology.accounting.indicators import Performance, gini, head_tail_ratio, performance, variation
from hydrology.accounting.periods import (
    Period,
    day_period,
    decade_of,
    decade_period,
    decades_between,
    hydrological_year,
    local_time,
    season_period,
)
from hydrology.accounting.plans import Alarm, Deviation, Share, cut, deviation, share
from hydrology.accounting.reach import UNCERTAINTY_PCT, Metered, ReachBalance, reach_balance
from hydrology.accounting.volumes import Reading, Volume, integrate, volume_table

__all__ = [
    "UNCERTAINTY_PCT",
    "Alarm",
    "Deviation",
    "Metered",
    "Performance",
    "Period",
    "ReachBalance",
    "Reading",
    "Share",
    "Volume",
    "cut",
    "day_period",
    "decade_of",
    "decade_period",
    "decades_between",
    "deviation",
    "gini",
    "head_tail_ratio",
    "hydrological_year",
    "integrate",
    "local_time",
    "performance",
    "reach_balance",
    "season_period",
    "share",
    "variation",
    "volume_table",
]
