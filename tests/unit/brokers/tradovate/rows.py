"""Tradovate's entities and pages, for tests of what they mean."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from brokersync.brokers.tradovate.provider import provider
from brokersync.domain.pages import Normalised, RawPage

ACCOUNT, OTHER = "8100011", "8100012"
FIXTURES = Path(__file__).parents[3] / "fixtures" / "tradovate"
RECEIVED = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)

Row = dict[str, object]


def account(**fields: object) -> Row:
    """An account."""
    return {"id": int(ACCOUNT), "name": "DEMO8100011", "clearingHouseId": 2, "active": True, **fields}


def order(**fields: object) -> Row:
    """An order of the first account for ESH6."""
    return {"id": 101, "accountId": int(ACCOUNT), "contractId": 55, "ordStatus": "Filled", **fields}


def fill(**fields: object) -> Row:
    """One ESH6, bought at 5278.25 by order 101."""
    usual: Row = {
        "id": 60100000201,
        "orderId": 101,
        "contractId": 55,
        "timestamp": "2026-03-10T14:30:00.412Z",
        "tradeDate": {"year": 2026, "month": 3, "day": 10},
        "action": "Buy",
        "qty": 1,
        "price": 5278.25,
        "active": True,
        "finallyPaired": 0,
    }
    return {**usual, **fields}


def fee(**fields: object) -> Row:
    """What fill 60100000201 cost: 2.38 dollars."""
    usual: Row = {
        "id": 60100000201,
        "clearingFee": 0.19,
        "clearingCurrencyId": 1,
        "exchangeFee": 1.4,
        "exchangeCurrencyId": 1,
        "commission": 0.79,
        "commissionCurrencyId": 1,
    }
    return {**usual, **fields}


def pair(**fields: object) -> Row:
    """Fill 201 closed by fill 202."""
    return {"id": 301, "positionId": 401, "buyFillId": 201, "sellFillId": 202, "qty": 1, "active": True, **fields}


def position(**fields: object) -> Row:
    """Two ESH6 of the first account, long."""
    usual: Row = {"id": 401, "accountId": int(ACCOUNT), "contractId": 55, "netPos": 2, "netPrice": 5278.25}
    return {**usual, **fields}


def cash(**fields: object) -> Row:
    """Cash of the first account."""
    return {"id": 1, "accountId": int(ACCOUNT), "currencyId": 1, "amount": 50000.25, **fields}


def change(kind: str, **fields: object) -> Row:
    """A change of the first account's cash, by 12.5 dollars."""
    usual: Row = {
        "id": 501,
        "accountId": int(ACCOUNT),
        "timestamp": "2026-03-10T15:00:00.000Z",
        "currencyId": 1,
        "amount": 50012.5,
        "cashChangeType": kind,
        "delta": 12.5,
    }
    return {**usual, **fields}


LOOKED_UP: Mapping[str, list[Row]] = {
    "accounts": [account(), account(id=int(OTHER), name="DEMO8100012")],
    "currencies": [{"id": 1, "name": "USD", "symbol": "$"}, {"id": 2, "name": "EUR", "symbol": "E"}],
    "contracts": [{"id": 55, "name": "ESH6", "contractMaturityId": 66}],
    "maturities": [{"id": 66, "productId": 77, "expirationDate": "2026-03-20T13:30:00.000Z"}],
    "products": [{"id": 77, "name": "ES", "currencyId": 1, "productType": "Futures", "valuePerPoint": 50}],
    "orders": [order()],
}
"""What leads from a fill to everything else."""


def page(section: str, rows: object, **fields: object) -> RawPage:
    """A page as a fetch yields it; `rows` is JSON or bytes."""
    usual = {
        "section": section,
        "method": "GET",
        "path": f"/{section}",
        "params": {},
        "status": 200,
        "received_at": RECEIVED,
        "body": rows if isinstance(rows, bytes) else json.dumps(rows).encode(),
    }
    return RawPage(**(usual | fields))  # type: ignore[arg-type]


def read(accounts: tuple[str, ...] = (ACCOUNT, OTHER), **sections: object) -> Normalised:
    """What lists say together; those that lead elsewhere are the usual ones unless given."""
    pages = [page(section, rows) for section, rows in {**LOOKED_UP, **sections}.items()]
    return provider.normalise(pages, accounts)


def saved(*names: str) -> list[RawPage]:
    """Fixtures as saved answers."""
    return [provider.read_saved(name, (FIXTURES / name).read_bytes()) for name in names]
