"""Deals, positions and pages of a bridge, for tests of what they mean."""

import json
from datetime import UTC, datetime
from pathlib import Path

from brokersync.brokers.mt5.provider import provider
from brokersync.domain.pages import Normalised, RawPage

LOGIN = "52557820"
FIXTURES = Path(__file__).parents[3] / "fixtures" / "mt5"
RECEIVED = datetime(2024, 3, 11, 12, tzinfo=UTC)
AT_MS = 1_709_892_000_000  # 2024-03-08 10:00:00 by the server's clock, two hours ahead of UTC

Row = dict[str, object]


def deal(**fields: object) -> Row:
    """A deal: half a lot of EURUSD bought, unless the fields say otherwise."""
    usual: Row = {
        "ticket": 1_350_000_011,
        "order": 1_350_000_010,
        "time": AT_MS // 1000,
        "time_msc": AT_MS,
        "type": 0,
        "entry": 0,
        "magic": 0,
        "position_id": 1_350_000_010,
        "reason": 3,
        "volume": 0.5,
        "price": 1.08512,
        "commission": -1.75,
        "swap": 0.0,
        "profit": 0.0,
        "fee": 0.0,
        "symbol": "EURUSD",
        "comment": "",
        "external_id": "",
    }
    return {**usual, **fields}


def operation(kind: int, profit: float, **fields: object) -> Row:
    """A balance operation."""
    nothing = {"order": 0, "position_id": 0, "reason": 0, "volume": 0.0, "price": 0.0, "commission": 0.0, "symbol": ""}
    return deal(type=kind, profit=profit, **{**nothing, **fields})


def position(**fields: object) -> Row:
    """An open position."""
    usual: Row = {
        "ticket": 1_350_000_010,
        "time": AT_MS // 1000,
        "time_msc": AT_MS + 250,
        "time_update": AT_MS // 1000 + 60,
        "time_update_msc": AT_MS + 60_125,
        "type": 0,
        "identifier": 1_350_000_010,
        "volume": 0.1,
        "price_open": 1.08561,
        "sl": 1.08,
        "tp": 0.0,
        "price_current": 1.08585,
        "swap": -0.65,
        "profit": 2.4,
        "symbol": "EURUSD",
    }
    return {**usual, **fields}


def info(**fields: object) -> Row:
    """An account's info."""
    usual: Row = {
        "login": int(LOGIN),
        "currency": "USD",
        "balance": 10_000.0,
        "equity": 10_002.4,
        "margin": 21.71,
        "margin_free": 9_980.69,
        "margin_level": 46_072.77,
        "currency_digits": 2,
        "margin_mode": 2,
        "name": "Example Trader",
    }
    return {**usual, **fields}


def page(body: object, section: str = "history", **facts: str) -> RawPage:
    """A page as a fetch yields it; `body` is JSON or bytes."""
    usual = {"login": LOGIN, "currency": "USD", "margin_mode": "2", "server_zone": "America/New_York+7"}
    return RawPage(
        section=section,
        method="GET",
        path=f"/api/mt5/account/{LOGIN}/{section}",
        params={},
        status=200,
        received_at=RECEIVED,
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        facts={**usual, **facts},
    )


def read(*rows: object, **facts: str) -> Normalised:
    """What a page of deals says."""
    return provider.normalise([page({"success": True, "data": {"deals": list(rows)}}, **facts)], [LOGIN])
