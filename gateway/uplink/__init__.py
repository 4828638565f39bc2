"""Sends what is logged and takes in receipts and commands. It shares nothing with the sampler but the log."""
