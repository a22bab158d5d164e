"""Changes of cash to cash events. Pure.

What a trade costs and brings is with its execution: its fees by the list of fees, its profit by the pair it closed.
"""

from collections.abc import Mapping
from typing import Final

from brokersync.brokers.tradovate.joins import Joins
from brokersync.brokers.tradovate.models import CashChange
from brokersync.domain.trades import CashEvent, CashKind

_FEES_OF_FILLS: Final = frozenset(
    {"BrokerageFee", "ClearingFee", "Commission", "ExchangeFee", "IPFee", "NfaFee", "OrderRoutingFee"}
)
_PREMIUM: Final = "OptionsTrade"
_KINDS: Final[Mapping[str, CashKind]] = {
    "AccountClosureFee": CashKind.FEE,
    "AddUserFee": CashKind.FEE,
    "AutomaticReconciliation": CashKind.ADJUSTMENT,
    "BrokerageFee": CashKind.FEE,
    "CancelledPairedTrade": CashKind.ADJUSTMENT,
    "CashSettlement": CashKind.ADJUSTMENT,
    "ClearingFee": CashKind.FEE,
    "Commission": CashKind.FEE,
    "Courtesy": CashKind.ADJUSTMENT,
    "DepositFee": CashKind.FEE,
    "DeskFee": CashKind.FEE,
    "DormantFee": CashKind.FEE,
    "EntitlementSubscription": CashKind.FEE,
    "ExchangeFee": CashKind.FEE,
    "FundTransactionFee": CashKind.FEE,
    "GoodwillCredit": CashKind.ADJUSTMENT,
    "IPFee": CashKind.FEE,
    "InactivityFee": CashKind.FEE,
    "LiquidationFee": CashKind.FEE,
    "LiquidationFee2": CashKind.FEE,
    "ManualAdjustment": CashKind.ADJUSTMENT,
    "MarketDataSubscription": CashKind.FEE,
    "NewSession": CashKind.ADJUSTMENT,
    "NfaFee": CashKind.FEE,
    "NsfCheckFee": CashKind.FEE,
    "OptionsTrade": CashKind.ADJUSTMENT,
    "OrderRoutingFee": CashKind.FEE,
    "RithmicFee": CashKind.FEE,
    "SeatLeasePayment": CashKind.FEE,
    "StopPaymentFee": CashKind.FEE,
    "ThirdPartyFee": CashKind.FEE,
    "TradePaired": CashKind.ADJUSTMENT,
    "TradovateSubscription": CashKind.FEE,
}


def cash_event(change: CashChange, joins: Joins) -> CashEvent | None:
    """A change of cash; None for one that no cash came of, or that an execution tells. Raises RowProblem."""
    if not change.delta or _is_of_a_trade(change):
        return None
    return CashEvent(
        broker_account_id=change.account_id,
        source_id=f"cash:{change.id}",
        kind=_kind(change),
        amount=change.delta,
        currency=joins.currency(change.currency_id),
        occurred_at=change.timestamp,
        description=": ".join(filter(None, (change.cash_change_type, change.comment))),
    )


def _is_of_a_trade(change: CashChange) -> bool:
    kind = change.cash_change_type
    return change.is_paired or (bool(change.fill_id) and (kind in _FEES_OF_FILLS or kind == _PREMIUM))


def _kind(change: CashChange) -> CashKind:
    if change.cash_change_type == "FundTransaction":
        return CashKind.WITHDRAWAL if change.delta < 0 else CashKind.DEPOSIT
    return _KINDS.get(change.cash_change_type, CashKind.OTHER)
