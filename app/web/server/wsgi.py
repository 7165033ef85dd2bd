"""A WSGI application called as one function, from a complete request to a complete answer."""

import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes

Environ: TypeAlias = dict[str, Any]
Application: TypeAlias = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# "Proxy" would become HTTP_PROXY, which some programs obey (httpoxy.org).
_DROPPED: Final = frozenset({b"content-length", b"transfer-encoding", b"proxy"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def with_body(self, body: bytes) -> "Answer":
        """Return the same answer with *body*; this one has been made by `answer_of`."""
        length = (b"content-length", str(len(body)).encode())
        return Answer(self.status, [*self.headers[:-1], length], body)


def answer_of(status: int, fields: Mapping[str, str], body: bytes) -> Answer:
    """Return an answer with *fields* and, as the last one, the length of *body*."""
    fields = {**fields, "Content-Length": str(len(body))}
    encoded = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    return Answer(int(status), encoded, body)


def environ_of(scope: MutableMapping[str, Any], content: bytes) -> Environ:
    """Return the WSGI environment of the ASGI request *scope* with body *content* (PEP 3333)."""
    client, server = scope["client"] or ("", 0), scope["server"] or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "CONTENT_LENGTH": str(len(content)),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(content),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        if name in _DROPPED:
            continue
        key = "CONTENT_TYPE" if name == b"content-type" else _key(name)
        text = value.decode("latin-1")
        if key in environ:
            text = environ[key] + ("; " if name == b"cookie" else ",") + text
        environ[key] = text
    return environ


def call(app: Application, environ: Environ) -> Answer:
    """Return the answer of *app*. Blocks the calling thread until it is complete."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        started[:] = [(status, headers)]

    parts = app(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    status, headers = started[0]
    return Answer(
        int(status[:3]),
        [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        body,
    )


def _key(name: bytes) -> str:
    return "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
