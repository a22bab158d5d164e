"""I7 at the gateway: the matrix of routes against tokens that are missing, forged, expired or for somebody else."""

import httpx
import pytest

from brokersync.domain.identity import user_id
from local.stack.identity import LocalIssuer
from tests.e2e.stage import Stage, Trader
from tests.unit.functions.isolation import MATRIX, STRANGERS, Opens, Row, Who

pytestmark = pytest.mark.stack

OTHERS_BODY = {"broker": "oanda", "environment": "practice", "credentials": {"token": "nobody's"}}


@pytest.fixture(scope="module")
def trader(here: Stage) -> Trader:
    trader = here.connect()
    here.wait_for_runs([trader], 1)
    return trader


@pytest.fixture(scope="module")
def forger(here: Stage) -> LocalIssuer:
    """Somebody who signs with a key of his own, in our issuer's name."""
    forger = LocalIssuer()
    forger.issuer = here.here.issuer.issuer
    return forger


def ask(here: Stage, trader: Trader, route: tuple[str, str], row: Row, token: str) -> httpx.Response:
    """A valid request about the trader's account."""
    method, path = route
    told = {
        "account_id": trader.account_id,
        "connection_id": here.stored.feed(trader.feed_id).connection_id,
        "run_id": "run_any",
        "trade_id": "any",
        "user_id": trader.user_id,
        "file": "style.css",
    }
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = OTHERS_BODY if route == ("POST", "/connections") else row.body
    return here.api.request(method, path.format(**told), headers=headers, json=body)


@pytest.mark.parametrize(("route", "row"), MATRIX.items(), ids=map(" ".join, MATRIX))
def test_i7_no_stranger_gets_in(
    here: Stage, trader: Trader, forger: LocalIssuer, route: tuple[str, str], row: Row
) -> None:
    # given every token that is none
    issuer = here.here.issuer
    tokens = {
        Who.NOBODY: "",
        Who.FORGED: forger.token(trader.subject),
        Who.EXPIRED: issuer.token(trader.subject, seconds=-60),
        Who.MISDIRECTED: issuer.token(trader.subject, aud="another-service"),
    }
    assert set(tokens) == set(STRANGERS)
    before = here.stored.feed(trader.feed_id)
    # when the route is asked
    answers = {who: ask(here, trader, route, row, token).status_code for who, token in tokens.items()}
    # then each is answered as the matrix says, and nothing has changed
    assert answers == {who: row.expected(who) for who in tokens}
    assert here.stored.feed(trader.feed_id) == before


OWN = [(route, row) for route, row in MATRIX.items() if row.opens is Opens.OWN_ID]


@pytest.mark.parametrize(("route", "row"), OWN, ids=[" ".join(route) for route, _ in OWN])
def test_i7_another_traders_token_finds_nothing(here: Stage, trader: Trader, route: tuple[str, str], row: Row) -> None:
    # given somebody else, and the same somebody as an operator
    before = here.stored.feed(trader.feed_id)
    for scope in ("", "openid operator"):
        answer = ask(here, trader, route, row, here.here.issuer.token("somebody-else", scope=scope))
        # then the trader's things are not there
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"
    assert here.stored.feed(trader.feed_id) == before


def put_plan(here: Stage, path: str, token: str) -> httpx.Response:
    return here.api.put(path, json={"plan": "free"}, headers={"Authorization": f"Bearer {token}"})


def test_i7_only_operators_change_plans(here: Stage, trader: Trader) -> None:
    # given a trader on elite
    path = f"/operator/users/{trader.user_id}/plan"
    assert trader.user_id == user_id(here.here.issuer.issuer, trader.subject)
    # when the trader wants another plan
    refused = put_plan(here, path, here.here.issuer.token(trader.subject))
    # then there is none to be had
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    # and an operator has the feeds moved at once
    token = here.here.issuer.token("olga", scope="openid operator")
    answer = put_plan(here, path, token)
    assert answer.json() == {
        "user_id": trader.user_id,
        "plan": "free",
        "feeds": [{"feed_id": trader.feed_id, "interval_min": 60}],
    }
    assert here.stored.feed(trader.feed_id).interval_min == 60


@pytest.mark.parametrize(("method", "path"), [("GET", "/nope"), ("PUT", "/me"), ("GET", "/trading-accounts/")])
def test_what_is_no_route_is_told_so_by_us(here: Stage, method: str, path: str) -> None:
    # given an address or a method that there isn't, asked by nobody in particular
    answer = here.api.request(method, path, headers={"Accept-Language": "fr"})
    # then it is one of our problem documents, in the reader's language
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.status_code == (405 if path == "/me" else 404)
    assert answer.json()["title"] in {"Introuvable", "Méthode non permise"}
