"""A real InfluxDB 1.x on loopback, for the v1 API: ARYK_INFLUXD1, `influxd-1` on PATH, or in the cache of servers."""

from pathlib import Path
from typing import ClassVar

from tests.servers.http import answers, request
from tests.servers.process import LOOPBACK, ServerProcess, free_port


class Influx1(ServerProcess):
    """InfluxDB 1.x; databases are made by `create_database`."""

    program: ClassVar[str] = "influxd1"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.rpc_port = free_port()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def arguments(self) -> list[str]:
        config = self.folder / "influxdb.conf"
        config.write_text(
            f"""
            reporting-disabled = true
            bind-address = "{LOOPBACK}:{self.rpc_port}"
            [meta]
            dir = "{self.folder}/meta"
            [data]
            dir = "{self.folder}/data"
            wal-dir = "{self.folder}/wal"
            [http]
            bind-address = "{LOOPBACK}:{self.port}"
            """
        )
        return ["-config", str(config)]

    def ready(self) -> bool:
        return answers(self.port, "/query?q=SHOW+DATABASES")

    def create_database(self, name: str, duration: str = "INF") -> None:
        request(self.port, "POST", "/query", parameters={"q": f'CREATE DATABASE "{name}" WITH DURATION {duration}'})
