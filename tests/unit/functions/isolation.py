"""I7, the matrix: every route, and what it answers to whom. A route without a row here fails the tests that read it."""

from dataclasses import dataclass
from enum import StrEnum


class Opens(StrEnum):
    """What it takes to be answered."""

    PUBLIC = "nothing"
    TOKEN = "a token"
    OWN_ID = "a token, and an id that is its user's"
    OPERATOR = "an operator's token"


class Who(StrEnum):
    """Who asks: the columns of the matrix."""

    NOBODY = "no token"
    FORGED = "a token that somebody else signed"
    EXPIRED = "a token that has expired"
    MISDIRECTED = "a token for another audience"
    OWNER = "the owner"
    OTHER = "a user, for what is another's"
    GUESSING = "a user, for what nobody has"
    OPERATOR = "an operator"
    OPERATOR_OTHER = "an operator, for what is a user's"


STRANGERS = (Who.NOBODY, Who.FORGED, Who.EXPIRED, Who.MISDIRECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A route: what opens it, how it answers who may, and a valid body."""

    opens: Opens
    success: int = 200
    body: object = None

    def expected(self, who: Who) -> int:
        """The status that this route answers to them."""
        if self.opens is Opens.PUBLIC:
            return self.success
        if who in STRANGERS:
            return 401
        if self.opens is Opens.OPERATOR:
            return self.success if who in {Who.OPERATOR, Who.OPERATOR_OTHER} else 403
        if self.opens is Opens.OWN_ID and who in {Who.OTHER, Who.GUESSING, Who.OPERATOR_OTHER}:
            return 404
        return self.success


PUBLIC = Row(opens=Opens.PUBLIC)
MINE = Row(opens=Opens.TOKEN)
OWN = Row(opens=Opens.OWN_ID)
CREDENTIALS = {"token": "t"}

MATRIX: dict[tuple[str, str], Row] = {
    ("GET", "/"): PUBLIC,
    ("GET", "/static/{file}"): PUBLIC,
    ("GET", "/health"): PUBLIC,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/brokers"): MINE,
    ("GET", "/trading-accounts"): MINE,
    ("GET", "/sync-status"): MINE,
    ("POST", "/sync"): Row(opens=Opens.TOKEN, success=202, body={}),
    ("PATCH", "/trading-accounts/{account_id}"): Row(
        opens=Opens.OWN_ID, body={"display_name": "Mine", "interval_min": 60}
    ),
    ("GET", "/trading-accounts/{account_id}/sync-status"): OWN,
    ("POST", "/trading-accounts/{account_id}/sync"): Row(opens=Opens.OWN_ID, success=202),
    ("POST", "/trading-accounts/{account_id}/review"): Row(
        opens=Opens.OWN_ID, success=202, body={"decision": "accept"}
    ),
    ("GET", "/trading-accounts/{account_id}/sync-runs"): OWN,
    ("GET", "/trading-accounts/{account_id}/sync-runs/{run_id}"): OWN,
    ("GET", "/trading-accounts/{account_id}/trades"): OWN,
    ("GET", "/trading-accounts/{account_id}/trades/{trade_id}/versions"): OWN,
    ("POST", "/trading-accounts/{account_id}/backfill"): Row(
        opens=Opens.OWN_ID, success=202, body={"from": "2026-01-01T00:00:00Z"}
    ),
    ("DELETE", "/trading-accounts/{account_id}/backfill"): Row(opens=Opens.OWN_ID, success=202),
    ("GET", "/trading-accounts/{account_id}/round-trips"): OWN,
    ("GET", "/trading-accounts/{account_id}/realised-pnl"): OWN,
    ("POST", "/trading-accounts/{account_id}/exports"): Row(opens=Opens.OWN_ID, success=201, body={"what": "trades"}),
    ("GET", "/trading-accounts/{account_id}/portfolio"): OWN,
    ("GET", "/trading-accounts/{account_id}/equity"): OWN,
    ("GET", "/connections"): MINE,
    ("POST", "/connections"): Row(
        opens=Opens.TOKEN, success=202, body={"broker": "acme", "environment": "live", "credentials": CREDENTIALS}
    ),
    ("GET", "/connections/{connection_id}"): OWN,
    ("PATCH", "/connections/{connection_id}"): Row(opens=Opens.OWN_ID, success=202, body={"credentials": CREDENTIALS}),
    ("DELETE", "/connections/{connection_id}"): Row(opens=Opens.OWN_ID, success=202),
    ("GET", "/me"): MINE,
    ("PATCH", "/me"): Row(opens=Opens.TOKEN, body={"locale": "en"}),
    ("PUT", "/operator/users/{user_id}/plan"): Row(opens=Opens.OPERATOR, body={"plan": "pro"}),
}
"""By method and path of the OpenAPI document."""
