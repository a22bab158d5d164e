"""Every point at which a worker can die in Alpaca's sync, and every answer that can get lost: the end is the same."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from local.simulators.alpaca_http import make_app
from local.simulators.alpaca_world import AccountSpec, World
from local.simulators.serving import serve_in_thread
from tests.crash.laboratory import Laboratory, Login, Scenario
from tests.crash.matrix import hold

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(900)]

ACCOUNT = AccountSpec(account="PA3CRASH0001", key_id="PKCRASH0", secret="crash-alpaca", executions=10, days=3)


def test_i2_i3_i4_a_sync_ends_the_same_wherever_its_worker_dies(
    laboratory: Laboratory, tell: Callable[[str], None]
) -> None:
    # Given an account with some ten trades, which a pair of keys for each play opens
    world = World()
    account = world.open_account(ACCOUNT)
    numbers = count(1)

    def another_key() -> Login:
        number = next(numbers)
        spec = replace(ACCOUNT, key_id=f"PKCRASH{number}", secret=f"crash-alpaca-{number}")
        world.accounts[spec.key_id] = replace(account, spec=spec)
        return Login(credentials={"api_key_id": spec.key_id, "api_secret_key": spec.secret}, accounts=(spec.account,))

    app, _ = make_app(world, requests_per_minute=10_000)  # it counts by account, and hundreds of plays share one
    with serve_in_thread(app) as server:
        scenario = Scenario(
            broker="alpaca",
            environment="paper",
            endpoint=f"{server.base_url}/v2",
            login=another_key,
        )
        # When its worker is ended before and after each of its calls, and each answer is lost
        wrong = hold(laboratory, scenario, tell)
    # Then trades, cursor, portfolio, events, lease and status are the same, and no run row claims what wasn't so
    assert not wrong, "\n".join(wrong)
