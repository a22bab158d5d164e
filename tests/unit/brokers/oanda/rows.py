"""Transactions and pages of OANDA, for tests of what they mean."""

import json
from datetime import UTC, datetime
from pathlib import Path

from brokersync.brokers.oanda.provider import provider
from brokersync.domain.pages import Normalised, RawPage

ACCOUNT = "101-004-1000001-001"
FIXTURES = Path(__file__).parents[3] / "fixtures" / "oanda"
RECEIVED = datetime(2024, 5, 10, 12, tzinfo=UTC)

Row = dict[str, object]


def row(kind: object, **fields: object) -> Row:
    """A transaction of the account, number 50 unless the fields say otherwise."""
    usual: Row = {
        "type": kind,
        "id": "50",
        "accountID": ACCOUNT,
        "batchID": "49",
        "time": "2024-05-10T08:00:00.123456789Z",
    }
    return {**usual, **fields}


def fill(**fields: object) -> Row:
    """An ORDER_FILL of 100 EUR_USD at 1.10000; its legs are the caller's."""
    usual: Row = {
        "orderID": "49",
        "instrument": "EUR_USD",
        "units": "100",
        "price": "1.10000",
        "reason": "MARKET_ORDER",
        "accountBalance": "1000.0000",
    }
    return row("ORDER_FILL", **{**usual, **fields})


def leg(trade: str, units: str, **fields: object) -> Row:
    """A leg of a fill."""
    return {"tradeID": trade, "units": units, **fields}


def page(
    body: object, section: str = "transactions", *, account: str = ACCOUNT, currency: str = "EUR", end: str = ""
) -> RawPage:
    """A page as a fetch yields it; `body` is JSON or bytes."""
    return RawPage(
        section=section,
        method="GET",
        path=f"/accounts/{account}/{end or section}",
        params={},
        status=200,
        received_at=RECEIVED,
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        facts={"currency": currency} if currency else {},
    )


def fixture(name: str, section: str) -> RawPage:
    """A fixture as a fetched page."""
    return page((FIXTURES / name).read_bytes(), section)


def saved(name: str) -> RawPage:
    """A fixture as a saved answer."""
    return provider.read_saved(name, (FIXTURES / name).read_bytes())


def read(*rows: object, currency: str = "EUR") -> Normalised:
    """What a page of transactions says."""
    body = {"transactions": list(rows), "lastTransactionID": "99"}
    return provider.normalise([page(body, currency=currency)], [ACCOUNT])
