"""What Tradovate's endpoints answer about some accounts: of every list, the rows of the present session."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from local.simulators.tradovate_book import Book
from local.simulators.tradovate_market import CONTRACTS, CURRENCIES, Contract
from local.simulators.tradovate_rows import ZERO, CashChange, Fill, Order, Pair, Position
from local.simulators.tradovate_time import rfc3339, session_date, trade_date

Json = dict[str, object]
_PRODUCTS: Final = {contract.product.id: contract.product for contract in CONTRACTS.values()}


class Session:
    """The lists of some accounts as they are told at a moment."""

    def __init__(self, books: Sequence[Book], now: datetime) -> None:
        self._books = books
        self._day = session_date(now)

    def orders(self) -> list[Json]:
        """order/list."""
        return [_order(book, order) for book in self._books for order in book.orders.values() if self._told(order.told)]

    def fills(self) -> list[Json]:
        """fill/list; which order they come in is not promised."""
        rows = [_fill(fill) for book in self._books for fill in book.fills.values() if self._told(fill.told)]
        return sorted(rows, key=lambda row: str(row["id"])[::-1])

    def fees(self) -> list[Json]:
        """fillFee/list."""
        return [_fee(fill) for book in self._books for fill in book.fills.values() if self._told(fill.told)]

    def pairs(self) -> list[Json]:
        """fillPair/list."""
        return [_pair(pair) for book in self._books for pair in book.pairs if self._told(pair.told)]

    def positions(self) -> list[Json]:
        """position/list: one row per contract that was ever traded."""
        return [_position(book, one) for book in self._books for one in book.positions.values()]

    def cash_log(self) -> list[Json]:
        """cashBalanceLog/ldeps."""
        return [_change(book, change) for book in self._books for change in book.log if self._told(change.at)]

    def cash(self) -> list[Json]:
        """cashBalance/list."""
        return [_cash(book, currency) for book in self._books for currency in book.cash]

    def _told(self, moment: datetime) -> bool:
        return session_date(moment) == self._day


def items(entity: str, ids: Iterable[int], books: Sequence[Book]) -> list[Json]:
    """{entity}/items: those of the ids that there are. Raises KeyError for an entity without items."""
    find: Mapping[str, Callable[[int], Json | None]] = {
        "order": lambda number: next((_order(one, one.orders[number]) for one in books if number in one.orders), None),
        "contract": lambda number: _contract(CONTRACTS[number]) if number in CONTRACTS else None,
        "contractMaturity": _maturity,
        "product": _product,
    }
    look = find[entity]
    return [row for row in map(look, ids) if row is not None]


def currencies() -> list[Json]:
    """currency/list."""
    return [{"id": number, "name": name, "symbol": name[:1]} for number, name in CURRENCIES.items()]


def snapshot(book: Book) -> Json:
    """cashBalance/getcashbalancesnapshot, in dollars."""
    cash = book.cash.get(1, ZERO)
    gain = book.open_profit(1)
    return {
        "totalCashValue": _number(cash),
        "totalPnL": _number(gain),
        "initialMargin": _number(book.margin(1)),
        "maintenanceMargin": _number(book.margin(1) / 2),
        "netLiq": _number(cash + gain),
        "openPnL": _number(gain),
        "realizedPnL": 0,
        "weekRealizedPnL": 0,
    }


def account(book: Book, name: str, user: int, opened: datetime) -> Json:
    """A row of account/list."""
    return {
        "id": book.account,
        "name": name,
        "userId": user,
        "accountType": "Customer",
        "active": True,
        "clearingHouseId": 2,
        "riskCategoryId": 16,
        "autoLiqProfileId": 4,
        "marginAccountType": "Speculator",
        "legalStatus": "Individual",
        "timestamp": rfc3339(opened),
        "readonly": False,
    }


def _order(book: Book, order: Order) -> Json:
    return {
        "id": order.id,
        "accountId": book.account,
        "contractId": order.contract,
        "timestamp": rfc3339(order.at),
        "action": order.action,
        "ordStatus": order.status,
        "executionProviderId": 4,
        "admin": False,
    }


def _fill(fill: Fill) -> Json:
    return {
        "id": fill.id,
        "orderId": fill.order,
        "contractId": fill.contract,
        "timestamp": rfc3339(fill.at),
        "tradeDate": _date(fill.told),
        "action": "Buy" if fill.signed > 0 else "Sell",
        "qty": abs(fill.signed),
        "price": _number(fill.price),
        "active": fill.active,
        "finallyPaired": 0,
        "external": False,
    }


def _fee(fill: Fill) -> Json:
    row: Json = {"id": fill.id}
    names = {"commission": "commission", "order_routing": "orderRoutingFee"}
    currency = CONTRACTS[fill.contract].product.currency
    for name, amount in fill.costs.items():
        row[names.get(name, f"{name}Fee")] = _number(amount)
        row[f"{'orderRouting' if name == 'order_routing' else name}CurrencyId"] = currency
    return row


def _pair(pair: Pair) -> Json:
    return {
        "id": pair.id,
        "positionId": pair.position,
        "buyFillId": pair.buy.id,
        "sellFillId": pair.sell.id,
        "qty": pair.qty,
        "buyPrice": _number(pair.buy.price),
        "sellPrice": _number(pair.sell.price),
        "active": pair.active,
    }


def _position(book: Book, one: Position) -> Json:
    row: Json = {
        "id": one.id,
        "accountId": book.account,
        "contractId": one.contract,
        "timestamp": rfc3339(one.touched),
        "tradeDate": _date(one.touched),
        "netPos": one.net,
        "bought": 0,
        "boughtValue": 0,
        "sold": 0,
        "soldValue": 0,
        "prevPos": 0,
    }
    return row if one.price is None else row | {"netPrice": _number(one.price)}


def _cash(book: Book, currency: int) -> Json:
    last = next(change for change in reversed(book.log) if change.currency == currency)
    return {
        "id": book.account * 10 + currency,
        "accountId": book.account,
        "timestamp": rfc3339(last.at),
        "tradeDate": _date(last.at),
        "currencyId": currency,
        "amount": _number(book.cash[currency]),
        "realizedPnL": 0,
        "weekRealizedPnL": 0,
    }


def _change(book: Book, change: CashChange) -> Json:
    row: Json = {
        "id": change.id,
        "accountId": book.account,
        "timestamp": rfc3339(change.at),
        "tradeDate": _date(change.at),
        "currencyId": change.currency,
        "amount": _number(change.amount),
        "cashChangeType": change.kind,
        "delta": _number(change.delta),
    }
    told = {"fillId": change.fill, "fillPairId": change.pair, "comment": change.comment or None}
    return row | {name: value for name, value in told.items() if value is not None}


def _contract(contract: Contract) -> Json:
    return {
        "id": contract.id,
        "name": contract.name,
        "contractMaturityId": contract.maturity,
        "status": "Active",
        "providerTickSize": _number(contract.product.tick),
    }


def _maturity(number: int) -> Json | None:
    contract = next((one for one in CONTRACTS.values() if one.maturity == number), None)
    if contract is None:
        return None
    return {
        "id": number,
        "productId": contract.product.id,
        "expirationMonth": 202612,
        "expirationDate": contract.expires,
        "isFront": True,
    }


def _product(number: int) -> Json | None:
    product = _PRODUCTS.get(number)
    if product is None:
        return None
    return {
        "id": number,
        "name": product.name,
        "currencyId": product.currency,
        "productType": product.type,
        "description": product.description,
        "exchangeId": 1,
        "status": "Verified",
        "valuePerPoint": _number(product.value_per_point),
        "tickSize": _number(product.tick),
        "isMicro": False,
    }


def _date(moment: datetime) -> Json:
    day = trade_date(moment)
    return {"year": day.year, "month": day.month, "day": day.day}


def _number(amount: Decimal) -> object:
    """As Tradovate writes it: a JSON number, made of a float of 64 bits."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)
