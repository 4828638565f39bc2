"""Warnings: each gauge's state, and CAP drafts that a person signs. docs/reports.md."""
