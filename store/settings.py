"""Which store, and how it is reached: the same table `[store]` for ingest and the live page."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from settings.errors import Fault, SettingsError
from settings.files import check_readable


class SqliteSettings(BaseModel):
    """The embedded store: one file, for a laptop, a demo or a single site. Left out: store/points.sqlite in the state folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["sqlite"] = "sqlite"
    path: Path | None = None


class InfluxSettings(BaseModel):
    """InfluxDB. `api`: "v2" is 2.7 through influxdb-client; "v1" is /write, which 1.x, 2.x and 3 answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["influxdb"]
    api: Literal["v2", "v1"] = "v2"
    url: str = "http://127.0.0.1:8086"
    org: str = "aryk"
    bucket: Annotated[str, Field(description="bucket; the database for 1.x and 3")] = "aryk"
    token: SecretStr | None = None
    token_file: Path | None = None
    username: str | None = None
    password: SecretStr | None = None
    timeout_s: Annotated[float, Field(gt=0)] = 10.0

    def read_token(self) -> str | None:
        """The token in force, or None. Raises SettingsError when its file cannot be read, or has none in it."""
        if self.token_file is not None:
            check_readable(store__token_file=self.token_file)
            token = self.token_file.read_text(encoding="utf-8", errors="replace").strip()
            if not token:
                raise SettingsError(self.token_file, [Fault(None, "store.token_file", "there is no token in it")])
            return token
        return self.token.get_secret_value() if self.token is not None else None


StoreSettings = Annotated[SqliteSettings | InfluxSettings, Field(discriminator="kind")]
