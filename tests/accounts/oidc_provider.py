"""An OpenID Connect provider on the loopback whose answers a test controls."""

import base64
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from ssl import SSLContext
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import Key, generate_key
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from app.accounts.oidc_settings import OidcSettings

# A body that drips so slowly must be given up; otherwise it would be accepted in the end.
DRIP_S = 0.1
CLIENT_ID, CLIENT_SECRET = "threadlink", "s3cret:of/ours"
KEY = generate_key("RSA", 2048, {"kid": "one", "use": "sig"})


@dataclass
class Provider:
    """A provider with right answers, which a test may replace; *asked* has the requests."""

    issuer: str
    now: datetime
    key: Key = field(default_factory=lambda: KEY)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    # Added to what is right; None takes a claim out.
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    published: list[Key] = field(default_factory=lambda: [KEY])
    # Makes the ID Token of the claims, where the right way will not do.
    encode: Callable[[dict[str, Any]], Any] | None = None
    # Answers instead, by path.
    instead: dict[str, Callable[[], Response]] = field(default_factory=dict)
    # Is right, but late: "silent" until all is over, or "dripping", by path.
    slow: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    questions: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    exchanged: list[Mapping[str, str]] = field(default_factory=list)
    access_token: str = "at"
    token_type: str = "Bearer"
    # What it has handed out for codes, as its answers held it.
    tokens: list[Mapping[str, Any]] = field(default_factory=list)
    nonce: str = ""

    def settings(self) -> OidcSettings:
        """Return the settings of our client there."""
        return OidcSettings(
            name="stub",
            label="Stub",
            issuer=self.issuer,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
        )

    def answer(self, request: Request) -> Response:
        self.asked.append(request.path)
        self.questions.release()
        if request.path in self.instead:
            return self.instead[request.path]()
        right = self._right_answer(request)
        match self.slow.get(request.path):
            case "silent":
                self.over.wait()
            case "dripping":
                right.response = self._dripped(right.get_data())
        return right

    def _dripped(self, body: bytes) -> Iterator[bytes]:
        for i in range(len(body)):
            self.over.wait(DRIP_S)
            yield body[i : i + 1]

    def _right_answer(self, request: Request) -> Response:
        match request.path:
            case "/.well-known/openid-configuration":
                return _json(self._configuration())
            case "/jwks":
                return _json({"keys": [key.as_dict(private=False) for key in self.published]})
            case "/token":
                self.exchanged.append({**request.form, **_basic(request)})
                self.tokens.append(
                    {
                        "access_token": self.access_token,
                        "token_type": self.token_type,
                        "id_token": self._id_token(),
                    }
                )
                return _json(self.tokens[-1])
            case "/authorize":
                # Whoever comes is u-1, and may look around before going back.
                back = f"{request.args['redirect_uri']}?{urlencode(self.sends_back(request.url))}"
                icon, link = (
                    '<link rel="icon" href="data:,">',
                    f'<a href="{escape(back)}">Go on</a>',
                )
                page = f"<!doctype html><title>Stub</title>{icon}<main>{link}</main>"
                return Response(page, mimetype="text/html")
            case "/userinfo" if request.headers["Authorization"] == f"Bearer {self.access_token}":
                return _json({"sub": "u-1", **self.userinfo})
            case _:
                return Response(status=404)

    def sends_back(self, url: str) -> dict[str, str]:
        """Return what a browser that was sent to *url* comes back with."""
        asked = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
        self.nonce = asked["nonce"]
        return {"code": "c0de", "state": asked["state"], "iss": self.issuer}

    def _configuration(self) -> dict[str, Any]:
        there = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        }
        return _changed(there, self.metadata)

    def _id_token(self) -> Any:
        at = int(self.now.timestamp())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "u-1",
            "nonce": self.nonce,
            "iat": at,
            "exp": at + 300,
            "auth_time": at,
            "email": "jane@example.com",
            "email_verified": True,
        }
        claims = _changed(claims, self.claims)
        return self.encode(claims) if self.encode else jwt.encode(self.header, claims, self.key)


@contextmanager
def providing(now: datetime, tls: SSLContext | None = None) -> Iterator[Provider]:
    """Yield a provider that answers at its issuer's address."""
    provider = Provider("", now)
    application = Request.application(provider.answer)
    server = make_server("127.0.0.1", 0, application, threaded=True, ssl_context=tls)
    provider.issuer = f"{'https' if tls else 'http'}://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        provider.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _changed(right: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def _basic(request: Request) -> dict[str, str]:
    scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
    return {"basic": base64.b64decode(pair).decode()} if scheme == "Basic" else {}


def _json(body: object) -> Response:
    return Response(json.dumps(body), mimetype="application/json")
