"""The configuration of ingest."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from health import HealthSettings
from settings import load, parse_duration_s
from settings.broker import BrokerSettings
from store.settings import SqliteSettings, StoreSettings
from wire.names import Id

ENV_PREFIX = "ARYK_INGEST"

Duration = Annotated[float, BeforeValidator(parse_duration_s), Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitSettings(_Table):
    """Between which times a reading is taken. `future` is how far a gateway's clock may be ahead of ours.

    A gateway puts its times right by the centre's clock before it sends, so minutes are enough; a reading from further ahead
    would stand as the newest one until its time comes.
    """

    earliest: AwareDatetime = datetime(2015, 1, 1, tzinfo=UTC)
    future: Duration = 600.0

    @property
    def earliest_ms(self) -> int:
        """The earliest time, milliseconds since 1970."""
        return round(self.earliest.timestamp() * 1000)

    @property
    def future_ms(self) -> int:
        """How far ahead, milliseconds."""
        return round(self.future * 1000)


class SpoolSettings(_Table):
    """How much may wait on disk. At `max_bytes` intake stops (nothing is dropped) until the store has taken some."""

    max_bytes: Annotated[int, Field(ge=1_000_000)] = 20_000_000_000


class DeadLetterSettings(_Table):
    """How many dead letters are kept in the spool's database; the oldest are exported to files beside it before they go."""

    max_bytes: Annotated[int, Field(ge=1_000_000)] = 500_000_000
    max_age: Duration = 90 * 86_400.0


class IngestSettings(_Table):
    """The whole configuration. `id` is the MQTT client id: keep it, the broker keeps the session under it."""

    id: Id = "ingest"
    registry: Path
    districts: Annotated[list[Id], Field(description="empty: all of them")] = []
    broker: BrokerSettings = BrokerSettings()
    store: StoreSettings = SqliteSettings()
    limits: LimitSettings = LimitSettings()
    spool: SpoolSettings = SpoolSettings()
    dead_letters: DeadLetterSettings = DeadLetterSettings()
    health: HealthSettings = HealthSettings()


def load_settings(path: Path | str) -> IngestSettings:
    """The configuration; a relative path in it starts at its own folder. Raises SettingsError."""
    settings = load(IngestSettings, path, env_prefix=ENV_PREFIX)
    return settings.model_copy(update={"registry": Path(path).parent / settings.registry})


def spool_path(state: Path) -> Path:
    """Where the spool is."""
    return state / "ingest" / "spool.sqlite"
