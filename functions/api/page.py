"""The page's files and the headers they are served with. What it has to know of the sign-in is one of the files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

_STATIC = Path(__file__).parent / "static"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
SIGN_IN = "sign-in.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Where the page signs its reader in: an OpenID issuer, and the page's public client there.

    `origins` are those that the page may fetch from besides the issuer's own, where an issuer has its tokens elsewhere.
    """

    issuer: str
    client_id: str
    scope: str
    origins: tuple[str, ...] = ()


class File(NamedTuple):
    """A file as it is served."""

    body: str
    content_type: str
    etag: str


class PageFiles:
    """The files by name. Only these names are served: no path of a request reaches the disk."""

    def __init__(self, sign_in: SignIn) -> None:
        bodies = {path.name: path.read_text(encoding="utf-8") for path in sorted(_STATIC.iterdir())}
        asks = {"issuer": sign_in.issuer, "client_id": sign_in.client_id, "scope": sign_in.scope}
        bodies[SIGN_IN] = json.dumps(asks)
        self._files = {name: _file(name, body) for name, body in bodies.items()}
        self.headers = _headers(sign_in)

    def get(self, name: str) -> File | None:
        """The file of that name, if there is one."""
        return self._files.get(name)


def _file(name: str, body: str) -> File:
    return File(body, _CONTENT_TYPES[Path(name).suffix], f'"{sha256(body.encode()).hexdigest()[:16]}"')


def _headers(sign_in: SignIn) -> Mapping[str, str]:
    parts = urlsplit(sign_in.issuer)
    fetches = " ".join(dict.fromkeys((f"{parts.scheme}://{parts.netloc}", *sign_in.origins)))
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' {fetches}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
