"""The page's own files, read once: with an ETag each, packed small, and under a folder named by their content.

What lies under `/static/<digest>/` never changes, so a browser keeps it for a year; a new release has a new digest.
"""

import gzip
import hashlib
import json
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

FOLDER = Path(__file__).parent / "static"
YEAR = "public, max-age=31536000, immutable"
AT_THE_ROOT = ("index.html", "sw.js")
LICENCE = "vendor/uplot.LICENSE.txt"
PACKED_TYPES = ("text/", "application/json", "image/svg+xml")

mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, the same packed (None where that is no shorter), its type and its ETag."""

    body: bytes
    packed: bytes | None
    type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, name: str) -> "Asset":
        """The asset of these bytes; the type comes from the name's ending."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        packed = gzip.compress(body, 9, mtime=0) if kind.startswith(PACKED_TYPES) else None
        if packed is not None and len(packed) >= len(body):
            packed = None
        shown = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
        return cls(body, packed, shown, f'"{hashlib.sha256(body).hexdigest()[:20]}"')


class StaticFiles:
    """Answers for the page's files. `index.html` and `sw.js` are told the digest's folder and what is in it, and the locale."""

    def __init__(self, locale: str = "", folder: Path = FOLDER) -> None:
        raw = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.name.startswith(".")
        }
        digest = hashlib.sha256()
        for name, body in raw.items():
            digest.update(name.encode() + b"\0" + body + b"\0")
        self.root = f"/static/{digest.hexdigest()[:16]}"
        self._prefix = self.root + "/"
        files = [self._prefix + name for name in raw if name not in (*AT_THE_ROOT, LICENCE)]
        put_in = {"static": self.root, "locale": locale, "files": json.dumps(files)}
        for name in AT_THE_ROOT:
            for word, text in put_in.items():
                raw[name] = raw[name].replace(b"{{%s}}" % word.encode(), text.encode())
        self.assets = {name: Asset.of(body, name) for name, body in raw.items()}

    def index(self, request: Request) -> Response:
        """The page."""
        return self._answer(request, self.assets["index.html"], "no-cache")

    def worker(self, request: Request) -> Response:
        """The service worker; it must stand at the root to serve the root."""
        return self._answer(request, self.assets["sw.js"], "no-cache")

    def file(self, request: Request) -> Response:
        """A file by its path; outside this digest's folder there is nothing, so an old page finds out at once."""
        path = request.url.path
        asset = self.assets.get(path.removeprefix(self._prefix)) if path.startswith(self._prefix) else None
        if asset is None:
            return PlainTextResponse("there is no such file here", 404, {"Cache-Control": "no-store"})
        return self._answer(request, asset, YEAR)

    def _answer(self, request: Request, asset: Asset, caching: str) -> Response:
        headers = {"ETag": asset.etag, "Cache-Control": caching}
        if request.headers.get("if-none-match") == asset.etag:
            return Response(status_code=304, headers=headers)
        if asset.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(
                asset.packed, 200, {**headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, asset.type
            )
        return Response(asset.body, 200, headers, asset.type)
