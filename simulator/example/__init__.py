"""The example system of `registry/` as water: a river, a reservoir with a hydropower unit, a main canal with three reaches
and gates, six users, two wells. What its instruments read at any time is consistent with its ratings and conserves water.
"""

from simulator.example.build import build_example
from simulator.example.climate import Climate, always_july, true_season
from simulator.example.water import Water

__all__ = ["Climate", "Water", "always_july", "build_example", "true_season"]
