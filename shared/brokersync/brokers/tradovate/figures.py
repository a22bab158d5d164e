"""Accounts, balances and open positions. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from brokersync.brokers.tradovate.joins import Joins, RowProblem
from brokersync.brokers.tradovate.models import Account, CashBalance, Position, Snapshot
from brokersync.domain.portfolio import AccountInfo, Balance
from brokersync.domain.portfolio import Position as OpenPosition
from brokersync.domain.times import BrokerTime, to_ns
from brokersync.domain.trades import Side

USUAL_CURRENCY = "USD"
"""Of an account without cash, and of one with cash in several currencies: the snapshot adds them up in dollars."""


def received(moment: datetime) -> BrokerTime:
    """Tradovate's figures are of the moment at which they are asked for."""
    return BrokerTime(ns=to_ns(moment), raw=moment.isoformat(), zone="time of receipt")


def needs_snapshot(cash: Sequence[CashBalance], *, holds_positions: bool) -> bool:
    """Whether an account's figures can't be told by its cash: it has open positions, or not just one kind of cash."""
    return holds_positions or len(cash) != 1


def account_info(account: Account, cash: Sequence[CashBalance], joins: Joins) -> AccountInfo:
    """The account as it is listed. Its number is Tradovate's id, for its name may change."""
    return AccountInfo(broker_account_id=account.id, currency=_currency(cash, joins), name=account.name)


def balance(
    account_id: str, cash: Sequence[CashBalance], snapshot: Snapshot | None, as_of: BrokerTime, joins: Joins
) -> Balance:
    """An account's figures: by its snapshot, or, of one that is flat, its cash, which is all that it is worth."""
    currency = _currency(cash, joins)
    if snapshot is None:
        amount = cash[0].amount
        return Balance(broker_account_id=account_id, currency=currency, as_of=as_of, balance=amount, equity=amount)
    in_dollars = currency == USUAL_CURRENCY  # what the snapshot of another account is in, nothing tells
    return Balance(
        broker_account_id=account_id,
        currency=currency,
        as_of=as_of,
        balance=cash[0].amount if len(cash) == 1 else snapshot.total_cash_value,
        equity=snapshot.net_liq if in_dollars else None,
        margin=snapshot.initial_margin if in_dollars else None,
    )


def position(row: Position, as_of: BrokerTime, joins: Joins) -> OpenPosition:
    """An open position. Raises RowProblem for a contract that isn't told."""
    return OpenPosition(
        broker_account_id=row.account_id,
        symbol=joins.symbol(row.contract_id),
        side=Side.SELL if row.net_pos < 0 else Side.BUY,
        volume=row.net_pos.copy_abs(),
        as_of=as_of,
        currency=_price_currency(row, joins),
        position_id=row.id,
        open_price=row.net_price,
    )


def by_account(rows: Sequence[CashBalance]) -> Mapping[str, Sequence[CashBalance]]:
    """Cash by the account that it is in."""
    found: dict[str, list[CashBalance]] = {}
    for row in rows:
        found.setdefault(row.account_id, []).append(row)
    return found


def _currency(cash: Sequence[CashBalance], joins: Joins) -> str:
    if len(cash) != 1:
        return USUAL_CURRENCY
    try:
        return joins.currency(cash[0].currency_id)
    except RowProblem:
        return USUAL_CURRENCY


def _price_currency(row: Position, joins: Joins) -> str:
    try:
        return joins.instrument(row.contract_id).currency
    except RowProblem:
        return ""  # the price itself stands
