"""The Tradovate simulator's world: logins with accounts, a seeded past of the present session, and what happens now."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

from brokersync.domain.money import plain
from local.simulators.tradovate_book import Book
from local.simulators.tradovate_gate import Gate, LoginSpec
from local.simulators.tradovate_market import CONTRACTS, CURRENCIES, Market
from local.simulators.tradovate_rows import Fill
from local.simulators.tradovate_time import session_start
from local.simulators.tradovate_trader import Trader

_FIRST_ID = 60_000_000_001  # above 32 bits, as the broker's


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """What an account shall be like: so many executions since the session began, the same for the same seed and end.

    `currency` is by Tradovate's id of the simulator (1 is USD, 2 EUR). `flat`: every position was closed again.
    `blank` never had cash nor a trade.
    """

    id: int
    name: str
    seed: int = 7
    executions: int = 500
    currency: int = 1
    flat: bool = False
    blank: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    """An account with its book and its trader."""

    spec: AccountSpec
    login: LoginSpec
    book: Book
    trader: Trader
    opened: datetime


@dataclass(slots=True)
class World:
    """All accounts, by their ids. Hold `lock` while looking at books: trades come from other threads.

    Pasts end at what `clock` says when the account is made.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    gate: Gate = field(default_factory=Gate)
    accounts: dict[str, Account] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    market: Market = field(default_factory=Market)
    _ids: "count[int]" = field(default_factory=lambda: count(_FIRST_ID))
    _rng: random.Random = field(default_factory=lambda: random.Random("prices"))  # noqa: S311 (a simulation, no secret)

    def add_login(self, login: LoginSpec, specs: Sequence[AccountSpec], end: datetime | None = None) -> None:
        """A login with its accounts and their pasts. Raises ValueError for a name or an id that is taken."""
        with self.lock:
            if login.username in self.gate.logins:
                raise ValueError(f"login {login.username} exists")
            self.gate.logins[login.username] = login
            for spec in specs:
                self.open_account(login.username, spec, end)

    def open_account(self, username: str, spec: AccountSpec, end: datetime | None = None) -> Account:
        """Give a login one more account. Raises ValueError for an id that is taken, KeyError for an unknown login."""
        with self.lock:
            if str(spec.id) in self.accounts:
                raise ValueError(f"account {spec.id} exists")
            now = end or self.clock()
            book = Book(spec.id, self._ids, self.market, spec.currency)
            opened = session_start(now)
            trader = Trader(book, random.Random(f"{spec.seed} {spec.id}"))  # noqa: S311 (a simulation, no secret)
            if not spec.blank:
                trader.live(opened, now, spec.executions)
            if spec.flat:
                trader.flatten(now)
            made = Account(spec=spec, login=self.gate.logins[username], book=book, trader=trader, opened=opened)
            self.accounts[str(spec.id)] = made
            return made

    def books_of(self, login: LoginSpec) -> Sequence[Account]:
        """The accounts of a login."""
        return [one for one in self.accounts.values() if one.login.username == login.username]

    def trade(self, account: str = "", times: int = 1) -> list[str]:
        """Fill `times` orders now, on one account or on all; returns the new fills' ids."""
        with self.lock:
            chosen = [self.accounts[account]] if account else list(self.accounts.values())
            return [str(fill.id) for one in chosen for _ in range(times) for fill in one.trader.act(self.clock())]

    def equal_fills(self, account: str, times: int) -> list[str]:
        """An order that is filled in equal parts in one millisecond."""
        with self.lock:
            return [str(fill.id) for fill in self.accounts[account].trader.equal(self.clock(), times)]

    def out_of_order(self, account: str) -> list[str]:
        """Fills of which the later booked ones happened earlier."""
        with self.lock:
            return [str(fill.id) for fill in self.accounts[account].trader.out_of_order(self.clock())]

    def late(self, account: str) -> list[str]:
        """A fill that is told now, and happened before the newest one that was told."""
        with self.lock:
            trader = self.accounts[account].trader
            return [str(trader.late(self.clock()).id)]

    def correct(self, account: str) -> list[str]:
        """The price of an open fill is corrected."""
        with self.lock:
            return [str(self.accounts[account].trader.correct(self.clock()).id)]

    def charge_late(self, account: str) -> list[str]:
        """A cost of the newest fill is told only now."""
        with self.lock:
            one = self.accounts[account]
            fill = _newest(one.book)
            one.book.charge_late(fill, Decimal("0.11"), self.clock())
            return [str(fill.id)]

    def bust(self, account: str) -> list[str]:
        """The newest fill is busted."""
        with self.lock:
            one = self.accounts[account]
            fill = _newest(one.book)
            one.book.bust(fill, self.clock())
            return [str(fill.id)]

    def carry_order(self, account: str) -> list[str]:
        """An order of a former session is filled: it isn't in the list of orders."""
        with self.lock:
            return [str(self.accounts[account].trader.carried(self.clock()).id)]

    def move_cash(self, account: str, kind: str, amount: Decimal) -> list[str]:
        """Cash moves without a trade."""
        with self.lock:
            return [f"cash:{self.accounts[account].book.move_cash(kind, amount, self.clock()).id}"]

    def move_prices(self) -> None:
        """Let every price move."""
        with self.lock:
            self.market.step(self._rng)

    def truth(self, _params: Mapping[str, str]) -> object:
        """All accounts as their own books have them."""
        with self.lock:
            return {"accounts": [truth_of(one) for one in self.accounts.values()]}


def truth_of(account: Account) -> Mapping[str, object]:
    """What an account truly did and holds."""
    book = account.book
    return {
        "broker_account_id": str(account.spec.id),
        "executions": [asdict(done) for done in book.truth.executions.values()],
        "cash_events": [asdict(moved) for moved in book.truth.cash_events.values()],
        "balance": _balance(book),
        "positions": {CONTRACTS[one.contract].name: str(one.net) for one in book.positions.values() if one.net},
        "currency": CURRENCIES[book.currency],
    }


def _balance(book: Book) -> Mapping[str, str]:
    """What of its figures can be told: a snapshot is in dollars, and an account without cash has none to tell."""
    cash = plain(book.cash.get(book.currency, Decimal(0)))
    held = any(one.net for one in book.positions.values())
    if not held and len(book.cash) == 1:
        return {"balance": cash, "equity": cash}
    if book.currency != 1 or len(book.cash) > 1:
        return {"balance": cash} if len(book.cash) == 1 else {}
    return {
        "balance": cash,
        "equity": plain(book.cash.get(1, Decimal(0)) + book.open_profit(1)),
        "margin": plain(book.margin(1)),
    }


def _newest(book: Book) -> Fill:
    """The fill that was booked last and stands. Raises ValueError when there is none."""
    found = next((fill for fill in reversed(book.fills.values()) if fill.active), None)
    if found is None:
        raise ValueError(f"account {book.account} has no fill")
    return found
