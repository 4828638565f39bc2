"""A few lines of HTTP for asking the servers, with nothing of ours in between."""

import http.client
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from tests.servers.process import LOOPBACK


class RefusedError(Exception):
    """The server answered with an error status."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body}")
        self.status = status
        self.body = body


def request(
    port: int,
    method: str,
    path: str,
    *,
    parameters: Mapping[str, str] | None = None,
    body: bytes | str | object = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
) -> Any:
    """Ask a loopback server and return its answer: JSON decoded, other text as it is, None if it is empty.

    A body that is neither bytes nor text is sent as JSON.

    Raises:
        OSError: nothing answers.
        RefusedError: the status is 400 or higher.

    """
    target = path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
    sent = dict(headers or {})
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
        sent["Content-Type"] = "application/json"
    if isinstance(body, str):
        body = body.encode()
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_s)
    try:
        connection.request(method, target, body=body, headers=sent)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status >= 400:
        raise RefusedError(answer.status, text)
    if "json" in answer.headers.get("Content-Type", ""):
        return json.loads(text)
    return text or None


def answers(port: int, path: str) -> bool:
    """Whether a server answers with success."""
    try:
        request(port, "GET", path, timeout_s=2.0)
    except (OSError, RefusedError, http.client.HTTPException):
        return False
    return True
