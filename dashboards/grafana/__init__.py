"""Grafana dashboards as code: `python -m dashboards.grafana.build` writes boards/*.json, which Grafana is provisioned with.

Only building needs grafana-foundation-sdk (the `dev` extra); the JSON is committed. docs/decisions has why.
"""

import warnings

# The SDK would rather have schema v2. Every Grafana from 12 on reads v1 from files; 13 turns it into v2 when it loads it.
warnings.filterwarnings("ignore", "Prefer using dashboardv2", DeprecationWarning)
