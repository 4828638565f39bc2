"""Stands in for the water: its physics, the devices that a gateway polls, whole fleets, and the ledger of what they sent."""
