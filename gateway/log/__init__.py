"""The log on disk: the truth of a gateway. Sampler and uplink share nothing but this."""

from gateway.log.file import open_log
from gateway.log.load import LogError, LogFullError
from gateway.log.log import Log
from gateway.log.rows import NewRecord, Row, Scan

__all__ = ["Log", "LogError", "LogFullError", "NewRecord", "Row", "Scan", "open_log"]
