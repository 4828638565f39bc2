"""Discharge from structures: each law a frozen dataclass whose `discharge(...)` answers with a `Discharge`."""

from hydrology.structures.answer import Discharge, HeadRange, combined_uncertainty_pct
from hydrology.structures.broad_crested import BroadCrestedWeir, Crest
from hydrology.structures.gates import RadialGate, SluiceGate
from hydrology.structures.long_throated import LongThroatedFlume
from hydrology.structures.outlets import BottomOutlet, GatedSpillway, OgeeSpillway
from hydrology.structures.parshall import (
    PARSHALL_SIZES,
    ParshallFlume,
    SubmergedCalibration,
    System,
    parshall_size,
)
from hydrology.structures.section import IndexVelocity, SurveyedSection, Trapezoid, manning_m3s
from hydrology.structures.villemonte import villemonte_factor
from hydrology.structures.vnotch import VNotchWeir, cone_m3s
from hydrology.structures.weirs import CipollettiWeir, FrancisWeir, RectangularWeir

__all__ = [
    "PARSHALL_SIZES",
    "BottomOutlet",
    "BroadCrestedWeir",
    "CipollettiWeir",
    "Crest",
    "Discharge",
    "FrancisWeir",
    "GatedSpillway",
    "HeadRange",
    "IndexVelocity",
    "LongThroatedFlume",
    "OgeeSpillway",
    "ParshallFlume",
    "RadialGate",
    "RectangularWeir",
    "SluiceGate",
    "SubmergedCalibration",
    "SurveyedSection",
    "System",
    "Trapezoid",
    "VNotchWeir",
    "combined_uncertainty_pct",
    "cone_m3s",
    "manning_m3s",
    "parshall_size",
    "villemonte_factor",
]
