"""TOML and environment into pydantic models; errors that name the file, the line, the key and the mend."""

from settings.errors import SettingsError
from settings.load import load, load_text, parse_duration_s

__all__ = ["SettingsError", "load", "load_text", "parse_duration_s"]
