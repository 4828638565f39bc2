"""A real mosquitto on loopback."""

import os
from pathlib import Path
from typing import ClassVar

from tests.servers.process import LOOPBACK, ServerProcess


class Mosquitto(ServerProcess):
    """The broker, with everything it writes in one folder.

    `extra` is put at the end of its configuration as it stands (an ACL, TLS, a password file, another listener).
    With `autosave_interval_s` as mosquitto has it (None: 1800 s), a kill loses what was not saved; that is the point.
    """

    program: ClassVar[str] = "mosquitto"

    def __init__(
        self,
        folder: Path,
        port: int | None = None,
        *,
        persistence: bool = True,
        autosave_interval_s: int | None = None,
        max_inflight_messages: int | None = None,
        max_queued_messages: int | None = None,
        allow_anonymous: bool = True,
        extra: str = "",
    ) -> None:
        super().__init__(folder, port)
        self.persistence = persistence
        self.autosave_interval_s = autosave_interval_s
        self.max_inflight_messages = max_inflight_messages
        self.max_queued_messages = max_queued_messages
        self.allow_anonymous = allow_anonymous
        self.extra = extra

    @property
    def host(self) -> str:
        """Where it listens."""
        return LOOPBACK

    @property
    def url(self) -> str:
        """The broker as a URL."""
        return f"mqtt://{self.host}:{self.port}"

    def arguments(self) -> list[str]:
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text("\n".join(self.configuration()) + "\n")
        return ["-c", str(configuration)]

    def configuration(self) -> list[str]:
        """The lines of mosquitto.conf."""
        lines = [
            f"listener {self.port} {LOOPBACK}",
            f"allow_anonymous {_word(self.allow_anonymous)}",
            "log_type all",
            "log_timestamp_format %Y-%m-%dT%H:%M:%S",
            f"persistence {_word(self.persistence)}",
            f"persistence_location {self.folder}/",
        ]
        if os.geteuid() == 0:
            # Otherwise it becomes user mosquitto, who may not write to a test's folder.
            lines.append("user root")
        for key, value in (
            ("autosave_interval", self.autosave_interval_s),
            ("max_inflight_messages", self.max_inflight_messages),
            ("max_queued_messages", self.max_queued_messages),
        ):
            if value is not None:
                lines.append(f"{key} {value}")
        return [*lines, *self.extra.splitlines()]


def _word(switch: bool) -> str:
    return "true" if switch else "false"
