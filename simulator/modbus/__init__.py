"""Modbus from the server's side, as pure functions on bytes: requests taken apart, answers and frames put together."""
