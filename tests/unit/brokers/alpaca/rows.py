"""Activities and pages of Alpaca, for tests of what they mean."""

import json
from datetime import UTC, datetime
from pathlib import Path

from brokersync.brokers.alpaca.provider import provider
from brokersync.domain.pages import Normalised, RawPage

ACCOUNT = "PA30000TEST1"
ALPACA_ID = "0f9a7c3e-1111-4222-8333-444455556666"
FIXTURES = Path(__file__).parents[3] / "fixtures" / "alpaca"
RECEIVED = datetime(2024, 5, 20, 12, tzinfo=UTC)

Row = dict[str, object]


def fill(**fields: object) -> Row:
    """A fill of 10 AAPL at 187.30, unless the fields say otherwise."""
    usual: Row = {
        "id": "20240510100104650::c0000000-0000-4000-8000-000000000001",
        "activity_type": "FILL",
        "transaction_time": "2024-05-10T14:01:04.650275Z",
        "type": "fill",
        "price": "187.30",
        "qty": "10",
        "side": "buy",
        "symbol": "AAPL",
        "leaves_qty": "0",
        "order_id": "c0000000-0000-4000-8000-000000000901",
        "cum_qty": "10",
        "order_status": "filled",
    }
    return {**usual, **fields}


def other(kind: str, **fields: object) -> Row:
    """A non-trade activity of 14 May 2024 that moved 12.50."""
    usual: Row = {
        "id": "20240514000000000::c0000000-0000-4000-8000-000000000002",
        "activity_type": kind,
        "date": "2024-05-14",
        "net_amount": "12.50",
        "description": "",
        "status": "executed",
    }
    return {**usual, **fields}


def position(**fields: object) -> Row:
    """A long position of 5 AAPL."""
    usual: Row = {
        "asset_id": "b0000000-0000-4000-8000-000000000001",
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "avg_entry_price": "180",
        "qty": "5",
        "side": "long",
        "unrealized_pl": "36.5",
        "current_price": "187.3",
    }
    return {**usual, **fields}


def page(body: object, section: str = "activities", *, account: str = ACCOUNT) -> RawPage:
    """A page as a fetch yields it; `body` is JSON or bytes."""
    facts = {"account_number": account, "account_id": ALPACA_ID, "currency": "USD"}
    return RawPage(
        section=section,
        method="GET",
        path=f"/{section}",
        params={},
        status=200,
        received_at=RECEIVED,
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        facts={} if section == "account" else facts,
    )


def fixture(name: str, section: str) -> RawPage:
    """A fixture as a fetched page."""
    return page((FIXTURES / name).read_bytes(), section)


def saved(name: str) -> RawPage:
    """A fixture as a saved answer."""
    return provider.read_saved(name, (FIXTURES / name).read_bytes())


def read(*rows: object) -> Normalised:
    """What a page of activities says."""
    return provider.normalise([page(list(rows))], [ACCOUNT])
