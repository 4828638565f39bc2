"""Physical constants that more than one module needs."""

G = 9.80665
"""Standard gravity, m/s2. Textbook examples use 9.81; every law takes `g` so that they can be reproduced."""

RHO_FRESH_KG_M3 = 1000.0
"""Density of fresh water for power, kg/m3. Levels from pressure use `sensors.water_density_kg_m3`."""

ZERO_CELSIUS_K = 273.15
