"""The files that a configuration names: a secret, a certificate, a key."""

from pathlib import Path

from settings.errors import Fault, SettingsError


def check_readable(**files: Path | None) -> None:
    """Raises SettingsError that names each file that cannot be read, by its key: `__` stands for the dot of a table."""
    faults = []
    for name, path in files.items():
        try:
            if path is not None:
                with path.open("rb") as file:
                    file.read(1)
        except OSError as error:
            problem = f"cannot be read: {error.strerror or error}"
            faults.append(
                Fault(None, name.replace("__", "."), problem, "check the path, and who may read it", str(path))
            )
    if faults:
        raise SettingsError(faults[0].path, faults)
