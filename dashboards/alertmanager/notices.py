"""A webhook that prints what Alertmanager sends, one line an alert, until there are better receivers.

python -m dashboards.alertmanager.notices --host 127.0.0.1 --port 9095
"""

import argparse
import json
import logging
import signal
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

from pydantic import BaseModel, ValidationError

log = logging.getLogger("notices")

# Alertmanager sends a group at once; a district's worth of alerts is far below this.
MAX_BODY_BYTES = 4_000_000


class Alert(BaseModel):
    """What is shown of an alert; Alertmanager sends more."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}


class Notification(BaseModel):
    """What Alertmanager posts, its webhook's version 4."""

    alerts: list[Alert]


def lines(notification: Notification, to: str) -> Iterator[str]:
    """One line an alert: whom it is for, whether it fires, its name, its sentence, and the page that says what to do."""
    for alert in notification.alerts:
        name = alert.labels.get("alertname", "(no name)")
        said = alert.annotations.get("summary", "")
        page = alert.annotations.get("runbook_url", "")
        yield " | ".join(_one_line(part) for part in (to, alert.status.upper(), name, said, page) if part)


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Nobody may hold a thread for ever.
    timeout = 30

    def do_GET(self) -> None:  # the base class's name
        """Answer a health check."""
        self._answer(200 if self.path == "/healthz" else 404)

    def do_POST(self) -> None:  # the base class's name
        """Print a notification; the path's last part says whom it is for."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._answer(413 if length.isdecimal() else 411)
            return
        try:
            notification = Notification.model_validate_json(self.rfile.read(int(length)))
        except ValidationError as error:
            log.warning("not a notification of Alertmanager: %s", json.dumps(str(error)[:300]))
            self._answer(400)
            return
        for line in lines(notification, _one_line(self.path.rsplit("/", 1)[-1][:40])):
            log.info("%s", line)
        self._answer(200)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        """The lines above are the log."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class NoticesServer(ThreadingHTTPServer):
    """Listens from its construction on; port 0 takes a free one."""

    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Handler)


def main(arguments: list[str]) -> None:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboards.alertmanager.notices", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9095)
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with NoticesServer(chosen.host, chosen.port) as server:
        log.info("listening on %s port %d", chosen.host, server.server_port)
        server.serve_forever(poll_interval=0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
