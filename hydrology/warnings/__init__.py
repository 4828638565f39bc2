"""Flood warning inside a telemetry system: thresholds, trend, lag and routing, skill. Not an official forecast."""

from hydrology.warnings.follow import Follower, Memory, decided
from hydrology.warnings.nowcast import ByLag, ByMuskingum, Nowcast, Skill, found_lag, nowcast, on_steps, skill
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
from hydrology.warnings.skill import Contingency, Kge, brier, forecast_index, kge, nse, pbias, persistence_index, rmse
from hydrology.warnings.thresholds import Condition, GaugeAlarm, Latch, LevelName, Status, Threshold
from hydrology.warnings.trend import TimeToThreshold, Trend, theil_sen, time_to_threshold

__all__ = [
    "ByLag",
    "ByMuskingum",
    "Condition",
    "Contingency",
    "Follower",
    "GaugeAlarm",
    "Kge",
    "Latch",
    "LevelName",
    "Memory",
    "Muskingum",
    "Nowcast",
    "Skill",
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
    "forecast_index",
    "found_lag",
    "kge",
    "lag_correlations",
    "nowcast",
    "nse",
    "on_steps",
    "pbias",
    "persistence_index",
    "reaches",
    "rmse",
    "skill",
    "theil_sen",
    "time_to_threshold",
    "wave_lag_s",
]
