"""python -m wire.schema: bring the files up to date."""

from wire.schema import write

for path in write():
    print(f"written: {path}")  # noqa: T201  # a developer's tool
