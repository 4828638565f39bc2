"""The small HTTP page of a role: /healthz, /readyz and /metrics, on loopback unless told otherwise."""

from health.server import HealthServer, HealthSettings

__all__ = ["HealthServer", "HealthSettings"]
