"""Thousands of gateways from one process: each with its session, its identity, its log in memory, and its receipts."""

from simulator.fleet.fleet import Fleet
from simulator.fleet.log import FleetLog, Outgoing, Scan
from simulator.fleet.plan import FleetPlan, PlannedGateway, PlannedSensor, fleet_registry
from simulator.fleet.report import FleetReport

__all__ = [
    "Fleet",
    "FleetLog",
    "FleetPlan",
    "FleetReport",
    "Outgoing",
    "PlannedGateway",
    "PlannedSensor",
    "Scan",
    "fleet_registry",
]
