"""Every point at which a worker can die in IBKR's sync, and every answer that can get lost: the end is the same."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from local.simulators.ibkr_flex_http import PATH, make_app
from local.simulators.ibkr_flex_world import AccountSpec, LoginSpec, QuerySpec, World
from local.simulators.ibkr_flex_world import Login as OpenLogin
from local.simulators.serving import serve_in_thread
from tests.crash.laboratory import Laboratory, Login, Scenario
from tests.crash.matrix import hold

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(900)]

LOGIN = LoginSpec(
    token="crash-ibkr",
    accounts=(
        AccountSpec(account="U1000001", seed=1, executions=8, days=20),
        AccountSpec(account="U1000002", seed=2, executions=8, days=20),
    ),
    queries=(QuerySpec(id="101"),),
    polls=0,  # a statement that isn't ready yet ends a delivery by the same calls as the request for it
)


def test_i2_i3_i4_a_sync_ends_the_same_wherever_its_worker_dies(
    laboratory: Laboratory, tell: Callable[[str], None]
) -> None:
    # Given a login with two accounts, whose two statements are asked for and fetched in three deliveries
    world = World([LOGIN])
    numbers = count(1)

    def another_token() -> Login:
        token = f"crash-ibkr-{next(numbers)}"
        world.logins[token] = OpenLogin(spec=replace(LOGIN, token=token), books=world.logins[LOGIN.token].books)
        return Login(credentials={"token": token, "query_id": "101"})

    app, _ = make_app(world, strict_rates=False)  # the plays' clocks run apart from the simulator's
    with serve_in_thread(app) as server:
        scenario = Scenario(
            broker="ibkr_flex",
            environment="live",
            endpoint=f"{server.base_url}{PATH}",
            login=another_token,
        )
        # When its worker is ended before and after each of its calls, and each answer is lost
        wrong = hold(laboratory, scenario, tell)
    # Then trades, cursor, portfolio, events, lease and status are the same, and no run row claims what wasn't so
    assert not wrong, "\n".join(wrong)
