"""A store as one word of a command line: a file for the embedded one, a URL for InfluxDB."""

from pathlib import Path

from pydantic import SecretStr

from store.settings import InfluxSettings, SqliteSettings


def store_settings(
    word: str | None,
    *,
    bucket: str = "aryk",
    org: str = "aryk",
    token: str | None = None,
    token_file: Path | None = None,
) -> SqliteSettings | InfluxSettings:
    """The settings of the store at this path or http URL; the state folder's own without one."""
    if word is None or not word.startswith(("http://", "https://")):
        return SqliteSettings(path=None if word is None else Path(word))
    secret = SecretStr(token) if token else None
    return InfluxSettings(kind="influxdb", url=word, bucket=bucket, org=org, token=secret, token_file=token_file)
