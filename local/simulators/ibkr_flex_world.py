"""The IBKR simulator's world: logins with tokens and queries, and their accounts, whose days are made from a seed."""

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final, Literal

from local.simulators.ibkr_flex_book import Book
from local.simulators.ibkr_flex_calendar import (
    NEW_YORK,
    SimulatedClock,
    built_through,
    business_days,
    nanoseconds,
)
from local.simulators.ibkr_flex_trader import Numbers, Trader
from local.simulators.ibkr_flex_truth import truth_of

AHEAD: Final = 30
"""How many days after the past's end are made in advance; statements tell them as the clock reaches them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """An account with about so many executions over the past `days`, the same for the same seed and end.

    It goes on at that pace. `blank` never does anything.
    """

    account: str
    seed: int = 7
    executions: int = 500
    days: int = 90
    base: str = "USD"
    alias: str = ""
    blank: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySpec:
    """A saved Flex query. `omit` are attributes that it doesn't select, by element; `omit_sections` whole sections.

    `sums` adds what tells the same things once more: orders, symbol summaries, lots, sums of cash. `formats` are those
    of date, separator and time. No `accounts` means all of the login.
    """

    id: str
    kind: Literal["AF", "TCF"] = "AF"
    accounts: tuple[str, ...] = ()
    omit: Mapping[str, frozenset[str]] = field(default_factory=dict)
    omit_sections: frozenset[str] = frozenset()
    sums: bool = True
    formats: tuple[str, str, str] = ("%Y%m%d", ";", "%H%M%S")
    csv: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSpec:
    """A login: its token, what that is worth, and its accounts and queries.

    GetStatement answers 1019 the first `polls` times, and until `ready_after` seconds have passed.
    """

    token: str
    accounts: tuple[AccountSpec, ...]
    queries: tuple[QuerySpec, ...]
    polls: int = 1
    ready_after: float = 0.0
    active: bool = True
    expires: datetime | None = None
    allowed_ip: str = ""


@dataclass(slots=True, kw_only=True)
class Login:
    """A login with its accounts' books."""

    spec: LoginSpec
    books: Mapping[str, Book]

    def query(self, query_id: str) -> QuerySpec | None:
        """Its query of that id."""
        return next((query for query in self.spec.queries if query.id == query_id), None)

    def books_of(self, query: QuerySpec) -> list[Book]:
        """The accounts that a query covers."""
        return [book for number, book in self.books.items() if not query.accounts or number in query.accounts]


class World:
    """All logins, by their tokens. Pasts end at the clock's time when the world is made."""

    def __init__(self, logins: Sequence[LoginSpec], clock: SimulatedClock | None = None) -> None:
        self.clock = clock or SimulatedClock()
        self.lock = threading.Lock()
        self._numbers = Numbers(random.Random("ibkr"))  # noqa: S311 (a simulation, no secret)
        today = self.today
        self.logins = {
            spec.token: Login(spec=spec, books={one.account: self._book(one, today) for one in spec.accounts})
            for spec in logins
        }

    @property
    def today(self) -> date:
        """The day in New York."""
        return self.clock.now().astimezone(NEW_YORK).date()

    @property
    def built(self) -> date:
        """The newest day whose statement is built."""
        return built_through(self.clock.now())

    def truth(self, query: Mapping[str, str]) -> object:
        """What a ledger should hold by what is built now: of `account` (default all), since `since` (a date there)."""
        since = date.fromisoformat(query["since"]) if query.get("since") else date(1970, 1, 2)
        since_ns = nanoseconds(datetime(since.year, since.month, since.day))  # noqa: DTZ001 (placed by nanoseconds)
        built = self.built
        books = [book for login in self.logins.values() for book in login.books.values()]
        return {
            "built": built.isoformat(),
            "accounts": [
                truth_of(book, built, since_ns) for book in books if query.get("account") in (None, "", book.account)
            ],
        }

    def _book(self, spec: AccountSpec, today: date) -> Book:
        opened = today - timedelta(days=spec.days)
        book = Book(account=spec.account, base=spec.base, opened=opened, alias=spec.alias)
        if spec.blank:
            return book
        trader = Trader(book, self._numbers, random.Random(f"{spec.seed}:{spec.account}"))  # noqa: S311 (a simulation)
        past = max(len(business_days(opened, today)), 1)
        done = 0
        for number, day in enumerate(business_days(opened, today + timedelta(days=AHEAD)), start=1):
            due = spec.executions * number // past
            trader.live(day, due - done)
            done = due
        return book
