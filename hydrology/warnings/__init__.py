"""Flood warning inside a telemetry system: thresholds, trend, lag and routing, skill. Not an official forecast."""

from hydrology.warnings.follow import Follower, Memory, decided
from hydrology.warnings.routing import (
    Muskingum,
    StageRelation,
    best_lag,
    correlation,
    fit_stage_relation,
    lag_correlations,
    reaches,
    wave_lag_s,
)
from hydrology.warnings.skill import Contingency, Kge, brier, kge, nse, pbias, persistence_index, rmse
from hydrology.warnings.thresholds import Condition, GaugeAlarm, Latch, LevelName, Status, Threshold
from hydrology.warnings.trend import TimeToThreshold, Trend, theil_sen, time_to_threshold

__all__ = [
    "Condition",
    "Contingency",
    "Follower",
    "GaugeAlarm",
    "Kge",
    "Latch",
    "LevelName",
    "Memory",
    "Muskingum",
    "StageRelation",
    "Status",
    "Threshold",
    "TimeToThreshold",
    "Trend",
    "best_lag",
    "brier",
    "correlation",
    "decided",
    "fit_stage_relation",
    "kge",
    "lag_correlations",
    "nse",
    "pbias",
    "persistence_index",
    "reaches",
    "rmse",
    "theil_sen",
    "time_to_threshold",
    "wave_lag_s",
]
