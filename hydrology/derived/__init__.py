"""Series that are made of others: discharge from level, volume from level. What they are made of, and by which method. Pure."""

from hydrology.derived.build import derivations, digest, with_derived
from hydrology.derived.model import Derivation, Input, Method, Name, Output, Pairing, Value

__all__ = [
    "Derivation",
    "Input",
    "Method",
    "Name",
    "Output",
    "Pairing",
    "Value",
    "derivations",
    "digest",
    "with_derived",
]
