"""A real InfluxDB 2.7 on loopback, set up without hands."""

import secrets
import signal
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.servers.http import answers, request
from tests.servers.process import LOOPBACK, ServerProcess

ORG = "aryk"
BUCKET = "aryk"
USER = "aryk"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InfluxBucket:
    """One bucket: where it is, what opens it, and a way to look into it that is none of ours."""

    port: int
    token: str = field(repr=False)
    bucket: str = BUCKET
    org: str = ORG

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{LOOPBACK}:{self.port}"

    def write(self, lines: str | Iterable[str], precision: str = "ms") -> None:
        """Write line protocol.

        Raises:
            RefusedError: the server refused the whole or a part.

        """
        body = lines if isinstance(lines, str) else "\n".join(lines)
        parameters = {"org": self.org, "bucket": self.bucket, "precision": precision}
        self._request("POST", "/api/v2/write", parameters=parameters, body=body)

    def query_influxql(self, query: str) -> list[Row]:
        """Return the rows of all series of all statements, times in milliseconds.

        Each row is its columns, with its series' tags and, as `_measurement`, its series' name.

        Raises:
            RefusedError: the server refused the query.
            AssertionError: the server answered that a statement is wrong.

        """
        # InfluxDB 2 itself maps a database's name to the bucket of that name.
        parameters = {"db": self.bucket, "epoch": "ms", "q": query}
        answer = self._request("POST", "/query", parameters=parameters)
        rows: list[Row] = []
        for result in answer["results"]:
            assert "error" not in result, result["error"]
            for series in result.get("series", ()):
                common = {"_measurement": series["name"], **series.get("tags", {})}
                rows += ({**common, **dict(zip(series["columns"], values, strict=True))} for values in series["values"])
        return rows

    def count(self, measurement: str, column: str = "value") -> int:
        """Count the points of a measurement that have the field, in all series."""
        rows = self.query_influxql(f'SELECT count("{column}") AS points FROM "{measurement}"')
        return int(rows[0]["points"]) if rows else 0

    def _request(self, method: str, path: str, **more: Any) -> Any:
        return request(self.port, method, path, headers={"Authorization": f"Token {self.token}"}, **more)


class InfluxDB(ServerProcess):
    """The database with an organisation, a first bucket and a token; url, token, org and bucket say how to reach it.

    `options` go to influxd as they stand, such as `--storage-wal-max-write-delay=1s`.
    """

    program: ClassVar[str] = "influxd"
    # SIGTERM ends influxd 2.7 on the spot: its code watches for os.Interrupt alone.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(self, folder: Path, port: int | None = None, *, options: Sequence[str] = ()) -> None:
        super().__init__(folder, port)
        self.options = tuple(options)
        self.token = secrets.token_urlsafe(24)
        self.first_bucket = InfluxBucket(self.port, self.token)
        self._is_set_up = False

    @property
    def url(self) -> str:
        """The server's address."""
        return self.first_bucket.url

    @property
    def org(self) -> str:
        """The organisation."""
        return self.first_bucket.org

    @property
    def bucket(self) -> str:
        """The first bucket's name."""
        return self.first_bucket.bucket

    def arguments(self) -> list[str]:
        return [
            f"--bolt-path={self.folder / 'influxd.bolt'}",
            f"--sqlite-path={self.folder / 'influxd.sqlite'}",
            f"--engine-path={self.folder / 'engine'}",
            f"--http-bind-address={LOOPBACK}:{self.port}",
            "--reporting-disabled",
            *self.options,
        ]

    def ready(self) -> bool:
        return answers(self.port, "/health")

    def start(self) -> None:
        super().start()
        if not self._is_set_up:
            self._set_up()

    def write(self, lines: str | Iterable[str], precision: str = "ms") -> None:
        """Write line protocol into the first bucket (see InfluxBucket)."""
        self.first_bucket.write(lines, precision)

    def query_influxql(self, query: str) -> list[Row]:
        """Query the first bucket (see InfluxBucket)."""
        return self.first_bucket.query_influxql(query)

    def count(self, measurement: str, column: str = "value") -> int:
        """Count points in the first bucket (see InfluxBucket)."""
        return self.first_bucket.count(measurement, column)

    def create_bucket(self, name: str, retention_s: int = 0) -> InfluxBucket:
        """Create a bucket; the server takes a retention of an hour or more, and 0 for ever."""
        rules = [{"type": "expire", "everySeconds": retention_s}] if retention_s else []
        self._request("POST", "/api/v2/buckets", body={"orgID": self._org_id, "name": name, "retentionRules": rules})
        return InfluxBucket(self.port, self.token, name)

    def _set_up(self) -> None:
        body = {"username": USER, "password": secrets.token_urlsafe(12), "org": ORG, "bucket": BUCKET}
        answer = request(self.port, "POST", "/api/v2/setup", body={**body, "token": self.token})
        self._org_id = answer["org"]["id"]
        self._is_set_up = True

    def _request(self, method: str, path: str, **more: Any) -> Any:
        return request(self.port, method, path, headers={"Authorization": f"Token {self.token}"}, **more)
