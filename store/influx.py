"""Writing to InfluxDB 2.7 through influxdb-client's async API, with line protocol and compression of our own."""

from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from store.influx_answers import Answer, read_answer
from store.influx_http import CONNECTIONS, Proof, timeout, transport_error, write_points
from store.points import Points, RefusedPoint
from store.settings import InfluxSettings


class InfluxWriter:
    """A PointWriter through `/api/v2/write`.

    It takes the client's WriteService and not its WriteApiAsync: that one can neither send bytes that are compressed
    already nor tell a 204 from the 200 of something that is no database.
    """

    def __init__(self, settings: InfluxSettings) -> None:
        self._settings = settings
        # Any: the client's own types are half there.
        self._client: Any = None
        self._service: Any = None
        self._proof = Proof(settings)

    async def __aenter__(self) -> Self:
        password = self._settings.password
        client_type: Any = InfluxDBClientAsync
        service_type: Any = WriteService
        self._client = client_type(
            url=self._settings.url,
            token=self._settings.read_token(),
            org=self._settings.org,
            timeout=timeout(self._settings),
            connection_pool_maxsize=CONNECTIONS,
            allow_redirects=False,
            username=self._settings.username,
            password=password.get_secret_value() if password is not None else None,
        )
        self._service = service_type(self._client.api_client)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service = None
        await self._client.close()

    def write(self, points: list[Points]) -> Coroutine[Any, Any, list[RefusedPoint]]:
        """Store these points. See PointWriter."""
        return write_points(points, self._send)

    async def _send(self, body: bytes, lines: Sequence[str]) -> Answer:
        if self._service is None:
            raise RuntimeError("the store is not open: use it inside `async with`")
        try:
            _, status, headers = await self._service.post_write_async(
                org=self._settings.org,
                bucket=self._settings.bucket,
                body=body,
                precision="ms",
                content_encoding="gzip",
                _return_http_data_only=False,
            )
        except ApiException as error:
            return read_answer(error.status or 0, error.headers or {}, error.body or b"", lines, datetime.now(UTC))
        except (aiohttp.ClientError, OSError) as error:
            raise transport_error(error, self._settings.url) from error
        await self._proof.need(status, headers)
        return read_answer(status, headers, b"", lines, datetime.now(UTC))
