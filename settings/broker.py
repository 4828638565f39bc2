"""How a role reaches the MQTT broker."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

MQTT_PORT = 1883

Address = tuple[str, int]
"""Host and port."""


def address(text: str) -> Address:
    """HOST or HOST:PORT. Raises ValueError."""
    host, _, port = text.rpartition(":") if ":" in text else (text, "", str(MQTT_PORT))
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise ValueError(f"{text!r} is not HOST or HOST:PORT")
    return host, int(port)


def _address(value: object) -> object:
    return address(value) if isinstance(value, str) else value


class TlsSettings(BaseModel):
    """TLS to the broker: the authority that signed it, and this role's own certificate and key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None


class BrokerSettings(BaseModel):
    """Address and identity. A password comes from a file or the environment, never from a committed file.

    `others` are further nodes of the same cluster: who loses a node, or finds it dead, goes to the next one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(default=MQTT_PORT, ge=1, le=65535)
    others: tuple[Annotated[Address, BeforeValidator(_address)], ...] = ()
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    tls: TlsSettings | None = None
    keepalive_s: int = Field(default=60, ge=5, le=65535)

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("give password or password_file, not both")
        return self

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All nodes, this role's own first."""
        return ((self.host, self.port), *self.others)

    def read_password(self) -> str | None:
        """The password in force, or None. Raises OSError when its file cannot be read."""
        if self.password_file is not None:
            return self.password_file.read_text(encoding="utf-8").strip()
        return self.password.get_secret_value() if self.password is not None else None
