"""The OANDA simulator's world: accounts with a seeded past, and a present in which trades happen and prices move."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Final

from local.simulators.oanda_book import Book
from local.simulators.oanda_time import DAY, parse
from local.simulators.oanda_trader import Trader

_OLD_STYLE_SHARE: Final = 20  # the first twentieth of the executions looks as it did in 2016
_COMMISSION: Final = Decimal("0.00005")
_SLACK: Final = 6  # a habit opens at most three Trades, which take as many executions again to close


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """What an account shall be like: so many executions over `days`, the same for the same seed and end.

    `flat` ends without an open Trade; `blank` has no transaction at all; `closed` is answered with 404.
    """

    account: str
    token: str
    seed: int = 7
    executions: int = 500
    currency: str = "USD"
    hedging: bool = False
    commission: bool = True
    days: int = 90
    flat: bool = False
    blank: bool = False
    closed: bool = False

    def __post_init__(self) -> None:
        if self.flat and self.executions == 1:
            raise ValueError("executions: one alone can't leave an account flat")


@dataclass(slots=True, kw_only=True)
class Account:
    """An account with its book and its trader."""

    spec: AccountSpec
    book: Book
    trader: Trader


class World:
    """All accounts, by their numbers. Hold `lock` while looking at books: trades come from other threads.

    `clock` gives nanoseconds since 1970; pasts end at what it says when the account is made, or at `end`.
    """

    def __init__(
        self,
        specs: Sequence[AccountSpec] = (),
        *,
        clock: Callable[[], int] = time.time_ns,
        end: int | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self._clock = clock
        self.accounts: dict[str, Account] = {}
        for spec in specs:
            self.open_account(spec, end)

    def open_account(self, spec: AccountSpec, end: int | None = None) -> Account:
        """Make an account and its past. Raises ValueError for a number that is taken."""
        with self.lock:
            if spec.account in self.accounts:
                raise ValueError(f"account {spec.account} exists")
            made = _with_past(spec, self._clock() if end is None else end)
            self.accounts[spec.account] = made
            return made

    def accounts_of(self, token: str) -> list[Account]:
        """The accounts that a token opens; empty for an unknown one."""
        return [account for account in self.accounts.values() if account.spec.token == token]

    def let_time_pass(self, account: Account) -> None:
        """Bring an account up to now: its daily financing."""
        with self.lock:
            account.book.advance(self._now(account))

    def trade(self, account: str = "", count: int = 1) -> list[str]:
        """Open `count` new Trades now, on one account or on all; returns the ids of the last transactions."""
        with self.lock:
            chosen = [self.accounts[account]] if account else list(self.accounts.values())
            for one in chosen:
                for _ in range(count):
                    one.trader.trade(self._now(one))
            return [str(one.book.last_id) for one in chosen]

    def act(self, account: str, count: int = 1) -> int:
        """Let the trader of one account do `count` things as its habits go; returns how many executions came of it."""
        with self.lock:
            one = self.accounts[account]
            return sum(one.trader.act(self._now(one), most=5) for _ in range(count))

    def move_prices(self) -> None:
        """Move every price: figures change, transactions don't."""
        with self.lock:
            for one in self.accounts.values():
                one.trader.watch()

    def truth(self, query: Mapping[str, str]) -> object:
        """What the books hold as a ledger should: of `account` (default all), at or after `since` (a time)."""
        since = parse(query["since"]) if query.get("since") else 0
        with self.lock:
            chosen = [self.accounts[query["account"]]] if query.get("account") else list(self.accounts.values())
            return {
                "accounts": [
                    {
                        "broker_account_id": one.spec.account,
                        "currency": one.spec.currency,
                        "balance": format(one.book.totals.balance, "f"),
                        "last_transaction_id": str(one.book.last_id),
                        "open_trades": len(one.book.open_trades),
                        "executions": [
                            asdict(done) for done in one.book.truth.executions if done.executed_at_ns >= since
                        ],
                        "cash_events": [
                            asdict(moved) for moved in one.book.truth.cash_events if moved.occurred_at_ns >= since
                        ],
                    }
                    for one in chosen
                ]
            }

    def _now(self, account: Account) -> int:
        # A clock that was set back must not make a book unordered.
        return max([self._clock(), *account.book.times[-1:]])


def _with_past(spec: AccountSpec, end: int) -> Account:
    rng = random.Random(f"{spec.seed}:{spec.account}")  # noqa: S311 (a simulation, no secret)
    book = Book(
        account=spec.account,
        currency=spec.currency,
        hedging=spec.hedging,
        commission_rate=_COMMISSION if spec.commission else Decimal(0),
        rng=rng,
        ns=end - spec.days * DAY,
    )
    made = Account(spec=spec, book=book, trader=Trader(book, rng))
    if not spec.blank:
        book.open()
        book.transfer(book.created, Decimal(100_000), comment="first deposit")
        _live_through(made, rng, end)
    return made


def _live_through(account: Account, rng: random.Random, end: int) -> None:
    """Act until the executions are made, spread over the time until the end."""
    spec, book, trader = account.spec, account.book, account.trader
    now, left = book.created, spec.executions
    while left > 0:
        now += int((end - now) / (left + 1) * rng.uniform(0.2, 1.8))
        book.old_style = spec.executions - left < spec.executions // _OLD_STYLE_SHARE
        excess = left - len(book.open_trades)  # executions that are not needed for closing
        if not spec.flat or excess > _SLACK:
            left -= trader.act(now, left)
        elif excess % 2 and trader.reduce_one(now):
            left -= 1
        elif excess > 0:
            left -= trader.trade(now)  # and another one for closing it again
        else:
            left -= trader.close_one(now)
    book.old_style = False
    book.advance(end)
