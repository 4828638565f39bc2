"""One small water system from a seed: what stands where, what its sensors measure, and what they read at any time."""

from simulator.scenario.build import build_scenario
from simulator.scenario.parts import Measured, Scenario, SensorPlan, StationPlan

__all__ = ["Measured", "Scenario", "SensorPlan", "StationPlan", "build_scenario"]
