"""Every point at which a worker can die in Tradovate's sync, and every answer that can be lost: the end is the same."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from local.simulators.serving import serve_in_thread
from local.simulators.tradovate import demo_specs
from local.simulators.tradovate_http import PATH, make_app
from local.simulators.tradovate_world import World
from tests.crash.laboratory import Laboratory, Login, Scenario
from tests.crash.matrix import hold

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(900)]


def test_i2_i3_i4_a_sync_ends_the_same_wherever_its_worker_dies(
    laboratory: Laboratory, tell: Callable[[str], None]
) -> None:
    # Given an account with some ten trades, which a login of each play's own opens
    world = World()
    (demo,) = demo_specs(seed=3, executions=12, accounts=1)
    world.add_login(demo.login, demo.accounts)
    books = list(world.accounts.values())
    numbers = count(1)

    def another_login() -> Login:
        name = f"crash-{next(numbers)}"
        login = replace(demo.login, username=name, password=f"password of {name}", sec=f"secret of {name}")
        world.gate.logins[name] = login
        for one in books:
            world.accounts[f"{one.spec.id} of {name}"] = replace(one, login=login)
        return Login(credentials=replace(demo, login=login).credentials)

    app, _ = make_app(world)
    with serve_in_thread(app) as server:
        scenario = Scenario(
            broker="tradovate",
            environment="demo",
            endpoint=f"{server.base_url}{PATH}",
            login=another_login,
        )
        # When its worker is ended before and after each of its calls, and each answer is lost
        wrong = hold(laboratory, scenario, tell)
    # Then trades, cursor, portfolio, events, lease and status are the same, and no run row claims what wasn't so
    assert not wrong, "\n".join(wrong)
