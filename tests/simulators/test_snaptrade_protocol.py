"""The SnapTrade simulator refuses what SnapTrade refuses."""

from collections.abc import Mapping

import httpx
import pytest

from brokersync.brokers.snaptrade.signing import query_text, signature
from local.simulators.serving import RunningServer
from local.simulators.snaptrade_http import PAGE_SIZE
from tests.simulators.conftest import Stage
from tests.simulators.snaptrade_sync import NOW, PERSONAL, SPEC, Simulated


@pytest.fixture
def simulated(stage: tuple[Stage, RunningServer]) -> Simulated:
    return Simulated(stage, SPEC)


def ask(
    simulated: Simulated,
    path: str,
    *,
    signed_path: str = "",
    key: str = "",
    at: float = NOW.timestamp(),
    **params: str,
) -> httpx.Response:
    """A request as it should be, unless it is told otherwise."""
    spec = simulated.spec
    who = {"clientId": spec.client_id, "timestamp": str(int(at))}
    if spec.user_id:
        who |= {"userId": spec.user_id, "userSecret": spec.user_secret}
    query = query_text(list((who | params).items()))
    signed = signature(key or spec.consumer_key, signed_path or path, query)
    return httpx.get(f"{simulated.base_url}{path}?{query}", headers={"Signature": signed})


def own(simulated: Simulated, rest: str = "") -> str:
    return f"/accounts/{simulated.account.id}{rest}"


def code(answer: httpx.Response) -> tuple[int, Mapping[str, object]]:
    return answer.status_code, answer.json()


def test_a_signed_request_is_answered_with_its_limits(simulated: Simulated) -> None:
    answer = ask(simulated, "/accounts")
    assert answer.status_code == 200
    assert answer.headers["X-RateLimit-Limit"] == "250"
    assert answer.headers["X-RateLimit-Remaining"] == "249"
    assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "another-consumer-key"},
        {"signed_path": "/authorizations"},
        {"at": NOW.timestamp() - 301},
        {"at": NOW.timestamp() + 301},
        {"clientId": "SOMEBODY"},
        {"userId": "somebody"},
        {"userSecret": "guessed"},
        {"timestamp": "now"},
    ],
)
def test_a_request_that_is_not_signed_right_is_refused(simulated: Simulated, wrong: dict[str, str]) -> None:
    assert code(ask(simulated, "/accounts", **wrong)) == (  # type: ignore[arg-type]
        401,
        {"default_detail": "Unable to verify signature sent", "default_code": 1076},
    )


def test_what_was_signed_can_be_no_other_query(simulated: Simulated) -> None:
    # given a signed request for one page; when another page is asked for with its signature, then it is refused
    answer = ask(simulated, own(simulated, "/activities"), offset="0")
    url, signed = str(answer.request.url), answer.request.headers["Signature"]
    assert answer.status_code == 200
    changed = httpx.get(url.replace("offset=0", "offset=1"), headers={"Signature": signed})
    assert changed.status_code == 401


def test_the_time_is_told_without_a_signature(simulated: Simulated) -> None:
    answer = httpx.get(f"{simulated.base_url}/")
    assert (answer.status_code, answer.json()["timestamp"]) == (200, NOW.isoformat())


@pytest.mark.parametrize(
    "params",
    [
        {"limit": str(PAGE_SIZE + 1)},
        {"limit": "0"},
        {"offset": "-1"},
        {"offset": "x"},
        {"startDate": "2026-13-01"},
        {"startDate": "2026-05-02", "endDate": "2026-05-01"},
        {"start_date": "2026-05-01"},
    ],
)
def test_parameters_that_cant_be_are_refused(simulated: Simulated, params: dict[str, str]) -> None:
    assert ask(simulated, own(simulated, "/activities"), **params).status_code == 400


def test_another_users_account_is_unknown(simulated: Simulated) -> None:
    # given another user of the same client
    other = simulated.world.open_account(
        type(SPEC)(
            client_id=SPEC.client_id,
            consumer_key=SPEC.consumer_key,
            user_id="somebody",
            user_secret="s",
            institution_id="2",
            executions=3,
        )
    )
    # when its account is asked for, then it is as if it weren't there
    assert ask(simulated, f"/accounts/{other.id}").status_code == 404
    assert ask(simulated, f"/authorizations/{other.connection.id}").status_code == 404
    assert len(ask(simulated, "/accounts").json()) == 1


