"""The Alpaca simulator's world: accounts with a seeded past, and a present in which trades happen and prices move."""

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from local.simulators.alpaca_book import Book
from local.simulators.alpaca_time import NEW_YORK, parse
from local.simulators.alpaca_trader import Trader
from local.simulators.alpaca_truth import text

UTC_DAYS = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What Alpaca's documentation leaves open, one way or the other.

    `zone` is that of the days in `date`, `after` and `until`. `filtered_by` is what these look at, and `ordered_by`
    what answers are sorted by: when an activity was written down, or when it happened (which is what ids begin with).
    """

    zone: ZoneInfo = UTC_DAYS
    filtered_by: Literal["created", "happened"] = "created"
    ordered_by: Literal["created", "id"] = "id"

    def __str__(self) -> str:
        """Short, for a list of them."""
        return f"{self.zone} {self.filtered_by} {self.ordered_by}"


OPEN_QUESTIONS: Sequence[Rules] = tuple(
    Rules(zone=zone, filtered_by=filtered_by, ordered_by=ordered_by)
    for zone in (UTC_DAYS, NEW_YORK)
    for filtered_by in ("created", "happened")
    for ordered_by in ("created", "id")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """What an account shall be like: so many executions over `days`, the same for the same seed and end.

    `blank` has no activity at all. A pair of keys opens just this account.
    """

    account: str
    key_id: str
    secret: str
    seed: int = 7
    executions: int = 500
    days: int = 90
    blank: bool = False


@dataclass(slots=True, kw_only=True)
class Account:
    """An account with its book and its trader."""

    spec: AccountSpec
    book: Book
    trader: Trader


@dataclass(slots=True)
class World:
    """All accounts, by their numbers. Hold `lock` while looking at books: trades come from other threads.

    Pasts end at what `clock` says when the account is made.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    rules: Rules = Rules()
    accounts: dict[str, Account] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def open_account(self, spec: AccountSpec, end: datetime | None = None) -> Account:
        """Make an account and its past. Raises ValueError for a number or a key that is taken."""
        with self.lock:
            taken = {name for one in self.accounts.values() for name in (one.spec.account, one.spec.key_id)}
            if taken & {spec.account, spec.key_id}:
                raise ValueError(f"account {spec.account} or its key exists")
            made = _with_past(spec, end or self.clock())
            self.accounts[spec.account] = made
            return made

    def account_of(self, key_id: str, secret: str) -> Account | None:
        """The account that a pair of keys opens."""
        pairs = ((one.spec.key_id, one.spec.secret, one) for one in self.accounts.values())
        return next((one for its_key, its_secret, one in pairs if (its_key, its_secret) == (key_id, secret)), None)

    def let_time_pass(self, account: Account) -> None:
        """Bring an account up to now: fees and options that ended."""
        with self.lock:
            account.trader.advance(self.now(account))

    def trade(self, account: str = "", count: int = 1) -> list[str]:
        """Buy shares `count` times now, on one account or on all; returns the new executions' ids."""
        with self.lock:
            chosen = [self.accounts[account]] if account else list(self.accounts.values())
            before = {one.spec.account: len(one.book.truth.executions) for one in chosen}
            for one in chosen:
                for _ in range(count):
                    one.trader.trade(self.now(one))
            made = (one.book.truth.executions[before[one.spec.account] :] for one in chosen)
            return [done.source_trade_id for new in made for done in new]

    def act(self, account: str, count: int = 1) -> int:
        """Let the trader of one account do `count` things as its habits go; returns how many executions came of it."""
        with self.lock:
            one = self.accounts[account]
            return sum(one.trader.act(self.now(one), most=4) for _ in range(count))

    def correct(self, account: str) -> list[str]:
        """Cancel the account's newest deposit and book another; returns both ids. Raises ValueError without one."""
        with self.lock:
            one = self.accounts[account]
            deposits = (
                done
                for done in reversed(one.book.activities)
                if done.row["activity_type"] == "CSD" and done.row["status"] != "canceled"
            )
            wrong = next(deposits, None)
            if wrong is None:
                raise ValueError(f"account {account} has no deposit to correct")
            return [wrong.id, one.trader.correct(wrong, self.now(one), Decimal("77.77")).id]

    def cancel(self, account: str) -> list[str]:
        """Take back the account's newest exercise of an option; returns its id. Raises ValueError without one."""
        with self.lock:
            one = self.accounts[account]
            exercises = (
                done
                for done in reversed(one.book.activities)
                if done.row["activity_type"] in ("OPXRC", "OPEXC") and done.row["status"] != "canceled"
            )
            exercise = next(exercises, None)
            if exercise is None:
                raise ValueError(f"account {account} has no exercise to cancel")
            one.trader.cancel_exercise(exercise)
            return [exercise.id]

    def late(self, account: str) -> list[str]:
        """Book a fill now that happened a minute before the newest one; returns its id."""
        with self.lock:
            one = self.accounts[account]
            newest = max(done.happened for done in one.book.activities if done.row["activity_type"] == "FILL")
            share = one.book.assets["AAPL"]
            at = newest - timedelta(minutes=1)
            return [made.id for made in one.trader.order(at, share, "buy", (Decimal(3),), created=self.now(one))]

    def move_prices(self) -> None:
        """Move every price: figures change, activities don't."""
        with self.lock:
            for one in self.accounts.values():
                one.book.market.step(random.Random(len(one.book.activities)))  # noqa: S311 (a simulation, no secret)

    def truth(self, query: Mapping[str, str]) -> object:
        """What the books hold as a ledger should: of `account` (default all), at or after `since` (a time)."""
        since = parse(query["since"], UTC_DAYS).timestamp() * 1e9 if query.get("since") else 0
        with self.lock:
            chosen = [self.accounts[query["account"]]] if query.get("account") else list(self.accounts.values())
            return {
                "accounts": [
                    {
                        "broker_account_id": one.spec.account,
                        "currency": "USD",
                        "balance": text(one.book.cash),
                        "equity": text(one.book.equity()),
                        "positions": positions(one),
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

    def now(self, account: Account) -> datetime:
        """The time, which never goes back for an account."""
        return max([self.clock(), *(done.created for done in account.book.activities[-1:])])


def positions(account: Account) -> dict[str, str]:
    """Signed units by symbol."""
    return {asset.symbol: text(holding.units) for asset, holding in account.book.positions()}


def _with_past(spec: AccountSpec, end: datetime) -> Account:
    rng = random.Random(f"{spec.seed}:{spec.account}")  # noqa: S311 (a simulation, no secret)
    book = Book(number=spec.account, created=end - timedelta(days=spec.days), rng=rng)
    made = Account(spec=spec, book=book, trader=Trader(book, rng))
    if spec.blank:
        return made
    first = book.created + timedelta(minutes=5)
    book.money("CSD", first.date(), first, Decimal(250_000), ledger_kind="deposit")
    now, left = first, spec.executions
    while left > 0:
        now += (end - now) / (left + 1) * rng.uniform(0.2, 1.8)
        left -= made.trader.act(now, left)
    made.trader.advance(end)
    return made
