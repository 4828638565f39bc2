"""Who is told of a warning: Alertmanager's configuration, and a receiver that prints."""
