"""What the Alpaca simulator's books hold, in the words of a ledger: written down when it happens, not when asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from local.simulators.alpaca_market import Asset
from local.simulators.alpaca_time import ns


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueExecution:
    """A fill, or what became of an option."""

    broker_account_id: str
    source_trade_id: str
    symbol: str
    asset_class: str
    side: str
    quantity: str
    price: str
    currency: str
    executed_at_ns: int
    kind: str = "trade"
    multiplier: str = "1"
    fees: dict[str, str] = field(default_factory=dict)
    realised_pnl: None = None
    effect: str | None = None
    order_id: str = ""
    cancels_trade_id: str = ""
    reason: str = ""
    contract: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCashEvent:
    """Anything else."""

    broker_account_id: str
    source_id: str
    kind: str
    amount: str
    currency: str
    occurred_at_ns: int
    symbol: str = ""


class Truth:
    """The entries of one account, by their ids."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._executions: dict[str, TrueExecution] = {}
        self._cash_events: dict[str, TrueCashEvent] = {}

    @property
    def executions(self) -> Sequence[TrueExecution]:
        """In the order in which they were booked."""
        return list(self._executions.values())

    @property
    def cash_events(self) -> Sequence[TrueCashEvent]:
        """In the order in which they were booked."""
        return list(self._cash_events.values())

    def execution(
        self,
        *,
        source_id: str,
        asset: Asset,
        signed: Decimal,
        price: Decimal,
        at: datetime,
        effect: str | None = None,
        order_id: str = "",
        reason: str = "",
    ) -> None:
        """Write down an execution; `signed` is above 0 when it was bought."""
        self._executions[source_id] = TrueExecution(
            broker_account_id=self._account,
            source_trade_id=source_id,
            symbol=asset.symbol,
            asset_class=asset.kind,
            side="buy" if signed > 0 else "sell",
            quantity=text(abs(signed)),
            price=text(price),
            currency="USD",
            executed_at_ns=ns(at),
            multiplier=str(asset.multiplier),
            effect=effect,
            order_id=order_id,
            reason=reason,
            contract=asset.contract,
        )

    def canceled_execution(self, source_id: str) -> None:
        """Write down that an execution was taken back."""
        undone = self._executions[source_id]
        self._executions[f"{source_id}:canceled"] = replace(
            undone,
            source_trade_id=f"{source_id}:canceled",
            kind="cancel",
            side="sell" if undone.side == "buy" else "buy",
            effect=None,
            reason="cancel",
            cancels_trade_id=source_id,
        )

    def cash(
        self, *, source_id: str, kind: str, amount: Decimal, at: datetime, currency: str = "USD", symbol: str = ""
    ) -> None:
        """Write down a movement of cash, or of holdings (then the amount is 0)."""
        self._cash_events[source_id] = TrueCashEvent(
            broker_account_id=self._account,
            source_id=source_id,
            kind=kind,
            amount=text(amount),
            currency=currency,
            occurred_at_ns=ns(at),
            symbol=symbol,
        )

    def canceled_cash(self, source_id: str) -> None:
        """Write down that nothing moved after all."""
        self._cash_events[source_id] = replace(self._cash_events[source_id], amount="0")


def text(number: Decimal) -> str:
    """A number without exponent and trailing zeros: equal numbers, equal texts."""
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain
