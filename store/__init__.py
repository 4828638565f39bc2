"""Series names, line protocol, readers and writers for InfluxDB and for the embedded SQLite store."""
