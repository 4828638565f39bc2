"""The options with which a command is told its store; `store.word` makes the settings of them."""

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    str | None,
    typer.Option("--store", help="a file for the embedded store, or InfluxDB's URL; else the state folder's"),
]
GivenStore = Annotated[str, typer.Option("--store", help="a file for the embedded store, or the URL of InfluxDB")]
"""Where there is no other store to take."""
Bucket = Annotated[str, typer.Option("--bucket", help="InfluxDB's bucket")]
Org = Annotated[str, typer.Option("--org", help="InfluxDB's organisation")]
Token = Annotated[str | None, typer.Option(envvar="ARYK_STORE_TOKEN", help="InfluxDB's token, better so than here")]
TokenFile = Annotated[Path | None, typer.Option("--token-file", help="file with InfluxDB's token")]
State = Annotated[Path, typer.Option("--state", envvar="ARYK_STATE", help="state folder, where the embedded store is")]
