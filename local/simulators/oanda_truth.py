"""What an OANDA account truly did, as a ledger should hold it: kept by the book beside its transactions.

It is written down where a trade happens, not read back from the answers, so that a reader of the answers can be checked
against it. Amounts and times are texts; `executed_at_ns` and `occurred_at_ns` are nanoseconds since 1970, UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueExecution:
    """One leg of a fill. Fees are those of the fill: the commission is on its first leg."""

    broker_account_id: str
    source_trade_id: str
    symbol: str
    side: str
    quantity: str
    price: str
    currency: str
    executed_at_ns: int
    effect: str
    order_id: str
    position_id: str
    reason: str
    realised_pnl: str | None
    pnl_currency: str
    fees: Mapping[str, str]


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
    """All executions and cash events of one account, oldest first."""

    account: str
    currency: str
    executions: list[TrueExecution] = field(default_factory=list)
    cash_events: list[TrueCashEvent] = field(default_factory=list)

    def execution(
        self,
        *,
        transaction: str,
        trade: str,
        leg: str,
        order: str,
        symbol: str,
        units: Decimal,
        price: Decimal,
        ns: int,
        reason: str,
        realised: Decimal | None,
        commission: Decimal,
        guaranteed: Decimal,
    ) -> None:
        """Write down one leg; `units` are signed as bought or sold."""
        fees = {"commission": commission, "guaranteed_execution_fee": guaranteed}
        self.executions.append(
            TrueExecution(
                broker_account_id=self.account,
                source_trade_id=f"{transaction}:{trade}:{leg}",
                symbol=symbol,
                side="buy" if units > 0 else "sell",
                quantity=text(abs(units)),
                price=text(price),
                currency=symbol.rpartition("_")[2],
                executed_at_ns=ns,
                effect="open" if leg == "open" else "close",
                order_id=order,
                position_id=trade,
                reason=reason,
                realised_pnl=None if realised is None else text(realised),
                pnl_currency=self.currency,
                fees={name: text(amount) for name, amount in fees.items() if amount},
            )
        )

    def cash(self, *, source_id: str, kind: str, amount: Decimal, ns: int, symbol: str = "", trade: str = "") -> None:
        """Write down a movement of cash; one of nothing is none."""
        if amount:
            self.cash_events.append(
                TrueCashEvent(
                    broker_account_id=self.account,
                    source_id=source_id,
                    kind=kind,
                    amount=text(amount),
                    currency=self.currency,
                    occurred_at_ns=ns,
                    symbol=symbol,
                    position_id=trade,
                )
            )


def text(number: Decimal) -> str:
    """A number without exponent and trailing zeros: equal numbers, equal texts."""
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain
