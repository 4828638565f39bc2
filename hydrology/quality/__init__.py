"""Quality control: QARTOD's tests as pure functions, and the streaming engine that applies them to a series."""

from hydrology.quality.companion import Companion
from hydrology.quality.rules import (
    Attenuated,
    Counter,
    Flat,
    Moves,
    Neighbour,
    Rules,
    Season,
    Span,
    Spike,
)
from hydrology.quality.series import Revision, SeriesJudge
from hydrology.quality.verdict import Check, Verdict, missing_verdict, roll_up

__all__ = [
    "Attenuated",
    "Check",
    "Companion",
    "Counter",
    "Flat",
    "Moves",
    "Neighbour",
    "Revision",
    "Rules",
    "Season",
    "SeriesJudge",
    "Span",
    "Spike",
    "Verdict",
    "missing_verdict",
    "roll_up",
]
