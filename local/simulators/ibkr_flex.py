"""IBKR's Flex Web Service on 127.0.0.1: `python -m local.simulators.ibkr_flex --port 0 --seed 7 --executions 3000`."""

import argparse
from collections.abc import Sequence
from datetime import datetime

from local.simulators.ibkr_flex_calendar import SimulatedClock
from local.simulators.ibkr_flex_http import PATH, make_app
from local.simulators.ibkr_flex_world import AccountSpec, LoginSpec, QuerySpec, World
from local.simulators.serving import serve_forever

QUERY_ID = "100001"


def demo_login(
    seed: int, executions: int, accounts: int, *, days: int = 90, polls: int = 1, ready_after: float = 0.0
) -> LoginSpec:
    """A login with several accounts, in dollars and euros, and one query that selects everything."""
    return LoginSpec(
        token=f"simulated-flex-{seed}",
        accounts=tuple(
            AccountSpec(
                account=f"U{7_000_000 + 10 * seed + number}",
                seed=seed + number,
                executions=executions,
                days=days,
                base=("USD", "EUR")[number % 2],
                alias=("Growth", "Income", "Family")[number % 3],
            )
            for number in range(accounts)
        ),
        queries=(QuerySpec(id=QUERY_ID),),
        polls=polls,
        ready_after=ready_after,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.simulators.ibkr_flex", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="the same seed and time make the same accounts")
    parser.add_argument("--executions", type=int, default=500, help="about so many per account")
    parser.add_argument("--accounts", type=int, default=2)
    parser.add_argument("--days", type=int, default=90, help="how long ago the accounts were opened")
    parser.add_argument("--polls", type=int, default=1, help="how often GetStatement answers 1019 first")
    parser.add_argument("--ready-after", type=float, default=0.0, help="seconds until a statement is made")
    parser.add_argument("--now", default="", help="ISO 8601 time with zone to start at (default: now)")
    parser.add_argument("--no-limits", action="store_true", help="don't count requests (IBKR: 1 a second, 10 a minute)")
    asked = parser.parse_args(arguments)
    login = demo_login(
        asked.seed,
        asked.executions,
        asked.accounts,
        days=asked.days,
        polls=asked.polls,
        ready_after=asked.ready_after,
    )
    clock = SimulatedClock(datetime.fromisoformat(asked.now)) if asked.now else SimulatedClock()
    app, _ = make_app(World([login], clock), strict_rates=not asked.no_limits)

    def announce(base_url: str) -> None:
        print(f"IBKR Flex simulator: {base_url}{PATH}, back door {base_url}/_sim", flush=True)
        print(f"  token {login.token}  query {QUERY_ID}", flush=True)
        for account in login.accounts:
            print(f"  account {account.account}", flush=True)

    serve_forever(app, asked.port, announce=announce)


if __name__ == "__main__":
    main()
