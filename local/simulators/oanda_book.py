"""One OANDA account's books: an append-only list of transactions with gapless ids, and what follows from them.

Balance, P&L, financing and open Trades are kept as the transactions are made. Amounts have four decimals, as OANDA's.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from local.simulators.oanda_market import INSTRUMENTS, Market
from local.simulators.oanda_time import SECOND, next_rollover, rfc3339
from local.simulators.oanda_truth import Truth

Transaction = dict[str, object]

ALIAS: Final = "Simulated"
ZERO: Final = Decimal(0)
_YEAR: Final = Decimal(365 * 86_400)


@dataclass(slots=True, kw_only=True)
class Trade:
    """A Trade, open or closed. `units` are signed and shrink to 0; `accrued_from` is up to when financing is paid."""

    id: str
    instrument: str
    price: Decimal
    opened: int
    initial_units: Decimal
    units: Decimal
    accrued_from: int
    realised: Decimal = ZERO
    financing: Decimal = ZERO
    closed: int = 0
    closing_transactions: tuple[str, ...] = ()
    closed_value: Decimal = ZERO  # sum of units closed x price
    take_profit: tuple[str, Decimal] | None = None  # order id, price
    stop_loss: tuple[str, Decimal] | None = None


@dataclass(slots=True, kw_only=True)
class Totals:
    """Running sums since the account was made."""

    balance: Decimal = ZERO
    pl: Decimal = ZERO
    financing: Decimal = ZERO
    commission: Decimal = ZERO
    guaranteed_fees: Decimal = ZERO
    dividends: Decimal = ZERO


class Book:
    """An account. `commission_rate` is a share of the value traded; `rng` makes what a broker would: request ids."""

    def __init__(
        self, *, account: str, currency: str, hedging: bool, commission_rate: Decimal, rng: random.Random, ns: int
    ) -> None:
        self.account = account
        self.currency = currency
        self.hedging = hedging
        self.market = Market()
        self.truth = Truth(account, currency)
        self.totals = Totals()
        self.transactions: list[Transaction] = []
        self.times: list[int] = []
        self.open_trades: dict[str, Trade] = {}
        self.closed_trades: list[Trade] = []
        self.pending: list[str] = []
        self.old_style = False  # fills as in 2016: legs without price, nothing about fees
        self._commission_rate = commission_rate
        self._rng = rng
        self._rolled_over = ns
        self.created = ns

    def open(self) -> None:
        """The first transactions of every account."""
        ns = self.created
        self.record("CREATE", ns, {"homeCurrency": self.currency, "accountNumber": 1, "divisionID": 4, "siteID": 101})
        self.record("CLIENT_CONFIGURE", ns, {"alias": ALIAS, "marginRate": "0.02"})

    # --- transactions -----------------------------------------------------------------------------------------------

    @property
    def last_id(self) -> int:
        """Id of the newest transaction."""
        return len(self.transactions)

    def record(self, kind: str, ns: int, fields: Mapping[str, object] | None = None, *, batch: str = "") -> str:
        """Append a transaction; returns its id. Raises ValueError for a time before the newest one's."""
        if self.times and ns < self.times[-1]:
            raise ValueError(f"{self.account}: a transaction at {rfc3339(ns)} would be older than the newest")
        own = str(self.last_id + 1)
        self.transactions.append(
            {
                "type": kind,
                **(fields or {}),
                "id": own,
                "accountID": self.account,
                "userID": int(self.account.split("-")[2]),
                "batchID": batch or own,
                "requestID": str(self._rng.randrange(10**16, 10**17)),
                "time": rfc3339(ns),
            }
        )
        self.times.append(ns)
        return own

    def transfer(self, ns: int, amount: Decimal, reason: str = "CLIENT_FUNDING", comment: str = "") -> str:
        """Money in or out."""
        self.totals.balance += amount
        fields = {"amount": money(amount), "fundingReason": reason, "comment": comment, **self.balance_field()}
        own = self.record("TRANSFER_FUNDS", ns, fields)
        kinds = {"ADJUSTMENT": "adjustment", "ACCOUNT_TRANSFER": "transfer"}
        kind = kinds.get(reason, "deposit" if amount > 0 else "withdrawal")
        self.truth.cash(source_id=f"{own}:transfer", kind=kind, amount=amount, ns=ns)
        return own

    def advance(self, ns: int) -> None:
        """Let time pass: at every 21:00 UTC on the way the open Trades earn or pay their financing."""
        while (rollover := next_rollover(self._rolled_over)) <= ns:
            self._rolled_over = rollover
            if self.open_trades:
                self._daily_financing(rollover)

    def dividend(self, ns: int, instrument: str, rate: Decimal) -> None:
        """Pay (long) or collect (short) a dividend on the open Trades of an index; nothing if there are none."""
        held = [trade for trade in self.open_trades.values() if trade.instrument == instrument]
        parts = [(trade, self.home(trade.units * trade.price * rate, instrument)) for trade in held]
        total = sum((amount for _, amount in parts), ZERO)
        if not parts:
            return
        self.totals.balance += total
        self.totals.dividends += total
        fields = {
            "instrument": instrument,
            "dividendAdjustment": money(total),
            **self.balance_field(),
            "openTradeDividendAdjustments": [
                {"tradeID": trade.id, "dividendAdjustment": money(amount)} for trade, amount in parts
            ],
        }
        own = self.record("DIVIDEND_ADJUSTMENT", ns, fields)
        for trade, amount in parts:
            self.truth.cash(
                source_id=f"{own}:{trade.id}:dividend",
                kind="dividend",
                amount=amount,
                ns=ns,
                symbol=instrument,
                trade=trade.id,
            )

    def _daily_financing(self, ns: int) -> None:
        parts = [(trade, self.accrued(trade, trade.units, ns)) for trade in self.open_trades.values()]
        total = sum((amount for _, amount in parts), ZERO)
        self.totals.balance += total
        self.totals.financing += total
        by_instrument: dict[str, list[tuple[Trade, Decimal]]] = {}
        for trade, amount in parts:
            trade.financing += amount
            trade.accrued_from = ns
            by_instrument.setdefault(trade.instrument, []).append((trade, amount))
        fields = {
            "financing": money(total),
            **self.balance_field(),
            "accountFinancingMode": "SECOND_BY_SECOND",
            "positionFinancings": [
                {
                    "instrument": instrument,
                    "financing": money(sum((amount for _, amount in held), ZERO)),
                    "openTradeFinancings": [
                        {"tradeID": trade.id, "financing": money(amount)} for trade, amount in held
                    ],
                }
                for instrument, held in by_instrument.items()
            ],
        }
        own = self.record("DAILY_FINANCING", ns, fields)
        for trade, amount in parts:
            self.truth.cash(
                source_id=f"{own}:{trade.id}:financing",
                kind="financing",
                amount=amount,
                ns=ns,
                symbol=trade.instrument,
                trade=trade.id,
            )

    # --- sums -------------------------------------------------------------------------------------------------------

    def home(self, amount: Decimal, instrument: str) -> Decimal:
        """An amount in an instrument's quote currency, in the account's."""
        return _money(amount * self.market.rate(INSTRUMENTS[instrument].quote, self.currency))

    def accrued(self, trade: Trade, units: Decimal, ns: int) -> Decimal:
        """The financing that so many units of a Trade have run up since it was last paid."""
        terms = INSTRUMENTS[trade.instrument]
        rate = terms.long_rate if trade.units > 0 else terms.short_rate
        years = Decimal((ns - trade.accrued_from) // SECOND) / _YEAR
        return self.home(abs(units) * trade.price * rate * years, trade.instrument)

    def commission(self, units: Decimal, price: Decimal, instrument: str) -> Decimal:
        """What filling so many units costs."""
        return self.home(abs(units) * price * self._commission_rate, instrument)

    def unrealised(self, trade: Trade) -> Decimal:
        """What closing a Trade at the current price would realise."""
        price = self.market.fill_price(trade.instrument, -trade.units)
        return self.home((price - trade.price) * trade.units, trade.instrument)

    def margin(self, trade: Trade) -> Decimal:
        """The margin that a Trade uses at the current price."""
        value = abs(trade.units) * self.market.mid(trade.instrument) * INSTRUMENTS[trade.instrument].margin_rate
        return self.home(value, trade.instrument)

    def balance_field(self) -> dict[str, object]:
        """What a transaction that touched money says about the balance after it."""
        return {"accountBalance": money(self.totals.balance)}


def money(amount: Decimal) -> str:
    """An amount as OANDA writes it: four decimals."""
    return format(_money(amount), "f")


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
