"""`aryk doctor gateway`: would this gateway's readings arrive, and for how long can it wait? docs/doctor.md."""
