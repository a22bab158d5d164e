"""The SnapTrade simulator's world: keys and users, their connections to institutions, and what SnapTrade has loaded.

An institution's account lives by itself. SnapTrade shows it under each connection as another account, loads its
transactions once a day up to the day before, and gives each an id of its own making, which may change.
"""

import random
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from brokersync.domain.money import plain
from local.simulators.snaptrade_book import NEW_YORK, Book, Event
from local.simulators.snaptrade_trader import Trader

DAY = timedelta(days=1)
_LOADED_AT = time(9)  # UTC: each day's load, after New York's day has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """What an account shall be like: so many executions over `days`, the same for the same seed and end.

    A Personal key has no user. `blank` has no activity at all; `days_only` tells days without times. `institution_id`
    is what stays when the account is connected anew; empty where the institution tells none.
    """

    client_id: str
    consumer_key: str
    user_id: str = ""
    user_secret: str = ""
    institution: str = "ROBINHOOD"
    institution_id: str = "54953432"
    number: str = "Q6542138443"
    seed: int = 7
    executions: int = 500
    days: int = 90
    blank: bool = False
    days_only: bool = False

    @property
    def identity(self) -> str:
        """What names the account wherever it is shown."""
        return f"{self.institution}:{self.institution_id or self.number}"


@dataclass(frozen=True, slots=True)
class Key:
    """Who asks: a client, and for a Commercial key its user."""

    client_id: str
    user_id: str


@dataclass(slots=True, kw_only=True)
class Connection:
    """A login at an institution. `disabled` since then: what it loaded before is all that it has."""

    id: str
    institution: str
    created: datetime
    disabled: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Account:
    """An institution's account as one connection shows it. `ids` are made when an activity is loaded first."""

    id: str
    key: Key
    connection: Connection
    book: Book
    created: datetime
    ready: datetime
    """When its history is loaded for the first time."""
    by_hand: datetime | None = None
    """When it was loaded by hand, with everything until then."""
    ids: dict[int, str] = field(default_factory=dict)


