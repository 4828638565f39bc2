"""The centre: MQTT source, pipeline, spool, dead letters, writer into the store, receipts, metrics."""
