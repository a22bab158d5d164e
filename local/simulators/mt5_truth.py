"""What an MT5 account truly did, as a ledger should hold it: kept by the book beside its deals.

It is written down where something happens, not read back from the answers, so that a reader of the answers can be
checked against it. Amounts are texts; `executed_at_ns` and `occurred_at_ns` are nanoseconds since 1970, UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueExecution:
    """One deal that traded, or what takes a cancelled one back."""

    broker_account_id: str
    source_trade_id: str
    symbol: str
    side: str
    quantity: str
    price: str
    currency: str
    executed_at_ns: int
    kind: str
    effect: str | None
    order_id: str
    position_id: str
    reason: str
    realised_pnl: str | None
    pnl_currency: str
    fee_currency: str
    fees: Mapping[str, str]
    cancels_trade_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCashEvent:
    """Cash that moved without a trade; positive is into the account."""

    broker_account_id: str
    source_id: str
    kind: str
    amount: str
    currency: str
    occurred_at_ns: int
    symbol: str
    position_id: str


@dataclass(slots=True)
class Truth:
    """All executions and cash events of one account, by their ids."""

    executions: dict[str, TrueExecution] = field(default_factory=dict)
    cash_events: dict[str, TrueCashEvent] = field(default_factory=dict)

    def cancel(self, ticket: str) -> None:
        """A deal is cancelled: its profit is taken away, and a row of the other side takes its volume back."""
        done = self.executions[ticket]
        done = replace(done, realised_pnl=None if done.effect == "open" else "0")
        self.executions[ticket] = done
        self.executions[f"{ticket}:cancel"] = replace(
            done,
            source_trade_id=f"{ticket}:cancel",
            side="sell" if done.side == "buy" else "buy",
            kind="cancel",
            effect=None,
            reason="CANCELED",
            realised_pnl=None,
            fees={},
            cancels_trade_id=ticket,
        )

    def charge(self, ticket: str, kind: str, cost: Decimal) -> None:
        """A deal's fee of a kind is another one now."""
        done = self.executions[ticket]
        fees = {name: amount for name, amount in done.fees.items() if name != kind}
        self.executions[ticket] = replace(done, fees=fees | ({kind: text(cost)} if cost else {}))


def text(number: Decimal) -> str:
    """A number without exponent and trailing zeros: equal numbers, equal texts."""
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain
