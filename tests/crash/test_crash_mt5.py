"""Every point at which a worker can die in an MT5 sync, and every answer that can get lost: the end is the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from local.simulators.mt5_http import make_app
from local.simulators.mt5_world import AccountSpec, World
from local.simulators.serving import serve_in_thread
from tests.crash.laboratory import Laboratory, Login, Scenario
from tests.crash.matrix import hold

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(900)]

ACCOUNT = AccountSpec(login="52557001", api_key="crash-mt5", executions=10, days=3)


def test_i2_i3_i4_a_sync_ends_the_same_wherever_its_worker_dies(
    laboratory: Laboratory, tell: Callable[[str], None]
) -> None:
    # Given an account with some ten trades, which a key for each play opens
    world = World([ACCOUNT])
    account = world.accounts[ACCOUNT.login]
    numbers = count(1)

    def another_key() -> Login:
        spec = replace(ACCOUNT, api_key=f"crash-mt5-{next(numbers)}")
        world.accounts[spec.api_key] = replace(account, spec=spec)
        credentials = {
            "base_url": "https://bridge.example.com",
            "api_key": spec.api_key,
            "server_zone": spec.zone,
            "login": spec.login,
        }
        return Login(credentials=credentials, accounts=(spec.login,))

    app, _ = make_app(world)
    with serve_in_thread(app) as server:
        scenario = Scenario(
            broker="mt5",
            environment="bridge",
            endpoint=server.base_url,
            login=another_key,
            lasting=_without_time,
        )
        # When its worker is ended before and after each of its calls, and each answer is lost
        wrong = hold(laboratory, scenario, tell)
    # Then trades, cursor, portfolio, events, lease and status are the same, and no run row claims what wasn't so
    assert not wrong, "\n".join(wrong)


def _without_time(cursor: str) -> str:
    """An MT5 cursor says when the newest deal was seen first: that is when the play ran."""
    return json.dumps({name: value for name, value in json.loads(cursor).items() if name != "at"})
