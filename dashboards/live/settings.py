"""The live page's settings: `live.toml`, and the environment under ARYK_LIVE."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from health import HealthSettings
from settings import parse_duration_s
from store.settings import SqliteSettings, StoreSettings

Duration = Annotated[float, BeforeValidator(parse_duration_s)]

ENV_PREFIX = "ARYK_LIVE"


class LiveSettings(BaseModel):
    """Where the page listens, what it shows, and how often it looks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    registry: Path
    store: StoreSettings = SqliteSettings()
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="when busy, the next free one; 0: any")] = 8080
    refresh: Annotated[Duration, Field(ge=0.1, le=600, description="seconds between two looks at the store")] = 5.0
    lookback: Annotated[Duration, Field(gt=0, description="how far back a silent station's last value is sought")] = (
        30 * 86_400.0
    )
    title: Annotated[str, Field(max_length=80)] = "Aryk"
    locale: Annotated[
        str, Field(pattern=r"^$|^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="empty: the reader's own")
    ] = ""
    level_unit: Literal["m", "cm"] = "m"
    health: HealthSettings = HealthSettings()