@pytest.mark.parametrize(("path", "status"), [("/holdings", 410), ("/positions", 410), ("/nothing", 404)])
def test_retired_and_unknown_endpoints_are_told(simulated: Simulated, path: str, status: int) -> None:
    assert ask(simulated, own(simulated, path)).status_code == status


def test_the_old_prefix_still_answers_and_says_that_it_is_old(simulated: Simulated) -> None:
    answer = ask(simulated, "/api/v1/accounts")
    assert (answer.status_code, answer.headers["Deprecation"]) == (200, "true")


def test_a_request_too_many_is_refused_until_a_minute_has_passed(stage: tuple[Stage, RunningServer]) -> None:
    # given as many requests as are allowed in a minute
    simulated = Simulated(stage, SPEC, per_minute=5)
    for _ in range(5):
        assert ask(simulated, "/accounts").status_code == 200
    # when one more comes
    answer = ask(simulated, "/accounts")
    # then it is told to wait, in the body and in a header
    assert code(answer) == (
        429,
        {"detail": "Request was throttled. Expected available in 61 seconds.", "status_code": 429, "code": "0000"},
    )
    assert (answer.headers["X-RateLimit-Remaining"], "Retry-After" in answer.headers) == ("0", False)
    simulated.later(minutes=1)
    assert ask(simulated, "/accounts", at=simulated.now.timestamp()).status_code == 200


def test_a_personal_key_is_counted_by_account(stage: tuple[Stage, RunningServer]) -> None:
    # given a Personal key
    simulated = Simulated(stage, PERSONAL)
    for _ in range(10):
        assert ask(simulated, own(simulated)).status_code == 200
    # when the account is asked for once more, then only that is refused
    answer = ask(simulated, own(simulated, "/balances"))
    assert (answer.status_code, answer.headers["X-RateLimit-Account-Remaining"]) == (429, "0")
    assert ask(simulated, "/accounts").status_code == 200


def test_activities_are_told_newest_first_and_only_up_to_the_day_before(simulated: Simulated) -> None:
    # given a trade of today
    simulated.world.trade(SPEC.identity, 2)
    # when activities are asked for
    rows = ask(simulated, own(simulated, "/activities")).json()["data"]
    # then they go back from yesterday, and today's come tomorrow
    times = [row["trade_date"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert max(times) < "2026-05-12"
    simulated.later(days=1)
    more = ask(simulated, own(simulated, "/activities"), at=simulated.now.timestamp()).json()
    assert more["pagination"]["total"] == len(rows) + 2


def test_a_disabled_connection_answers_with_what_it_had(simulated: Simulated) -> None:
    # given a connection that is disabled
    before = ask(simulated, own(simulated, "/activities")).json()
    simulated.world.disable(SPEC.identity)
    simulated.world.trade(SPEC.identity, 2)
    simulated.later(days=3)
    at = simulated.now.timestamp()
    # when it is asked, then it answers 200 as before, and only the connection says it
    assert code(ask(simulated, own(simulated, "/activities"), at=at)) == (200, before)
    connection = ask(simulated, f"/authorizations/{simulated.account.connection.id}", at=at).json()
    assert (connection["disabled"], connection["disabled_date"]) == (True, "2026-05-12T13:00:00Z")
    assert ask(simulated, own(simulated), at=at).json()["sync_status"]["transactions"]["last_successful_sync"] == (
        "2026-05-11"
    )


def test_connected_anew_everything_has_another_id_but_the_institutions(simulated: Simulated) -> None:
    # given an account and its activities
    old = ask(simulated, own(simulated)).json()
    rows = ask(simulated, own(simulated, "/activities")).json()["data"]
    # when it is connected anew
    made = simulated.world.relink(SPEC.identity)
    new = ask(simulated, f"/accounts/{made.id}").json()
    again = ask(simulated, f"/accounts/{made.id}/activities").json()["data"]
    # then only the institution's id is the same, and what the activities say
    assert new["institution_account_id"] == old["institution_account_id"]
    assert (new["id"], new["brokerage_authorization"]) != (old["id"], old["brokerage_authorization"])
    assert {row["id"] for row in rows} & {row["id"] for row in again} == set()
    assert [row | {"id": ""} for row in rows] == [row | {"id": ""} for row in again]
    # and the old connection is left behind, disabled
    states = [one["disabled"] for one in ask(simulated, "/authorizations").json()]
    assert sorted(states) == [False, True]


def test_the_same_seed_makes_the_same_account(stage: tuple[Stage, RunningServer]) -> None:
    one, other = (ask(one, own(one, "/activities")).json() for one in (Simulated(stage, SPEC), Simulated(stage, SPEC)))
    assert one == other
