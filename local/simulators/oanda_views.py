"""What OANDA's endpoints answer about an account, made of its book. Shapes: developer.oanda.com/rest-live-v20."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from local.simulators.oanda_book import ALIAS, ZERO, Book, Trade, Transaction, money
from local.simulators.oanda_time import rfc3339
from local.simulators.oanda_truth import text

Json = dict[str, object]


def figures(book: Book) -> Json:
    """What moves with the prices: NAV, unrealised P&L, margin."""
    unrealised = sum((book.unrealised(trade) for trade in book.open_trades.values()), ZERO)
    margin = sum((book.margin(trade) for trade in book.open_trades.values()), ZERO)
    nav = book.totals.balance + unrealised
    available = max(nav - margin, ZERO)
    return {
        "unrealizedPL": money(unrealised),
        "NAV": money(nav),
        "marginUsed": money(margin),
        "marginAvailable": money(available),
        "positionValue": money(margin * 30),
        "marginCloseoutUnrealizedPL": money(unrealised),
        "marginCloseoutNAV": money(nav),
        "marginCloseoutMarginUsed": money(margin),
        "marginCloseoutPercent": format((margin / nav / 2).quantize(Decimal("0.00001")) if nav else ZERO, "f"),
        "withdrawalLimit": money(available),
    }


def summary(book: Book) -> Json:
    """The account of GET /accounts/{id}/summary."""
    return {
        "id": book.account,
        "alias": ALIAS,
        "currency": book.currency,
        "createdTime": rfc3339(book.created),
        "createdByUserID": int(book.account.split("-")[2]),
        "hedgingEnabled": book.hedging,
        "guaranteedStopLossOrderMode": "ALLOWED",
        "marginRate": "0.02",
        "balance": money(book.totals.balance),
        "pl": money(book.totals.pl),
        "resettablePL": money(book.totals.pl),
        "financing": money(book.totals.financing),
        "commission": money(book.totals.commission),
        "guaranteedExecutionFees": money(book.totals.guaranteed_fees),
        "openTradeCount": len(book.open_trades),
        "openPositionCount": len({trade.instrument for trade in book.open_trades.values()}),
        "pendingOrderCount": len(book.pending),
        **figures(book),
        "lastTransactionID": str(book.last_id),
    }


def whole(book: Book) -> Json:
    """The account of GET /accounts/{id}: the summary with its Trades (naming their orders), positions and orders."""
    return {
        **summary(book),
        "trades": [trade_shown(book, trade, whole_orders=False) for trade in reversed(book.open_trades.values())],
        "positions": positions(book),
        "orders": [order for trade in book.open_trades.values() for order in _dependent(trade)],
    }


def trade_shown(book: Book, trade: Trade, *, whole_orders: bool = True) -> Json:
    """A Trade, open or closed."""
    shown: Json = {
        "id": trade.id,
        "instrument": trade.instrument,
        "price": text(trade.price),
        "openTime": rfc3339(trade.opened),
        "initialUnits": text(trade.initial_units),
        "currentUnits": text(trade.units),
        "state": "CLOSED" if trade.closed else "OPEN",
        "realizedPL": money(trade.realised),
        "financing": money(trade.financing),
    }
    if trade.closing_transactions:
        average = trade.closed_value / abs(trade.initial_units - trade.units)
        shown |= {
            "closingTransactionIDs": list(trade.closing_transactions),
            "averageClosePrice": text(average.quantize(Decimal("0.00001"))),
        }
    if trade.closed:
        return shown | {"closeTime": rfc3339(trade.closed)}
    shown |= {"unrealizedPL": money(book.unrealised(trade)), "marginUsed": money(book.margin(trade))}
    for name, order in zip(("takeProfitOrder", "stopLossOrder"), _dependent(trade), strict=False):
        shown |= {name: order} if whole_orders else {f"{name}ID": order["id"]}
    return shown


def _dependent(trade: Trade) -> list[Json]:
    kinds = (("TAKE_PROFIT", trade.take_profit), ("STOP_LOSS", trade.stop_loss))
    return [
        {"id": order[0], "type": kind, "tradeID": trade.id, "price": text(order[1]), "state": "PENDING"}
        for kind, order in kinds
        if order
    ]


def positions(book: Book) -> list[Json]:
    """Open positions: the Trades of each instrument, long and short apart."""
    instruments = dict.fromkeys(trade.instrument for trade in book.open_trades.values())
    return [_position(book, instrument) for instrument in instruments]


def _position(book: Book, instrument: str) -> Json:
    held = [trade for trade in book.open_trades.values() if trade.instrument == instrument]
    return {
        "instrument": instrument,
        "pl": money(sum((trade.realised for trade in held), ZERO)),
        "unrealizedPL": money(sum((book.unrealised(trade) for trade in held), ZERO)),
        "marginUsed": money(sum((book.margin(trade) for trade in held), ZERO)),
        "long": _side(book, [trade for trade in held if trade.units > 0]),
        "short": _side(book, [trade for trade in held if trade.units < 0]),
    }


def _side(book: Book, held: Sequence[Trade]) -> Json:
    units = sum((trade.units for trade in held), ZERO)
    shown: Json = {"units": text(units), "unrealizedPL": money(sum((book.unrealised(one) for one in held), ZERO))}
    if units:
        average = sum((trade.units * trade.price for trade in held), ZERO) / units
        shown |= {
            "averagePrice": text(average.quantize(Decimal("0.00001"))),
            "tradeIDs": [trade.id for trade in held],
            "financing": money(sum((trade.financing for trade in held), ZERO)),
        }
    return shown


def changes(book: Book, since: int) -> Json:
    """The body of GET /accounts/{id}/changes, but for lastTransactionID."""
    newer: Sequence[Transaction] = book.transactions[since:]
    ids = {str(transaction["id"]) for transaction in newer}
    opened = [trade for trade in book.open_trades.values() if trade.id in ids]
    reduced = [trade for trade in book.open_trades.values() if ids.intersection(trade.closing_transactions)]
    closed = [trade for trade in book.closed_trades if ids.intersection(trade.closing_transactions[-1:])]

    def shown(trades: Iterable[Trade]) -> list[Json]:
        return [trade_shown(book, trade, whole_orders=False) for trade in trades]

    return {
        "changes": {
            "transactions": list(newer),
            "tradesOpened": shown(opened),
            "tradesReduced": shown(reduced),
            "tradesClosed": shown(closed),
            "positions": positions(book),
            "ordersCreated": [],
            "ordersCancelled": [],
            "ordersFilled": [],
            "ordersTriggered": [],
        },
        "state": figures(book),
    }
