"""The MT5 simulator's world: accounts with a seeded past behind one bridge, and a present in which things happen."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Final

from local.simulators.mt5_book import Book, Deal
from local.simulators.mt5_clock import DAY, MILLISECOND, NEW_YORK_PLUS_7, SECOND, when_open
from local.simulators.mt5_trader import Trader
from local.simulators.mt5_truth import text

_FIRST_TICKET: Final = 1_250_000_000
_TICKETS_APART: Final = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """What an account shall be like: so many executions over `days`, the same for the same seed and end.

    `zone` is its trade server's clock. `blank` has no deal at all. Of its deals, the oldest `unloaded` are not yet in
    the terminal, which loads `loads` of them whenever its history is asked for.
    """

    login: str
    api_key: str
    seed: int = 7
    executions: int = 500
    currency: str = "USD"
    hedging: bool = True
    days: int = 90
    zone: str = NEW_YORK_PLUS_7
    blank: bool = False
    unloaded: int = 0
    loads: int = 0

    def __post_init__(self) -> None:
        if not self.login.isdecimal():
            raise ValueError(f"login: {self.login!r} is not a number")


@dataclass(slots=True, kw_only=True)
class Account:
    """An account with its book, its trader, and what its terminal has to tell of it."""

    spec: AccountSpec
    book: Book
    trader: Trader
    unloaded: int = 0
    forgets: bool = False
    running: bool = True

    def told(self) -> Sequence[Deal]:
        """The deals that the terminal has, and that it loads more for the next time it is asked."""
        if self.forgets:
            return ()
        by_time = sorted(self.book.deals, key=lambda deal: deal.ns // SECOND)
        known = by_time[self.unloaded :]
        self.unloaded = max(0, self.unloaded - self.spec.loads)
        return known


class World:
    """All accounts, by login. Hold `lock` while looking at books: trades come from other threads.

    `clock` gives nanoseconds since 1970; pasts end at what it says when the account is made, or at `end`. With
    `logged_in`, the bridge has one terminal, which answers every question with that login's data.
    """

    def __init__(
        self,
        specs: Sequence[AccountSpec] = (),
        *,
        clock: Callable[[], int] = time.time_ns,
        end: int | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.logged_in = ""
        self.accounts: dict[str, Account] = {}
        for spec in specs:
            self.open_account(spec, end)

    def open_account(self, spec: AccountSpec, end: int | None = None) -> Account:
        """Make an account and its past. Raises ValueError for a login that is taken."""
        with self.lock:
            if spec.login in self.accounts:
                raise ValueError(f"account {spec.login} exists")
            number = len(self.accounts)
            made = _with_past(spec, self.clock() if end is None else end, _FIRST_TICKET + number * _TICKETS_APART)
            self.accounts[spec.login] = made
            return made

    def now(self) -> int:
        """The time, to the millisecond, which is all that MetaTrader knows."""
        return self.clock() // MILLISECOND * MILLISECOND

    # --- what happens -----------------------------------------------------------------------------------------------

    def trade(self, login: str, count: int = 1) -> list[str]:
        """Open `count` positions now; returns the new executions' ids."""
        account = self.accounts[login]

        def happen() -> None:
            for _ in range(count):
                account.trader.trade(self.now())

        return self._new(account, happen)

    def act(self, login: str, count: int = 1) -> list[str]:
        """Let the trader do `count` things as its habits go; returns the new executions' ids."""
        account = self.accounts[login]
        return self._new(account, lambda: [account.trader.act(self.now(), most=4) for _ in range(count)])

    def equal_fills(self, login: str, count: int = 3) -> list[str]:
        """An order that fills in equal parts; returns the new executions' ids."""
        account = self.accounts[login]
        return self._new(account, lambda: account.trader.equal_fills(self.now(), count))

    def trade_late(self, login: str) -> list[str]:
        """The server books a trade an hour before the newest deal it told; returns the new execution's id."""
        account = self.accounts[login]
        newest = max((deal.ns for deal in account.book.deals), default=self.now())
        return self._new(account, lambda: account.trader.trade(newest - 3_600 * SECOND))

    def correct(self, login: str) -> str:
        """The server charges another commission for its newest trade; returns that one's id."""
        with self.lock:
            deal = self._newest_trade(login)
            self.accounts[login].book.correct_commission(deal, deal.commission - Decimal("0.37"))
            return str(deal.ticket)

    def cancel(self, login: str) -> str:
        """The server cancels its newest trade; returns that one's id."""
        with self.lock:
            deal = self._newest_trade(login)
            self.accounts[login].book.cancel(deal, self.now())
            return str(deal.ticket)

    def move_prices(self) -> None:
        """Move every price: figures change, deals don't."""
        with self.lock:
            for account in self.accounts.values():
                account.book.market.step(account.book.rng)

    def truth(self, query: Mapping[str, str]) -> object:
        """What the books hold as a ledger should: of `account`, or of all."""
        with self.lock:
            logins = [query["account"]] if query.get("account") else list(self.accounts)
            return {"accounts": [self.truth_of(login) for login in logins]}

    def truth_of(self, login: str) -> Mapping[str, object]:
        """What one account's book holds."""
        book = self.accounts[login].book
        held: dict[str, Decimal] = {}
        for one in book.positions.values():
            held[one.symbol] = held.get(one.symbol, Decimal(0)) + one.lots
        return {
            "broker_account_id": book.login,
            "currency": book.currency,
            "balance": {"balance": text(book.balance), "equity": text(book.equity(self.now()))},
            "positions": {symbol: text(lots) for symbol, lots in held.items() if lots},
            "executions": [asdict(done) for done in book.truth.executions.values()],
            "cash_events": [asdict(moved) for moved in book.truth.cash_events.values()],
        }

    def _newest_trade(self, login: str) -> Deal:
        trades = (deal for deal in self.accounts[login].book.deals if deal.type in (0, 1))
        return max(trades, key=lambda deal: deal.ns)

    def _new(self, account: Account, happen: Callable[[], object]) -> list[str]:
        with self.lock:
            before = set(account.book.truth.executions)
            happen()
            return [ticket for ticket in account.book.truth.executions if ticket not in before]


def _with_past(spec: AccountSpec, end: int, first_ticket: int) -> Account:
    rng = random.Random(f"{spec.seed}:{spec.login}")  # noqa: S311 (a simulation, no secret)
    book = Book(
        login=spec.login, currency=spec.currency, hedging=spec.hedging, rng=rng, first_ticket=first_ticket
    )  # fmt: skip
    account = Account(spec=spec, book=book, trader=Trader(book, rng), unloaded=spec.unloaded)
    if not spec.blank:
        _live_through(account, rng, end // MILLISECOND * MILLISECOND)
    return account


def _live_through(account: Account, rng: random.Random, end: int) -> None:
    """A deposit first; then act until the executions are made, spread over the time until the end."""
    spec, left = account.spec, account.spec.executions
    now = end - spec.days * DAY
    account.book.cash(now, 2, Decimal(10_000), "Initial deposit")
    half, operated = left // 2, False
    while left > 0:
        passed = int((end - now) / (left + 1) * rng.uniform(0.2, 1.8)) // MILLISECOND * MILLISECOND
        now = min(when_open(now + passed), end)
        left -= account.trader.act(now, left)
        if left <= half and not operated:
            account.trader.every_balance_operation(now)
            operated = True
