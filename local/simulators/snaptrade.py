"""SnapTrade's API on 127.0.0.1: `python -m local.simulators.snaptrade --port 0 --seed 7 --executions 2000`."""

import argparse
from collections.abc import Sequence
from datetime import datetime

from local.simulators.serving import serve_forever
from local.simulators.snaptrade_http import make_app
from local.simulators.snaptrade_world import AccountSpec, World


def demo_specs(seed: int, executions: int, accounts: int) -> list[AccountSpec]:
    """Accounts of one trader at several institutions, under one user of a Commercial key."""
    institutions = ("ROBINHOOD", "QUESTRADE", "SCHWAB")
    return [
        AccountSpec(
            client_id=f"SIMULATED-{seed}",
            consumer_key=f"simulated-consumer-key-{seed}",
            user_id=f"trader-{seed}",
            user_secret=f"simulated-user-secret-{seed}",
            institution=institutions[at % len(institutions)],
            institution_id=str(54_900_000 + 100 * seed + at),
            number=f"Q{65_420_000 + 100 * seed + at}",
            seed=seed + at,
            executions=executions,
            days_only=at % 2 == 1,
        )
        for at in range(accounts)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.simulators.snaptrade", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="the same seed and end make the same accounts")
    parser.add_argument("--executions", type=int, default=500, help="per account")
    parser.add_argument("--accounts", type=int, default=1)
    parser.add_argument("--end", default="", help="ISO 8601 time at which the accounts' past ends (default: now)")
    asked = parser.parse_args(arguments)
    specs = demo_specs(asked.seed, asked.executions, asked.accounts)
    world = World()
    try:
        for spec in specs:
            world.open_account(spec, datetime.fromisoformat(asked.end) if asked.end else None)
    except ValueError as error:
        parser.error(str(error))
    app, _ = make_app(world)

    def announce(base_url: str) -> None:
        print(f"SnapTrade simulator: {base_url}, back door {base_url}/_sim", flush=True)
        print(f"  client {specs[0].client_id}  consumer key {specs[0].consumer_key}", flush=True)
        print(f"  user {specs[0].user_id}  secret {specs[0].user_secret}", flush=True)
        for spec in specs:
            print(f"  account {spec.identity}", flush=True)

    try:
        serve_forever(app, asked.port, announce=announce)
    except OSError as error:
        parser.error(f"port {asked.port}: {error.strerror}")


if __name__ == "__main__":
    main()
