"""The issuer's server: OpenID Connect's authorization code flow with PKCE, and a login page without passwords.

It does what a real issuer does with a page that keeps no secret (RFC 7636, RFC 9700): the address to come back to is
compared exactly, a code is good once and for a minute, and whoever redeems it shows the verifier of its challenge.
"""

import base64
import hashlib
import html
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import Template
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local.simulators.serving import serve_in_thread
from local.stack.identity import CODE_SECONDS, PAGE_CLIENT, TOKEN_SECONDS, Grant, LocalIssuer, Person

_PAGE = Template(Path(__file__).with_name("login.html").read_text(encoding="utf-8"))
_NO_STORE = {"Cache-Control": "no-store"}


class _RefusedError(Exception):
    """An OAuth error, by its code (RFC 6749)."""


@contextmanager
def served_issuer(people: Sequence[Person] = ()) -> Iterator[LocalIssuer]:
    """An issuer with its login page on a free port of 127.0.0.1, until the `with` block ends."""
    issuer = LocalIssuer(people)
    with serve_in_thread(make_app(issuer)) as server:
        issuer.issuer = server.base_url
        yield issuer


def make_app(issuer: LocalIssuer) -> Starlette:
    """The issuer's app."""
    server = _Server(issuer)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", server.discovery),
            Route("/.well-known/jwks.json", server.keys),
            Route("/authorize", server.login, methods=["GET"]),
            Route("/authorize", server.signed_in, methods=["POST"]),
            Route("/token", server.tokens, methods=["POST"]),
        ],
        middleware=[Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"])],
    )


class _Server:
    def __init__(self, issuer: LocalIssuer) -> None:
        self._issuer = issuer

    async def discovery(self, _request: Request) -> Response:
        """OpenID Connect Discovery 1.0."""
        address = self._issuer.issuer
        return JSONResponse(
            {
                "issuer": address,
                "authorization_endpoint": f"{address}/authorize",
                "token_endpoint": f"{address}/token",
                "jwks_uri": f"{address}/.well-known/jwks.json",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": ["none"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid"],
            }
        )

    async def keys(self, _request: Request) -> Response:
        """The public key."""
        return JSONResponse(self._issuer.keys())

    async def login(self, request: Request) -> Response:
        """The login page, for a request that a login can answer."""
        asked = dict(request.query_params)
        problem = self._problem(asked)
        if problem:
            return HTMLResponse(f"<!doctype html><title>Sign in</title><p>{html.escape(problem)}</p>", 400)
        hidden = "".join(_hidden(name, value) for name, value in asked.items())
        buttons = "".join(_button(person) for person in self._issuer.people.values())
        return HTMLResponse(_PAGE.substitute(hidden=hidden, buttons=buttons), headers=_NO_STORE)

    async def signed_in(self, request: Request) -> Response:
        """Back to the page with a code."""
        asked = await _form(request)
        person = self._issuer.people.get(asked.get("subject", ""))
        if self._problem(asked) or person is None:
            return Response("this login can't be answered", 400)
        code = self._issuer.remember(
            Grant(
                person=person,
                client_id=asked["client_id"],
                redirect_uri=asked["redirect_uri"],
                challenge=asked["code_challenge"],
                nonce=asked.get("nonce", ""),
                expires=time.monotonic() + CODE_SECONDS,
            )
        )
        answer = urlencode({"code": code, "state": asked.get("state", ""), "iss": self._issuer.issuer})
        return RedirectResponse(f"{asked['redirect_uri']}?{answer}", 303, _NO_STORE)

    async def tokens(self, request: Request) -> Response:
        """Tokens for a code or a refresh token."""
        asked = await _form(request)
        try:
            grant = self._redeemed(asked)
        except _RefusedError as error:
            return JSONResponse({"error": str(error)}, 400, _NO_STORE)
        refresh = self._issuer.remember(Grant(person=grant.person, client_id=grant.client_id))
        subject = grant.person.subject
        return JSONResponse(
            {
                "access_token": self._issuer.token(subject, client_id=grant.client_id),
                "id_token": self._issuer.token(subject, aud=grant.client_id, nonce=grant.nonce),
                "refresh_token": refresh,
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
            },
            headers=_NO_STORE,
        )

    def _problem(self, asked: Mapping[str, str]) -> str:
        if asked.get("redirect_uri") not in self._issuer.redirect_uris:
            return "redirect_uri: not an address that this issuer leads back to"
        if asked.get("client_id") != PAGE_CLIENT:
            return "client_id: not a client of this issuer"
        if asked.get("response_type") != "code":
            return "response_type: only 'code' is known"
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return "code_challenge: needed, with the method S256"
        return ""

    def _redeemed(self, asked: Mapping[str, str]) -> Grant:
        names = {"authorization_code": "code", "refresh_token": "refresh_token"}
        if asked.get("grant_type") not in names:
            raise _RefusedError("unsupported_grant_type")
        grant = self._issuer.redeem(asked.get(names[asked["grant_type"]], ""))
        if grant is None or grant.client_id != asked.get("client_id"):
            raise _RefusedError("invalid_grant")
        with_code = asked["grant_type"] == "authorization_code"
        if with_code != bool(grant.challenge):
            raise _RefusedError("invalid_grant")  # a code is no refresh token, nor the other way round
        if with_code and not (
            asked.get("redirect_uri") == grant.redirect_uri
            and secrets.compare_digest(_challenge_of(asked.get("code_verifier", "")), grant.challenge)
        ):
            raise _RefusedError("invalid_grant")
        return grant


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))


def _challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'


def _button(person: Person) -> str:
    subject, about = html.escape(person.subject), html.escape(person.about)
    return f'<button name="subject" value="{subject}"><strong>{subject}</strong><small>{about}</small></button>'
