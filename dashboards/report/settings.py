"""The report's settings: `report.toml`, or the options of `aryk report decade`; the environment under ARYK_REPORT."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from store.settings import SqliteSettings, StoreSettings

ENV_PREFIX = "ARYK_REPORT"

Language = Literal["en", "ru", "kk"]
Integration = Literal["trapezoid", "step"]


class ReportSettings(BaseModel):
    """Whose report it is, where the registry and the store are, and what the registry does not say.

    `uncertainty_pct` (k = 2) and `integration` are by meter, "station" or "station/series", where they differ from what
    follows from the meter's kind. `decimal`: the sign before the decimals, else the language's own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    registry: Path
    store: StoreSettings = SqliteSettings()
    district: str | None = None
    office: Annotated[str, Field(max_length=120)] = ""
    language: Language = "en"
    decimal: Literal[".", ","] | None = None
    uncertainty_pct: dict[str, Annotated[float, Field(gt=0, le=100)]] = Field(default_factory=dict)
    integration: dict[str, Integration] = Field(default_factory=dict)
