"""Read the registry from its TOML file."""

from pathlib import Path

from hydrology.registry import Registry
from settings import load


def load_registry(path: Path | str) -> Registry:
    """The registry. Raises SettingsError, which names file, line, key and the mend."""
    return load(Registry, path)
