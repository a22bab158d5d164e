"""What the Tradovate simulator's books hold, in the words of a ledger: written down when it happens, not when asked."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from brokersync.domain.money import plain
from brokersync.domain.times import to_ns
from local.simulators.tradovate_market import CURRENCIES, Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueExecution:
    """A fill, or what takes a busted one back."""

    broker_account_id: str
    source_trade_id: str
    symbol: str
    asset_class: str
    side: str
    quantity: str
    price: str
    currency: str
    executed_at_ns: int
    multiplier: str
    order_id: str
    position_id: str
    contract: dict[str, str]
    kind: str = "trade"
    fees: dict[str, str] = field(default_factory=dict)
    fee_currency: str = ""
    realised_pnl: str | None = None
    effect: str | None = "open"
    cancels_trade_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCashEvent:
    """Cash that moved without a trade."""

    broker_account_id: str
    source_id: str
    kind: str
    amount: str
    currency: str
    occurred_at_ns: int


class Truth:
    """The entries of one account, by their ids."""

    def __init__(self, account: int) -> None:
        self._account = str(account)
        self.executions: dict[str, TrueExecution] = {}
        self.cash_events: dict[str, TrueCashEvent] = {}

    def filled(
        self,
        *,
        fill_id: int,
        contract: Contract,
        signed: int,
        price: Decimal,
        at: datetime,
        order_id: int,
        position_id: int,
        fees: dict[str, Decimal],
    ) -> None:
        """Write down a fill; `signed` is above 0 when it was bought."""
        currency = CURRENCIES[contract.product.currency]
        self.executions[str(fill_id)] = TrueExecution(
            broker_account_id=self._account,
            source_trade_id=str(fill_id),
            symbol=contract.name,
            asset_class=contract.asset_class,
            side="buy" if signed > 0 else "sell",
            quantity=str(abs(signed)),
            price=plain(price),
            currency=currency,
            executed_at_ns=to_ns(at),
            multiplier=plain(contract.product.value_per_point),
            order_id=str(order_id),
            position_id=str(position_id),
            contract={"underlying": contract.product.name, "expiry": contract.expires[:10]},
            fees={name: plain(amount) for name, amount in fees.items() if amount},
            fee_currency=currency if any(fees.values()) else "",
        )

    def closed(self, fill_id: int, quantity: int) -> None:
        """Write down how much a fill has closed."""
        done = self.executions[str(fill_id)]
        effect = "close" if str(quantity) == done.quantity else "close_and_open"
        self.executions[str(fill_id)] = replace(done, effect=effect)

    def realised(self, fill_id: int, amount: Decimal | None) -> None:
        """Write down what a fill has realised by all its pairs; None when none is left."""
        done = self.executions[str(fill_id)]
        self.executions[str(fill_id)] = replace(done, realised_pnl=None if amount is None else plain(amount))

    def repriced(self, fill_id: int, price: Decimal) -> None:
        """Write down that a fill has another price now."""
        self.executions[str(fill_id)] = replace(self.executions[str(fill_id)], price=plain(price))

    def charged(self, fill_id: int, name: str, amount: Decimal, currency: str) -> None:
        """Write down a cost that was told later than its fill."""
        done = self.executions[str(fill_id)]
        fees = {**done.fees, name: plain(amount)}
        self.executions[str(fill_id)] = replace(done, fees=fees, fee_currency=currency)

    def busted(self, fill_id: int) -> None:
        """Write down that a fill was taken back."""
        done = self.executions[str(fill_id)]
        self.executions[f"{fill_id}:bust"] = replace(
            done,
            source_trade_id=f"{fill_id}:bust",
            kind="cancel",
            side="sell" if done.side == "buy" else "buy",
            fees={},
            fee_currency="",
            realised_pnl=None,
            effect=None,
            cancels_trade_id=str(fill_id),
            reason="bust",
        )

    def moved_cash(self, *, log_id: int, kind: str, amount: Decimal, at: datetime, currency: int) -> None:
        """Write down cash that moved without a trade."""
        self.cash_events[f"cash:{log_id}"] = TrueCashEvent(
            broker_account_id=self._account,
            source_id=f"cash:{log_id}",
            kind=kind,
            amount=plain(amount),
            currency=CURRENCIES[currency],
            occurred_at_ns=to_ns(at),
        )
