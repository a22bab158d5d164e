"""Who may ask the Tradovate simulator, and how often: sign-ins, tokens that end, penalty tickets and lock-outs."""

import hashlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from local.simulators.tradovate_time import rfc3339

HOUR: Final = timedelta(hours=1)
TOKEN_LIVES: Final = timedelta(minutes=80)
REQUESTS_PER_HOUR: Final = 5_000
FAILED_SIGN_INS_PER_HOUR: Final = 5
RENEWALS_PER_HOUR: Final = 15
SESSIONS_AT_ONCE: Final = 2
_WANTED: Final = ("name", "password", "appId", "appVersion", "deviceId", "cid", "sec")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSpec:
    """A login with its API key. `status` is Tradovate's userStatus; `withheld` are entities that the key may not read.

    `password_expired` and `organisation` (the number of the server that it was moved to; 0: not moved) are rare.
    """

    username: str
    password: str
    cid: int
    sec: str
    user_id: int
    status: str = "Active"
    password_expired: bool = False
    withheld: frozenset[str] = frozenset()
    organisation: int = 0


class AnswerError(Exception):
    """A request that gets no data: `body` is text, or an object."""

    def __init__(self, status: int, body: str | Mapping[str, object] = "") -> None:
        super().__init__(f"HTTP {status}")
        self.status, self.body = status, body


@dataclass(slots=True, kw_only=True)
class _Token:
    login: LoginSpec
    session: int
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ticket:
    request: str
    from_: datetime


@dataclass(slots=True)
class Gate:
    """Logins, tokens and counts. All times are the simulator's."""

    requests_per_hour: int = REQUESTS_PER_HOUR
    token_lives: timedelta = TOKEN_LIVES
    logins: dict[str, LoginSpec] = field(default_factory=dict)
    issued: list[str] = field(default_factory=list)
    devices: set[tuple[str, str]] = field(default_factory=set)
    """Which login came from which device."""
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _sessions: dict[str, list[int]] = field(default_factory=dict)
    _tickets: dict[str, _Ticket] = field(default_factory=dict)
    _penalties: dict[str, timedelta] = field(default_factory=dict)
    _counts: dict[tuple[str, str], "deque[datetime]"] = field(default_factory=dict)

    def sign_in(self, body: Mapping[str, object], now: datetime) -> Mapping[str, object]:
        """POST /auth/accesstokenrequest. Raises AnswerError."""
        for name in _WANTED:
            if not body.get(name):
                raise AnswerError(200, {"errorText": "Invalid or missed parameters"})
        name = str(body["name"])
        if self._full("failed", name, FAILED_SIGN_INS_PER_HOUR, now):
            raise AnswerError(200, {"p-ticket": "solve-it", "p-time": 3600, "p-captcha": True})
        login = self.logins.get(name)
        if login is None or body["password"] != login.password:
            self._count("failed", name, now)
            told = "Incorrect username or password. Please try again, noting that passwords are case-sensitive."
            raise AnswerError(200, {"errorText": told})
        if (body["cid"], body["sec"]) != (login.cid, login.sec):
            self._count("failed", name, now)
            raise AnswerError(200, {"errorText": "The app is not registered"})
        if login.password_expired:
            raise AnswerError(200, {"errorText": "Your password has expired"})
        if login.status != "Active":
            raise AnswerError(200, {"userStatus": login.status, "errorText": "Login is not allowed"})
        self.devices.add((name, str(body["deviceId"])))
        sessions = self._sessions.setdefault(name, [])
        sessions.append(len(self.issued))
        del sessions[:-SESSIONS_AT_ONCE]
        return self._issue(login, sessions[-1], now)

    def renew(self, token: str, now: datetime) -> Mapping[str, object]:
        """GET /auth/renewaccesstoken: a new token of the same session. Raises AnswerError."""
        held = self._held(token, now)
        if self._full("renewed", held.login.username, RENEWALS_PER_HOUR, now):
            raise AnswerError(200, self._penalise("/auth/renewaccesstoken", timedelta(minutes=1), now))
        self._count("renewed", held.login.username, now)
        return self._issue(held.login, held.session, now)

    def enter(self, token: str, entity: str, now: datetime) -> LoginSpec:
        """The login that a token is of, for reading an entity. Raises AnswerError."""
        login = self._held(token, now).login
        if self._full("asked", login.username, self.requests_per_hour, now):
            raise AnswerError(429)
        self._count("asked", login.username, now)
        if entity in login.withheld:
            raise AnswerError(401, "Access is denied")
        return login

    def end_sessions(self, username: str) -> None:
        """All sessions of a login end, as when it begins two others elsewhere."""
        self._sessions[username] = []

    # --- penalties --------------------------------------------------------------------------------------------------

    def penalise_next(self, path: str, wait: timedelta) -> None:
        """The next request to this path is penalised, and only goes through with its ticket after the wait."""
        self._penalties[path] = wait

    def admit(self, path: str, request: str, ticket: str, now: datetime) -> None:
        """Let a request through. `request` is all of it but the ticket. Raises AnswerError with a penalty."""
        wait = self._penalties.get(path)
        if wait is None:
            return
        known = self._tickets.get(ticket)
        if known is None or known.request != request or now < known.from_:
            raise AnswerError(200, self._penalise(path, wait, now, request))
        del self._tickets[ticket], self._penalties[path]

    def _penalise(self, path: str, wait: timedelta, now: datetime, request: str = "") -> Mapping[str, object]:
        ticket = hashlib.sha256(f"{path}{len(self._tickets)}{now}".encode()).hexdigest()[:32]
        self._tickets[ticket] = _Ticket(request=request, from_=now + wait)
        return {"p-ticket": ticket, "p-time": int(wait.total_seconds())}

    # --- counting and tokens ----------------------------------------------------------------------------------------

    def _full(self, what: str, name: str, most: int, now: datetime) -> bool:
        sent = self._counts.setdefault((what, name), deque())
        while sent and now - sent[0] >= HOUR:
            sent.popleft()
        return len(sent) >= most

    def _count(self, what: str, name: str, now: datetime) -> None:
        self._counts[what, name].append(now)

    def _held(self, token: str, now: datetime) -> _Token:
        held = self._tokens.get(token)
        if held is None or held.session not in self._sessions.get(held.login.username, []):
            raise AnswerError(401, "Access is denied")
        if held.ends <= now:
            raise AnswerError(401, {"errorText": "Expired Access Token"})
        return held

    def _issue(self, login: LoginSpec, session: int, now: datetime) -> Mapping[str, object]:
        secret = hashlib.sha256(f"{login.username}{login.sec}{len(self.issued)}".encode()).hexdigest()
        self.issued.append(secret)
        self._tokens[secret] = _Token(login=login, session=session, ends=now + self.token_lives)
        return {
            "accessToken": secret,
            "mdAccessToken": f"md-{secret}",
            "expirationTime": rfc3339(now + self.token_lives),
            "passwordExpirationTime": rfc3339(now + timedelta(days=90)),
            "userStatus": login.status,
            "userId": login.user_id,
            "name": login.username,
            "hasLive": False,
        }
