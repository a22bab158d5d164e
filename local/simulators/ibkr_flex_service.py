"""The Flex Web Service of the simulator: tokens, queries, rates, reference codes and days, as strict as IBKR's."""

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from local.simulators.ibkr_flex_calendar import is_business_day
from local.simulators.ibkr_flex_world import Login, QuerySpec, World
from local.simulators.ibkr_flex_xml import StatementWriter, envelope

MESSAGES: Final = {
    "1001": "Statement could not be generated at this time. Please try again shortly.",
    "1003": "Statement is not available.",
    "1011": "Service account is inactive.",
    "1012": "Token has expired.",
    "1013": "IP restriction.",
    "1014": "Query is invalid.",
    "1015": "Token is invalid.",
    "1017": "Reference code is invalid.",
    "1018": "Too many requests have been made from this token. Please try again shortly.",
    "1019": "Statement generation in progress. Please try again shortly.",
    "1020": "Invalid request or unable to validate request.",
}
LIMITS: Final = ((1, timedelta(seconds=1)), (10, timedelta(seconds=60)))
REFERENCE_LIFE: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=365)


class RefusedError(Exception):
    """The service answers with an error code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True, kw_only=True)
class Reference:
    """A statement that was asked for."""

    token: str
    query: QuerySpec
    first: date
    last: date
    asked: datetime
    polls: int = 0


class FlexService:
    """SendRequest and GetStatement. Every answer is a body; HTTP's status is 200 even for errors."""

    def __init__(self, world: World, *, limits: tuple[tuple[int, timedelta], ...] = LIMITS) -> None:
        self._world = world
        self._limits = limits
        self._sent: dict[str, deque[datetime]] = {}
        self._references: dict[str, Reference] = {}
        self._rng = random.Random("references")  # noqa: S311 (a simulation, no secret)

    def send_request(self, params: Mapping[str, str], address: str, statement_url: str) -> str:
        """A reference code, or an error envelope."""
        now = self._world.clock.now()
        try:
            code = self._accept(params, address, now)
        except RefusedError as refused:
            return _error(now, refused.code)
        return envelope(now, Status="Success", ReferenceCode=code, Url=statement_url)

    def get_statement(self, params: Mapping[str, str], address: str) -> str:
        """A statement, or an error envelope; 1019 is a warning."""
        now = self._world.clock.now()
        try:
            login, asked = self._look_up(params, address, now)
        except RefusedError as refused:
            return _error(now, refused.code)
        if asked.query.csv:
            return '"ClientAccountID","Symbol","Quantity"\n"U1","AAPL","1"\n'
        writer = StatementWriter(asked.query, now, self._world.built)
        return writer.statement(login.books_of(asked.query), asked.first, asked.last)

    def _accept(self, params: Mapping[str, str], address: str, now: datetime) -> str:
        login = self._login(params, address, now)
        query = login.query(params.get("q", ""))
        if query is None:
            raise RefusedError("1014")
        first, last = self._days(params, login, query)
        code = str(self._rng.randrange(10**9, 10**10))
        self._references[code] = Reference(token=login.spec.token, query=query, first=first, last=last, asked=now)
        return code

    def _look_up(self, params: Mapping[str, str], address: str, now: datetime) -> tuple[Login, Reference]:
        login = self._login(params, address, now)
        asked = self._references.get(params.get("q", ""))
        if asked is None or asked.token != login.spec.token or now - asked.asked > REFERENCE_LIFE:
            raise RefusedError("1017")
        asked.polls += 1
        waited = (now - asked.asked).total_seconds()
        if asked.polls <= login.spec.polls or waited < login.spec.ready_after:
            raise RefusedError("1019")
        return login, asked

    def _login(self, params: Mapping[str, str], address: str, now: datetime) -> Login:
        """Check version, rate and token, in this order. Raises RefusedError."""
        token = params.get("t", "")
        if params.get("v") != "3":
            raise RefusedError("1001")
        self._count(token, now)
        login = self._world.logins.get(token)
        if login is None:
            raise RefusedError("1015")
        if not login.spec.active:
            raise RefusedError("1011")
        if login.spec.expires is not None and login.spec.expires <= now:
            raise RefusedError("1012")
        if login.spec.allowed_ip and login.spec.allowed_ip != address:
            raise RefusedError("1013")
        return login

    def _count(self, token: str, now: datetime) -> None:
        sent = self._sent.setdefault(token, deque())
        longest = max((length for _, length in self._limits), default=timedelta(0))
        while sent and now - sent[0] >= longest:
            sent.popleft()
        for count, length in self._limits:
            if sum(now - one < length for one in sent) >= count:
                raise RefusedError("1018")
        sent.append(now)

    def _days(self, params: Mapping[str, str], login: Login, query: QuerySpec) -> tuple[date, date]:
        """The days that are asked for: by the override, else the last business day. Raises RefusedError."""
        built = self._world.built
        if query.kind == "TCF":
            today = self._world.today
            return today, today
        if "fd" not in params and "td" not in params:
            return built, built
        try:
            first, last = date.fromisoformat(params["fd"]), date.fromisoformat(params["td"])
        except (KeyError, ValueError):
            raise RefusedError("1020") from None
        if first > last or last - first >= _LONGEST:
            raise RefusedError("1020")
        opened = min((book.opened for book in login.books_of(query)), default=date.max)
        if last > built or not is_business_day(last) or last < opened:
            raise RefusedError("1003")
        return first, last


def _error(now: datetime, code: str) -> str:
    status = "Warn" if code == "1019" else "Fail"
    return envelope(now, Status=status, ErrorCode=code, ErrorMessage=MESSAGES[code])
