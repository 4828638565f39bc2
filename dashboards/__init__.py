"""What operators see: the built-in live page, and Grafana, Prometheus and Alertmanager as code."""
