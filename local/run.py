"""`make run`: the whole of it on this machine, with simulated brokers and demo accounts, until Ctrl-C."""

import argparse
import io
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from brokersync.contracts import http
from brokersync.domain.identity import user_id
from local.commands.stack import Stack
from local.demo.brokers import SPARE, demo_brokers
from local.demo.cast import DemoBroker
from local.demo.people import PLANS, THREE, people
from local.demo.proof import StoredAccount, problems, stored_accounts
from local.demo.round import RoundError, connect_all, sync_all, told_by_api
from local.demo.screen import Row, Screen
from local.demo.watch import watch
from local.simulators.truth import AccountTruth
from local.stack.deploy import DeployError
from local.stack.emulator import EmulatorError, forget_machine_settings
from local.stack.laptop import DispatchError, Laptop, laptop
from local.stack.running import announced

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130  # as a shell has it: 128 + SIGINT


def run(*, once: bool) -> int:
    """Start, sync one round, show it and check it; then stay up, or with `once` end. Returns the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever reads along in a file sees each line at once
    screen = Screen()
    forget_machine_settings()
    started = time.monotonic()
    try:
        with _ended_by_signals(), demo_brokers() as brokers, _running(screen, brokers, started) as (here, stack):
            return _rounds(screen, here, stack, brokers, once=once)
    except KeyboardInterrupt:
        screen.line("stopped; nothing is left running")
        return INTERRUPTED if once else 0
    except (EmulatorError, DeployError, DispatchError, RoundError) as error:
        print(f"brokersync: {error}", file=sys.stderr)
        return 1


@contextmanager
def _running(screen: Screen, brokers: Sequence[DemoBroker], started: float) -> Iterator[tuple[Laptop, Stack]]:
    with laptop({broker.key: broker.endpoint for broker in brokers}, people=people()) as here:
        os.environ.update(here.emulator.environment)
        traders = {trader: user_id(here.issuer.issuer, trader) for trader in PLANS}
        screen.line(f"The laptop's AWS at {here.emulator.endpoint}, template.yaml deployed ({_seconds(started)})")
        for broker in brokers:
            screen.line(f"Simulated {broker.key} at {broker.endpoint}")
        addresses = {broker.key.partition(":")[0]: broker.server.base_url for broker in brokers}
        with announced(here, traders, addresses):
            yield here, Stack(here.deployed.name, traders)


def _rounds(screen: Screen, here: Laptop, stack: Stack, brokers: Sequence[DemoBroker], *, once: bool) -> int:
    started = time.monotonic()
    connected = connect_all(stack, [connection for broker in brokers for connection in broker.connections])
    with screen.progress(f"{len(connected)} feeds connected, first syncs") as tell:
        due = sync_all(here, stack, connected, tell)
    screen.line(f"The round took {_seconds(started)}; the schedule's tick had found {due} feeds due")
    stored = list(stored_accounts(stack, connected))
    told = told_by_api(here)
    for trader in PLANS:
        own = [one for one in stored if one.connected.demo.trader == trader]
        if rows := [_row(one, told[one.account_id]) for one in own if one.account_id in told]:
            screen.table(trader, rows)
    wrong = list(problems(stack, connected, stored, _truth(brokers), told))
    if wrong:
        screen.line(here.emulator.errors())
    status = _prove(screen, wrong, sum(len(one.trades) for one in stored))
    if not once:
        _show_doors(screen, here)
        watch(screen, stack, connected, brokers)
    return status


def _prove(screen: Screen, wrong: Sequence[str], count: int) -> int:
    for problem in wrong:
        screen.line(f"wrong: {problem}", style="red")
    if not wrong:
        screen.line(
            f"{count:,} trades stored, each equal to its broker's; every status is as it has to be", style="green"
        )
    return 1 if wrong else 0


def _truth(brokers: Sequence[DemoBroker]) -> Mapping[str, AccountTruth]:
    return {number: account for broker in brokers for number, account in broker.truth().items()}


def _row(one: StoredAccount, told: http.Account) -> Row:
    success, error = told.sync.last_successful_sync_at, told.sync.error
    return Row(
        account=told.masked_number or "not found yet",
        broker=told.broker,
        trades=len(one.trades),
        last_success=f"{success:%H:%M:%S} UTC" if success else "never",
        status=told.sync.status,
        badge=told.sync.badge,
        message=f"{error.message} {error.next_step}" if error else "",
    )


def _show_doors(screen: Screen, here: Laptop) -> None:
    token = here.issuer.token(next(iter(PLANS)))
    screen.line(f"Page  {here.api_url}/")
    screen.line(f"      As {THREE} you can connect something yourself: OANDA, practice, token {SPARE.token}")
    screen.line("      make demo-fail breaks a broker, make demo-heal mends it")
    screen.line(f"API   {here.api_url}")
    screen.line(f"      TOKEN={token}")
    screen.line(f"      curl -H \"Authorization: Bearer $TOKEN\" '{here.api_url}/trading-accounts'")
    screen.line("Also  .venv/bin/brokersync status (or failures, sync, pause, ...; --help lists them)")
    screen.line("Synced by its schedule from now on; Ctrl-C ends everything.")


def _seconds(started: float) -> str:
    return f"{time.monotonic() - started:.1f} s"


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Treat the end of the terminal or a `kill` like Ctrl-C: everything is put away first, and nothing hurries that.

    Ctrl-C itself is taken too: a program that a script starts in the background has it switched off.
    """

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> None:
    """`python -m local.run [--once]`."""
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="stop after one round, with status 1 unless all of it is right"
    )
    sys.exit(run(once=parser.parse_args().once))


if __name__ == "__main__":
    main()
