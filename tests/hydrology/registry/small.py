"""A small registry as a folder: a head station with a gate, a turnout, one canal, one user."""

from pathlib import Path

DISTRICTS = """\
[districts.north]
name = "North"
timezone = "Asia/Almaty"

[[gateways]]
id = "gw-1"
district = "north"
"""

CANALS = """\
[[canals]]
id = "main"
name = "Main canal"
district = "north"

[[canals.reaches]]
id = "r1"
head = "head"
length_km = 4.0
turnouts = ["out"]
"""

USERS = """\
[[users]]
id = "birlik"
name = "Birlik"
district = "north"
turnouts = ["out"]

[[users.limits]]
year = 2026
volume_hm3 = 12.0

[[users.plans]]
year = 2026
apr = [0.0, 0.5, 1.0]
"""

HEAD = """\
id = "head"
name = "Head gate"
district = "north"

[[sensors]]
id = "head-level"
gateway = "gw-1"
quantity = "level"
unit = "m"

[[sensors]]
id = "head-opening"
gateway = "gw-1"
quantity = "gate_opening"
unit = "m"

[[ratings]]
effective_from = 2026-04-01
opening = "head-opening"
structure = { kind = "sluice_gate", width_m = 2.0, free_outfall = true }
"""

OUT = """\
id = "out"
name = "Turnout"
district = "north"

[[sensors]]
id = "out-level"
gateway = "gw-1"
quantity = "level"
unit = "m"

[[ratings]]
effective_from = 2026-04-01
structure = { kind = "parshall_flume", size = "9in" }
"""

FILES = {
    "districts.toml": DISTRICTS,
    "canals.toml": CANALS,
    "users.toml": USERS,
    "stations/head.toml": HEAD,
    "stations/out.toml": OUT,
}


def write(root: Path, **changed: str) -> Path:
    """The folder; `changed` gives other texts by the file's stem, "" for none of it."""
    folder = root / "registry"
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        said = changed.get(file.stem, text)
        if said:
            file.write_text(said, encoding="utf-8")
    return folder
