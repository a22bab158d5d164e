"""Tradovate's REST API on 127.0.0.1: `python -m local.simulators.tradovate --port 0 --seed 7 --executions 2000`."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from local.simulators.serving import serve_forever
from local.simulators.tradovate_gate import LoginSpec
from local.simulators.tradovate_http import PATH, make_app
from local.simulators.tradovate_world import AccountSpec, World


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoLogin:
    """A login with its accounts."""

    login: LoginSpec
    accounts: Sequence[AccountSpec]

    @property
    def credentials(self) -> Mapping[str, str]:
        """What its trader enters."""
        return {
            "username": self.login.username,
            "password": self.login.password,
            "cid": str(self.login.cid),
            "sec": self.login.sec,
        }


def demo_specs(seed: int, executions: int, accounts: int, logins: int = 1) -> list[DemoLogin]:
    """Logins with so many accounts each: the first trades, and has positions open; others are flat, or in euros."""
    return [
        DemoLogin(
            login=LoginSpec(
                username=f"simulated-{seed}-{login}",
                password=f"password-{seed}-{login}",
                cid=1000 + login,
                sec=f"simulated-secret-{seed}-{login}",
                user_id=70_000 + 10 * seed + login,
            ),
            accounts=[
                AccountSpec(
                    id=9_000_000 + 10_000 * seed + 100 * login + number,
                    name=f"DEMO{seed:03d}{login:02d}{number:02d}",
                    seed=seed + number,
                    executions=executions,
                    currency=2 if number % 4 == 3 else 1,
                    flat=number % 2 == 0,
                )
                for number in range(1, accounts + 1)
            ],
        )
        for login in range(1, logins + 1)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.simulators.tradovate", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="the same seed and end make the same accounts")
    parser.add_argument("--executions", type=int, default=500, help="per account, all of the present session")
    parser.add_argument("--accounts", type=int, default=2, help="per login")
    parser.add_argument("--logins", type=int, default=1)
    parser.add_argument("--end", default="", help="ISO 8601 time with its zone at which the past ends (default: now)")
    asked = parser.parse_args(arguments)
    world = World()
    logins = demo_specs(asked.seed, asked.executions, asked.accounts, asked.logins)
    try:
        end = datetime.fromisoformat(asked.end) if asked.end else None
        for one in logins:
            world.add_login(one.login, one.accounts, end)
    except (TypeError, ValueError) as error:
        parser.error(f"--end {asked.end}: {error}")
    app, _ = make_app(world)

    def announce(base_url: str) -> None:
        print(f"Tradovate simulator: {base_url}{PATH}, back door {base_url}/_sim", flush=True)
        for one in logins:
            print(f"  {' '.join(f'{name} {value}' for name, value in one.credentials.items())}", flush=True)
            for account in one.accounts:
                print(f"    account {account.id} ({account.name})", flush=True)

    try:
        serve_forever(app, asked.port, announce=announce)
    except OSError as error:
        parser.error(f"port {asked.port}: {error.strerror}")


if __name__ == "__main__":
    main()
