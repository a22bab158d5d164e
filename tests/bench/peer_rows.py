"""What both peers load from OANDA's simulator: the entries that a ledger holds, flat. Standard library only.

Beside this file, so that peers in other environments find it; they differ in how they fetch and where they land.
"""

from collections.abc import Callable, Iterator
from typing import Any

Row = dict[str, str]
Document = dict[str, Any]


def pages(get: Callable[[str], Document], account: str, copies: int) -> Iterator[list[Row]]:
    """The account's rows, a page of 1,000 transactions at a time; `get` fetches a path and decodes its JSON.

    The account is loaded `copies` times over, each time as another account's: so there are enough rows to measure
    without a simulator that needs minutes to make them up.
    """
    for copy in range(copies):
        reached, newest = 0, 1
        while reached < newest:
            page = get(f"/accounts/{account}/transactions/sinceid?id={reached}")
            transactions = page["transactions"]
            reached, newest = int(transactions[-1]["id"]), int(page["lastTransactionID"])
            yield [row for one in transactions for row in _rows(one, copy)]


def _rows(one: Document, copy: int) -> Iterator[Row]:
    """One row per leg of a fill, and one per movement of cash."""
    match one["type"]:
        case "ORDER_FILL":
            for leg, effect in _legs(one):
                yield _row(one, copy, leg, effect, quantity=leg["units"], amount=leg.get("realizedPL", ""))
                if float(leg.get("financing", 0)):
                    yield _row(one, copy, leg, "financing", amount=leg["financing"])
        case "DAILY_FINANCING":
            for position in one["positionFinancings"]:
                for leg in position["openTradeFinancings"]:
                    yield _row(one | position, copy, leg, "financing", amount=leg["financing"])
        case "DIVIDEND_ADJUSTMENT":
            for leg in one["openTradeDividendAdjustments"]:
                yield _row(one, copy, leg, "dividend", amount=leg["dividendAdjustment"])
        case "TRANSFER_FUNDS":
            yield _row(one, copy, {}, "transfer", amount=one["amount"])


def _legs(fill: Document) -> Iterator[tuple[Document, str]]:
    for name, effect in (("tradeOpened", "open"), ("tradeReduced", "reduce")):
        if name in fill:
            yield fill[name], effect
    for leg in fill.get("tradesClosed", ()):
        yield leg, "close"


def _row(one: Document, copy: int, leg: Document, effect: str, *, quantity: str = "", amount: str = "") -> Row:
    trade = leg.get("tradeID", "")
    return {
        "id": f"{copy}:{one['id']}:{trade}:{effect}",
        "account_id": f"{copy}:{one['accountID']}",
        "symbol": one.get("instrument", ""),
        "effect": effect,
        "quantity": quantity,
        "price": leg.get("price") or one.get("price", ""),
        "amount": amount,
        "commission": one.get("commission", ""),
        "order_id": one.get("orderID", ""),
        "position_id": trade,
        "reason": one.get("reason", ""),
        "occurred_at": one["time"],
    }
