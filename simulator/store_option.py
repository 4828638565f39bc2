"""A store as one word of a command line: a file for the embedded one, a URL for InfluxDB."""

from pathlib import Path

from pydantic import SecretStr

from store.settings import InfluxSettings, SqliteSettings


def store_settings(
    store: str, *, bucket: str = "aryk", org: str = "aryk", token: str | None = None, token_file: Path | None = None
) -> SqliteSettings | InfluxSettings:
    """The settings of the store at this path or http URL."""
    if not store.startswith(("http://", "https://")):
        return SqliteSettings(path=Path(store))
    secret = SecretStr(token) if token else None
    return InfluxSettings(kind="influxdb", url=store, bucket=bucket, org=org, token=secret, token_file=token_file)
