"""A store as one word of a command line: a file for the embedded one, a URL for InfluxDB."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.settings import InfluxSettings, SqliteSettings


def store_settings(
    store: str | None,
    *,
    bucket: str = "aryk",
    org: str = "aryk",
    token: str | None = None,
    token_file: Path | None = None,
) -> "SqliteSettings | InfluxSettings":
    """The settings of the store at this path or http URL; the state folder's own without one."""
    from pydantic import SecretStr

    from store.settings import InfluxSettings, SqliteSettings

    if store is None or not store.startswith(("http://", "https://")):
        return SqliteSettings(path=None if store is None else Path(store))
    secret = SecretStr(token) if token else None
    return InfluxSettings(kind="influxdb", url=store, bucket=bucket, org=org, token=secret, token_file=token_file)
