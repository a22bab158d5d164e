"""Every point at which a worker can die in SnapTrade's sync, and every answer that can be lost: the end is the same."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from local.simulators.serving import serve_in_thread
from local.simulators.snaptrade_http import make_app
from local.simulators.snaptrade_world import AccountSpec, Key, World
from tests.crash.laboratory import Laboratory, Login, Scenario
from tests.crash.matrix import hold

pytestmark = [pytest.mark.stack, pytest.mark.crash, pytest.mark.timeout(900)]

ACCOUNT = AccountSpec(
    client_id="CRASH", consumer_key="crash-consumer-key", user_id="crash", user_secret="crash", executions=12, days=3
)


def test_i2_i3_i4_a_sync_ends_the_same_wherever_its_worker_dies(
    laboratory: Laboratory, tell: Callable[[str], None]
) -> None:
    # Given an account with some ten trades, which a client of each play's own sees under the same ids
    world = World()
    account = world.open_account(ACCOUNT)
    numbers = count(1)

    def another_client() -> Login:
        client = f"CRASH-{next(numbers)}"
        world.consumer_keys[client] = f"consumer-key-of-{client}"
        key = Key(client, ACCOUNT.user_id)
        world.user_secrets[key] = ACCOUNT.user_secret
        world.accounts.append(replace(account, key=key))
        credentials = {
            "client_id": client,
            "consumer_key": world.consumer_keys[client],
            "user_id": ACCOUNT.user_id,
            "user_secret": ACCOUNT.user_secret,
        }
        return Login(credentials=credentials, accounts=(ACCOUNT.identity,))

    app, _ = make_app(world, per_account=10_000)  # hundreds of plays share an account
    with serve_in_thread(app) as server:
        scenario = Scenario(
            broker="snaptrade",
            environment="live",
            endpoint=server.base_url,
            login=another_client,
        )
        # When its worker is ended before and after each of its calls, and each answer is lost
        wrong = hold(laboratory, scenario, tell)
    # Then trades, cursor, portfolio, events, lease and status are the same, and no run row claims what wasn't so
    assert not wrong, "\n".join(wrong)
