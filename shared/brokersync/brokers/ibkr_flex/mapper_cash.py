"""Rows of CashTransaction: deposits, dividends, interest, fees and taxes."""

from decimal import Decimal
from typing import Final

from brokersync.brokers.ibkr_flex.rows import CashRow
from brokersync.brokers.ibkr_flex.values import RowError, first_moment, required, required_number
from brokersync.domain.trades import CashEvent, CashKind

CASH: Final = CashRow()
_KINDS = {
    "Dividends": CashKind.DIVIDEND,
    "Payment In Lieu Of Dividends": CashKind.DIVIDEND,
    "Withholding Tax": CashKind.TAX,
    "871(m) Withholding": CashKind.TAX,
    "Broker Interest Paid": CashKind.INTEREST,
    "Broker Interest Received": CashKind.INTEREST,
    "Bond Interest Paid": CashKind.INTEREST,
    "Bond Interest Received": CashKind.INTEREST,
    "Other Fees": CashKind.FEE,
    "Broker Fees": CashKind.FEE,
    "Advisor Fees": CashKind.FEE,
    "Client Fees": CashKind.FEE,
    "Commission Adjustments": CashKind.FEE,
    "Price Adjustments": CashKind.ADJUSTMENT,
}


def is_detail(row: CashRow) -> bool:
    """Whether the row is one booking; SUMMARY rows add the same bookings up once more.

    Where levelOfDetail is not selected, only a booking has an id. Raises RowError when there is neither.
    """
    if row.level:
        return row.level == "DETAIL"
    if row.transaction_id:
        return True
    raise RowError(CASH.level, "without it or transactionID a booking can't be told from a sum: select both")


def cash_event(row: CashRow, account: str) -> CashEvent:
    """One booking. `source_id` is empty where the row has no id. Raises RowError."""
    amount = required_number(row.amount, CASH.amount)
    kind = _kind(required(row.kind, CASH.kind), amount)
    return CashEvent(
        broker_account_id=account,
        source_id=row.transaction_id,
        kind=kind,
        amount=amount,
        currency=required(row.currency, CASH.currency),
        occurred_at=first_moment(
            (row.date_time, CASH.date_time), (row.report_date, CASH.report_date), (row.settle_date, CASH.settle_date)
        ),
        symbol=row.symbol,
        description=f"{row.kind}: {row.description}" if kind is CashKind.OTHER else row.description,
    )


def _kind(said: str, amount: Decimal) -> CashKind:
    if said.startswith("Deposits"):  # written with "/" or "&"
        return CashKind.WITHDRAWAL if amount < 0 else CashKind.DEPOSIT
    return _KINDS.get(said, CashKind.OTHER)
