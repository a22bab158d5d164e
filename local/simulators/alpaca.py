"""Alpaca's Trading API on 127.0.0.1: `python -m local.simulators.alpaca --port 0 --seed 7 --executions 2000`."""

import argparse
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from local.simulators.alpaca_http import make_app
from local.simulators.alpaca_time import parse
from local.simulators.alpaca_world import AccountSpec, World
from local.simulators.serving import serve_forever


def demo_specs(seed: int, executions: int, accounts: int) -> list[AccountSpec]:
    """Accounts, each with keys of its own."""
    return [
        AccountSpec(
            account=f"PA3SIM{seed:04d}{number:02d}",
            key_id=f"PKSIMULATED{seed:04d}{number:03d}",
            secret=f"simulated-secret-{seed}-{number}",
            seed=seed + number,
            executions=executions,
        )
        for number in range(1, accounts + 1)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.simulators.alpaca", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="the same seed and end make the same accounts")
    parser.add_argument("--executions", type=int, default=500, help="per account")
    parser.add_argument("--accounts", type=int, default=1)
    parser.add_argument("--end", default="", help="RFC 3339 time at which the accounts' past ends (default: now)")
    asked = parser.parse_args(arguments)
    specs = demo_specs(asked.seed, asked.executions, asked.accounts)
    world = World()
    for spec in specs:
        world.open_account(spec, parse(asked.end, ZoneInfo("UTC")) if asked.end else None)
    app, _ = make_app(world)

    def announce(base_url: str) -> None:
        print(f"Alpaca simulator: {base_url}/v2, back door {base_url}/_sim", flush=True)
        for spec in specs:
            print(f"  account {spec.account}  key {spec.key_id}  secret {spec.secret}", flush=True)

    try:
        serve_forever(app, asked.port, announce=announce)
    except OSError as error:
        parser.error(f"port {asked.port}: {error.strerror}")


if __name__ == "__main__":
    main()
