"""Every point at which a worker can die in OANDA's sync, and every answer that can get lost: the end is the same."""

from collections.abc import Callable

import pytest

from local.simulators.oanda_http import make_app
from local.simulators.oanda_world import AccountSpec, World
from local.simulators.serving import serve_in_thread
from tests.crash.laboratory import Laboratory, Login, Scenario
from tests.crash.matrix import hold

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(900)]

ACCOUNT = AccountSpec(account="101-004-0000001-001", token="crash-oanda", executions=10, days=3)


def test_i2_i3_i4_a_sync_ends_the_same_wherever_its_worker_dies(
    laboratory: Laboratory, tell: Callable[[str], None]
) -> None:
    # Given an account with some ten trades
    app, _ = make_app(World([ACCOUNT]))
    with serve_in_thread(app) as server:
        scenario = Scenario(
            broker="oanda",
            environment="practice",
            endpoint=f"{server.base_url}/v3",
            login=lambda: Login(credentials={"token": ACCOUNT.token}, accounts=(ACCOUNT.account,)),
        )
        # When its worker is ended before and after each of its calls, and each answer is lost
        wrong = hold(laboratory, scenario, tell)
    # Then trades, cursor, portfolio, events, lease and status are the same, and no run row claims what wasn't so
    assert not wrong, "\n".join(wrong)
