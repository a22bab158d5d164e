"""What both peers load from OANDA's simulator: one flat row per leg of a fill. Standard library only.

Beside this file, so that peers in other environments find it; they differ in how they fetch and where they land.
"""

from collections.abc import Callable, Iterator
from typing import Any

Row = dict[str, str]

_LEGS = (("tradeOpened", "open"), ("tradeReduced", "reduce"))


def pages(get: Callable[[str], Any], account: str, copies: int) -> Iterator[list[Row]]:
    """The account's rows, a page of 1,000 transactions at a time; `get` fetches a path and decodes its JSON.

    The account is loaded `copies` times over, each time as another account's: that is enough rows to measure, without
    a simulator that needs minutes to make them up.
    """
    for copy in range(copies):
        reached, newest = 0, 1
        while reached < newest:
            page = get(f"/accounts/{account}/transactions/sinceid?id={reached}")
            transactions = page["transactions"]
            reached, newest = int(transactions[-1]["id"]), int(page["lastTransactionID"])
            yield [row for one in transactions if one["type"] == "ORDER_FILL" for row in _rows(one, copy)]


def _rows(fill: dict[str, Any], copy: int) -> Iterator[Row]:
    legs = [(fill[name], effect) for name, effect in _LEGS if name in fill]
    legs += [(leg, "close") for leg in fill.get("tradesClosed", ())]
    for leg, effect in legs:
        yield {
            "id": f"{copy}:{fill['id']}:{leg['tradeID']}:{effect}",
            "account_id": f"{copy}:{fill['accountID']}",
            "symbol": fill["instrument"],
            "effect": effect,
            "quantity": leg["units"],
            "price": leg.get("price", fill["price"]),
            "realised_pnl": leg.get("realizedPL", ""),
            "financing": leg.get("financing", ""),
            "commission": fill.get("commission", ""),
            "order_id": fill["orderID"],
            "position_id": leg["tradeID"],
            "reason": fill["reason"],
            "executed_at": fill["time"],
        }
