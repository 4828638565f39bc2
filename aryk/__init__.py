"""The one command line over the roles, and the demo that composes them all."""
