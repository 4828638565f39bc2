"""A store that takes everything and keeps nothing: what ingest alone can do. `python benchmarks/store_stub.py PORT`.

Answers writes with 204 and each statement of a query with no series.
"""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            await reader.readexactly(int(fields.get("content-length", 0)))
            url = urlsplit(request.split(" ")[1])
            if url.path.endswith("/query"):
                statements = parse_qs(url.query)["q"][0].count(";") + 1
                body = b'{"results":[' + b",".join([b"{}"] * statements) + b"]}"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            else:
                writer.write(b"HTTP/1.1 204 No Content\r\nX-Influxdb-Version: v2.7.12\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, limit=1 << 20)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
