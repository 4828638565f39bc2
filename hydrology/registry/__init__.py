"""The station registry: districts, gateways, stations with sensors and ratings, water users, canals. docs/registry.md."""

from hydrology.registry.base import Duration, Effective, Table, moment
from hydrology.registry.canals import Canal, Lining, Link, Muskingum, Reach
from hydrology.registry.flow_history import DatedRating, FlowHistory
from hydrology.registry.index import Index, head_sensor, level_sensors
from hydrology.registry.order import along_water
from hydrology.registry.quality import Quality
from hydrology.registry.ratings import Rating, Segment, Shift
from hydrology.registry.references import Problem
from hydrology.registry.sensor import Calibration, Sensor
from hydrology.registry.stations import (
    Datum,
    District,
    Gateway,
    Hydropower,
    Levels,
    Station,
    StationKind,
    Storage,
    Well,
)
from hydrology.registry.structures import Heads, Law, Structure
from hydrology.registry.thresholds import Alarm, Thresholds
from hydrology.registry.topology import Edge, Topology, edges
from hydrology.registry.users import Limit, LimitPeriod, Plan, User
from hydrology.registry.whole import Parts, Registry

__all__ = [
    "Alarm",
    "Calibration",
    "Canal",
    "DatedRating",
    "Datum",
    "District",
    "Duration",
    "Edge",
    "Effective",
    "FlowHistory",
    "Gateway",
    "Heads",
    "Hydropower",
    "Index",
    "Law",
    "Levels",
    "Limit",
    "LimitPeriod",
    "Lining",
    "Link",
    "Muskingum",
    "Parts",
    "Plan",
    "Problem",
    "Quality",
    "Rating",
    "Reach",
    "Registry",
    "Segment",
    "Sensor",
    "Shift",
    "Station",
    "StationKind",
    "Storage",
    "Structure",
    "Table",
    "Thresholds",
    "Topology",
    "User",
    "Well",
    "along_water",
    "edges",
    "head_sensor",
    "level_sensors",
    "moment",
]
