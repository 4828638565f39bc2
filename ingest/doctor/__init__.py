"""`aryk doctor ingest`: would readings get from the broker into the store, and for how long can they wait? docs/doctor.md."""
