"""TOML and environment into pydantic models; errors that name the file, the line, the key and the mend."""

from settings.errors import FaultError, SettingsError
from settings.load import load, load_text, parse_duration_s

__all__ = ["FaultError", "SettingsError", "load", "load_text", "parse_duration_s"]
