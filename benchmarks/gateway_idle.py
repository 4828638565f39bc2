"""What a gateway costs while it works: CPU and memory of `aryk gateway run` over emulated devices. No test: a look.

.venv/bin/python -m benchmarks.gateway_idle --seconds 30 --interval 1s
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from simulator.toml_text import toml_text
from tests.gateway.drivers.responder import Responder, tcp_device
from tests.servers.mosquitto import Mosquitto
from tests.servers.process import free_port

DEVICES, SENSORS = 3, 5


def usage(pid: int) -> tuple[float, int]:
    """CPU seconds used and resident bytes."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    rss = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK"), rss


async def measure(folder: Path, seconds: float, interval: str, *, broker_up: bool) -> None:
    async with tcp_device(Responder()) as port:
        with Mosquitto(folder / "mosquitto") as broker:
            sensors = [{"quantity": "level", "register": at} for at in range(SENSORS)]
            document = {
                "id": "gw-1",
                "district": "north",
                "broker": {"port": broker.port if broker_up else free_port()},
                "devices": [
                    {
                        "id": f"d{number}",
                        "protocol": "modbus-tcp",
                        "host": "127.0.0.1",
                        "port": port,
                        "unit_id": number,
                        "interval": interval,
                        "sensors": [{"id": f"d{number}-{at}", **sensor} for at, sensor in enumerate(sensors)],
                    }
                    for number in range(1, DEVICES + 1)
                ],
            }
            config = folder / "gateway.toml"
            config.write_text(toml_text(document))
            process = await asyncio.create_subprocess_exec(
                *(
                    sys.executable,
                    "-m",
                    "aryk",
                    "gateway",
                    "run",
                    "--config",
                    str(config),
                    "--state",
                    str(folder / "state"),
                ),
                stderr=asyncio.subprocess.DEVNULL,
            )
            await asyncio.sleep(5)
            before, _ = usage(process.pid)
            await asyncio.sleep(seconds)
            after, rss = usage(process.pid)
            process.terminate()
            await process.wait()
            log = folder / "state" / "gateway" / "gw-1" / "log.sqlite"
            print(
                f"{DEVICES} devices x {SENSORS} sensors every {interval}, broker {'up' if broker_up else 'down'}: "
                f"{100 * (after - before) / seconds:.2f} % CPU, {rss / 2**20:.0f} MB resident, log {log.stat().st_size} bytes"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--interval", default="1s")
    arguments = parser.parse_args()
    for broker_up in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measure(Path(folder), arguments.seconds, arguments.interval, broker_up=broker_up))


if __name__ == "__main__":
    main()
