"""An MT5 REST bridge on 127.0.0.1: `python -m local.simulators.mt5 --port 0 --seed 7 --executions 2000`."""

import argparse
from collections.abc import Sequence
from datetime import datetime

from brokersync.domain.times import to_ns
from local.simulators.mt5_clock import NEW_YORK_PLUS_7
from local.simulators.mt5_http import Style, make_app
from local.simulators.mt5_world import AccountSpec, World
from local.simulators.serving import serve_forever


def demo_specs(seed: int, executions: int, accounts: int, zone: str = NEW_YORK_PLUS_7) -> list[AccountSpec]:
    """Accounts of different kinds behind one bridge and key."""
    return [
        AccountSpec(
            login=str(52_557_000 + 100 * seed + number),
            api_key=f"simulated-bridge-{seed}",
            seed=seed + number,
            executions=executions,
            currency=("USD", "EUR", "GBP")[number % 3],
            hedging=number % 2 == 1,
            zone=zone,
        )
        for number in range(1, accounts + 1)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.simulators.mt5", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="the same seed and end make the same accounts")
    parser.add_argument("--executions", type=int, default=500, help="per account")
    parser.add_argument("--accounts", type=int, default=1)
    parser.add_argument("--zone", default=NEW_YORK_PLUS_7, help="the trade server's clock: that, or +03:00")
    parser.add_argument("--bare", action="store_true", help="answer without an envelope")
    parser.add_argument("--end", default="", help="ISO 8601 time at which the accounts' past ends (default: now)")
    asked = parser.parse_args(arguments)
    try:
        end = to_ns(datetime.fromisoformat(asked.end)) if asked.end else None
        specs = demo_specs(asked.seed, asked.executions, asked.accounts, asked.zone)
        world = World(specs, end=end)
    except ValueError as error:
        parser.error(str(error))
    app, _ = make_app(world, Style(envelope="bare" if asked.bare else "wrapped"))

    def announce(base_url: str) -> None:
        print(f"MT5 bridge: {base_url}/api/mt5/account/{{id}}, back door {base_url}/_sim", flush=True)
        for spec in specs:
            print(f"  account {spec.login}  key {spec.api_key}  server zone {spec.zone}", flush=True)

    try:
        serve_forever(app, asked.port, announce=announce)
    except OSError as error:
        parser.error(f"port {asked.port}: {error.strerror}")


if __name__ == "__main__":
    main()
