"""Transactions that move cash without a trade: transfers, daily financing, dividend adjustments. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple

from brokersync.brokers.oanda.models import DailyFinancing, DividendAdjustment, TransferFunds
from brokersync.domain.trades import CashEvent, CashKind

# FundingReason -> what it is here; CLIENT_FUNDING goes by its sign, and a reason that is not listed is OTHER.
_TRANSFERS = {
    "ACCOUNT_TRANSFER": CashKind.TRANSFER,
    "DIVISION_MIGRATION": CashKind.TRANSFER,
    "SITE_MIGRATION": CashKind.TRANSFER,
    "ADJUSTMENT": CashKind.ADJUSTMENT,
}


class Part(NamedTuple):
    """One Trade's part of an amount."""

    trade_id: str
    symbol: str
    amount: Decimal


def transfer(funds: TransferFunds, account: str, currency: str) -> Iterator[CashEvent]:
    """A deposit, withdrawal, transfer or adjustment."""
    if funds.funding_reason == "CLIENT_FUNDING":
        kind = CashKind.DEPOSIT if funds.amount > 0 else CashKind.WITHDRAWAL
    else:
        kind = _TRANSFERS.get(funds.funding_reason, CashKind.OTHER)
    yield CashEvent(
        broker_account_id=account,
        source_id=f"{funds.id}:transfer",
        kind=kind,
        amount=funds.amount,
        currency=currency,
        occurred_at=funds.time,
        description=": ".join(filter(None, (funds.funding_reason, funds.comment))),
    )


def daily_financing(daily: DailyFinancing, account: str, currency: str) -> Iterator[CashEvent]:
    """What the open Trades earned or paid since the day before.

    A Trade's own `financing` is the running sum of these: never added to them.
    """
    parts = [
        Part(trade.trade_id, position.instrument, trade.financing)
        for position in daily.position_financings or ()
        for trade in position.open_trade_financings or ()
    ]
    whole = CashEvent(
        broker_account_id=account,
        source_id=f"{daily.id}:financing",
        kind=CashKind.FINANCING,
        amount=daily.financing,
        currency=currency,
        occurred_at=daily.time,
        description="Daily financing",
    )
    return spread(whole, parts)


def dividend(adjustment: DividendAdjustment, account: str, currency: str) -> Iterator[CashEvent]:
    """What the open Trades of an index or share CFD earned or paid for a dividend."""
    parts = [
        Part(trade.trade_id, adjustment.instrument, trade.dividend_adjustment)
        for trade in adjustment.open_trade_dividends or ()
    ]
    whole = CashEvent(
        broker_account_id=account,
        source_id=f"{adjustment.id}:dividend",
        kind=CashKind.DIVIDEND,
        amount=adjustment.dividend_adjustment,
        currency=currency,
        occurred_at=adjustment.time,
        symbol=adjustment.instrument,
        description="Dividend adjustment",
    )
    return spread(whole, parts)


def spread(whole: CashEvent, parts: Sequence[Part]) -> Iterator[CashEvent]:
    """An amount as one event per Trade that has a part in it; together they are exactly the whole.

    What the parts don't explain stays an event without a Trade under the whole's id. Events of nothing are left out.
    """
    by_trade: dict[str, Part] = {}
    for part in parts:
        known = by_trade.get(part.trade_id)
        by_trade[part.trade_id] = part._replace(amount=known.amount + part.amount) if known else part
    stem, _, last = whole.source_id.rpartition(":")
    for part in by_trade.values():
        if part.amount:
            yield replace(
                whole,
                source_id=f"{stem}:{part.trade_id}:{last}",
                amount=part.amount,
                symbol=part.symbol,
                position_id=part.trade_id,
            )
    rest = whole.amount - sum((part.amount for part in parts), Decimal(0))
    if rest:
        yield replace(whole, amount=rest)
