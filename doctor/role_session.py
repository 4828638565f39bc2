"""Whether doctor may connect beside a running role. Pure.

A broker may give the client id by the user name (mosquitto's use_username_as_clientid, which our design asks for). Then whoever
connects as that user takes the running role's session over, whatever client id it names. So doctor connects as that user only
while the role is stopped, or when the broker's configuration shows that it does not do so.
"""

from collections.abc import Mapping

from doctor.checks import Check, Name, warn


def may_connect(running: bool, user: str | None, conf: Mapping[str, str] | None) -> bool:
    """Whether the running role keeps its session when doctor connects as its user."""
    if not running or user is None:
        return True
    return conf is not None and conf.get("use_username_as_clientid", "false").lower() != "true"


def left_alone(role: str, user: str) -> Check:
    """What is said where it may not."""
    return warn(
        Name.MQTT,
        f"not asked: the {role} is connected as {user!r}, and a broker may give the client id by the user name; connecting "
        "beside it would break its connection. What it says of itself is below.",
        f"stop the {role} and ask again, or give the broker's configuration with --broker-conf",
    )
