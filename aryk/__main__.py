"""python -m aryk."""

from aryk.cli import main

main()