class World:
    """Everything. Hold `lock` while looking at it: requests come from several threads."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.consumer_keys: dict[str, str] = {}
        self.user_secrets: dict[Key, str] = {}
        self.books: dict[str, Book] = {}
        self.traders: dict[str, Trader] = {}
        self.accounts: list[Account] = []
        self._rng = random.Random(4)  # noqa: S311 (a simulation, no secret)

    # --- making -----------------------------------------------------------------------------------------------------

    def open_account(self, spec: AccountSpec, end: datetime | None = None) -> Account:
        """Make an account with its past, and connect it. Raises ValueError where its key has other secrets."""
        with self.lock:
            end = end or self.clock()
            key = Key(spec.client_id, spec.user_id)
            known = self.consumer_keys.setdefault(spec.client_id, spec.consumer_key)
            if known != spec.consumer_key or self.user_secrets.setdefault(key, spec.user_secret) != spec.user_secret:
                raise ValueError(f"client {spec.client_id} or its user {spec.user_id} has other secrets")
            if spec.identity not in self.books:
                self._live(spec, end)
            return self.connect(key, spec.identity, since=end - timedelta(days=spec.days))

    def connect(self, key: Key, identity: str, *, since: datetime | None = None, loads_for: float = 0) -> Account:
        """Connect an institution's account: a new connection, a new account, new ids. It loads for so many seconds."""
        with self.lock:
            book, now = self.books[identity], since or self.clock()
            connection = Connection(id=self._uuid(), institution=book.institution, created=now)
            made = Account(
                id=self._uuid(),
                key=key,
                connection=connection,
                book=book,
                created=now,
                ready=now + timedelta(seconds=loads_for),
            )
            self.accounts.append(made)
            return made

    def relink(self, identity: str, *, loads_for: float = 0) -> Account:
        """The trader connects anew instead of repairing: the old connection is left disabled, every id is another."""
        with self.lock:
            old = self.shown(identity)
            self.disable(identity)
            made = self.connect(old.key, identity, loads_for=loads_for)
            made.by_hand = old.by_hand
            return made

    def disable(self, identity: str) -> None:
        """An account's connection breaks: it goes on answering, with what it had."""
        with self.lock:
            connection = self.shown(identity).connection
            connection.disabled = connection.disabled or self.clock()

    def enable(self, identity: str) -> None:
        """The trader repairs the connection (reconnect=...): everything stays as it was."""
        with self.lock:
            self.shown(identity).connection.disabled = None

    def remove(self, identity: str) -> None:
        """The trader deletes the connection at SnapTrade."""
        with self.lock:
            self.accounts.remove(self.shown(identity))

    def reissue(self, identity: str) -> None:
        """SnapTrade reads the institution's history again: each activity gets another id."""
        with self.lock:
            self.shown(identity).ids.clear()

    def _live(self, spec: AccountSpec, end: datetime) -> None:
        book = Book(
            institution=spec.institution,
            institution_account_id=spec.institution_id,
            number=spec.number,
            opened=end - timedelta(days=spec.days),
            rng=random.Random(f"{spec.seed}:{spec.identity}"),  # noqa: S311 (a simulation, no secret)
            days_only=spec.days_only,
        )
        trader = Trader(book)
        self.books[spec.identity], self.traders[spec.identity] = book, trader
        if spec.blank:
            return
        trader.begin(book.opened + timedelta(minutes=5))
        now, left, until = book.opened + timedelta(minutes=5), spec.executions, _midnight(end) - timedelta(hours=5)
        while left > 0:
            now += (until - now) / (left + 1) * book.rng.uniform(0.3, 1.7)
            left -= trader.act(now)

    # --- what SnapTrade has -----------------------------------------------------------------------------------------

    def shown(self, identity: str) -> Account:
        """The account that shows it now: the newest connection that works, else the newest. Raises KeyError."""
        found = [one for one in self.accounts if one.book.identity == identity]
        if not found:
            raise KeyError(f"account {identity} is not connected")
        return max(found, key=lambda one: (one.connection.disabled is None, one.created))

    def of(self, key: Key) -> Sequence[Account]:
        """All accounts of a user."""
        return [one for one in self.accounts if one.key == key]

    def loaded_at(self, account: Account) -> datetime:
        """When its transactions were loaded last; a broken connection loads no more."""
        now = min(self.clock(), account.connection.disabled or self.clock())
        today = datetime.combine(now.date(), _LOADED_AT, UTC)
        daily = today if today <= now else today - DAY
        return max(filter(None, (daily, account.by_hand)))

    def waterline(self, account: Account) -> date:
        """The last day of which all transactions are there: the one before the load, or that of a load by hand."""
        loaded = self.loaded_at(account)
        return loaded.astimezone(NEW_YORK).date() - (timedelta(0) if loaded == account.by_hand else DAY)

    def activities(self, account: Account) -> Sequence[tuple[str, Event]]:
        """What is loaded, with its ids, newest first."""
        loaded, waterline = self.loaded_at(account), self.waterline(account)
        there = [event for event in account.book.events if event.day <= waterline and event.booked <= loaded]
        there.sort(key=lambda event: (event.told, event.ordinal), reverse=True)
        return [(self._id(account, event), event) for event in there]

    def _id(self, account: Account, event: Event) -> str:
        if event.ordinal not in account.ids:
            account.ids[event.ordinal] = self._uuid()
        return account.ids[event.ordinal]

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    # --- what happens -----------------------------------------------------------------------------------------------

    def trade(self, identity: str, count: int = 1) -> Sequence[Event]:
        """Trade shares now."""
        with self.lock:
            now = self.clock()
            return [
                self.traders[identity].buy_or_sell(now - timedelta(seconds=count - at)) for at in range(1, count + 1)
            ]

    def act(self, identity: str, count: int = 1) -> int:
        """Let the trader do `count` things as habit goes; returns how many executions came of it."""
        with self.lock:
            return sum(self.traders[identity].act(self.clock()) for _ in range(count))

    def equal_fills(self, identity: str, count: int = 3) -> Sequence[Event]:
        """Fills of one moment, alike in everything but their ids."""
        with self.lock:
            return self.traders[identity].equal_fills(self.clock(), count)

    def late(self, identity: str) -> Sequence[Event]:
        """The institution books now what happened a minute before the newest trade."""
        with self.lock:
            newest = max(event.happened for event in self.books[identity].events if event.entry_kind == "trade")
            earlier = newest - (DAY if self.books[identity].days_only else timedelta(minutes=1))
            return [self.traders[identity].buy_or_sell(earlier, booked=self.clock())]

    def correct(self, identity: str) -> Sequence[Event]:
        """The institution changes the price of the newest trade in a share. Raises ValueError without one."""
        with self.lock:
            book = self.books[identity]
            wrong = next((one for one in reversed(book.events) if one.type in ("BUY", "SELL") and one.price), None)
            if wrong is None:
                raise ValueError(f"account {identity} has no trade to correct")
            book.correct(wrong, wrong.price + Decimal("0.01"))
            return [wrong]

    def withdraw(self, identity: str) -> Sequence[Event]:
        """The institution takes its newest trade back: from the next load on it is not told any more."""
        with self.lock:
            event = next(one for one in reversed(self.books[identity].events) if one.entry_kind == "trade")
            event.booked = datetime.max.replace(tzinfo=UTC)
            return [event]

    def load(self, identity: str) -> None:
        """SnapTrade loads everything until now, today's trades included, which it never does by itself."""
        with self.lock:
            self.shown(identity).by_hand = self.clock()

    def move_prices(self) -> None:
        """Move every price: figures change, transactions don't."""
        with self.lock:
            for book in self.books.values():
                book.market.step(random.Random(len(book.events)))  # noqa: S311 (a simulation, no secret)

    # --- the truth --------------------------------------------------------------------------------------------------

    def truth(self, query: Mapping[str, str]) -> object:
        """What a ledger should hold by now: what SnapTrade has loaded, under the ids by which it told it first."""
        with self.lock:
            chosen = [query["account"]] if query.get("account") else sorted(self.books)
            return {"accounts": [self.truth_of(identity) for identity in chosen]}

    def truth_of(self, identity: str) -> Mapping[str, object]:
        """One account's."""
        book = self.books[identity]
        loaded = self.activities(self.shown(identity))
        told = [(event.entry_kind, book.entry(event, event.first_id or name)) for name, event in loaded]
        return {
            "broker_account_id": identity,
            "currency": "USD",
            "balance": plain(book.cash),
            "equity": plain(book.equity()),
            "positions": {one.symbol: plain(held.units) for one, held in book.positions()},
            "executions": [entry for kind, entry in told if kind == "trade"],
            "cash_events": [entry for kind, entry in told if kind != "trade"],
        }


def _midnight(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time(), UTC)
