"""`brokersync`: read saved answers, run everything on this machine, look after a running stack.

Each command loads what it needs when it is called, so that `normalise` does not wait for AWS's libraries.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from brokersync.domain.plans import CHOOSABLE_INTERVALS_MIN, Plan
from local.commands.errors import CommandError
from local.demo.how import How

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

StackName = Annotated[
    str,
    typer.Option(
        "--stack",
        envvar="BROKERSYNC_STACK",
        help="A stack on AWS, by the ordinary credentials; without it the one that `make run` holds.",
    ),
]
User = Annotated[str, typer.Argument(help="A trader's user id; on this machine also the demo trader's name.")]
Broker = Annotated[str, typer.Argument(help="A broker's slug, such as oanda or ibkr_flex.")]


@app.callback()
def brokersync() -> None:
    """Keeps traders' broker accounts up to date."""


@app.command()
def normalise(
    broker: Broker,
    files: Annotated[list[Path], typer.Argument(help="One statement, a page, or several pages of one account.")],
) -> None:
    """Print what saved answers of a broker say, as JSON lines (type: account, position, cash, trade, unmapped)."""
    from brokersync.brokers.catalog import BrokerCatalog
    from local.commands.normalise import normalise as lines_of

    for line in lines_of(BrokerCatalog(), broker, files):
        typer.echo(line)


@app.command()
def brokers(
    as_json: Annotated[bool, typer.Option("--json", help="The document of GET /brokers instead of a table.")] = False,
    stack: StackName = "",
) -> None:
    """List the brokers that can be connected, what each of them needs, and how it is where a stack runs."""
    from local.commands.brokers import brokers_json, show_brokers, stack_there

    if as_json:
        typer.echo(brokers_json(stack_there(stack)))
    else:
        show_brokers(stack_there(stack))


@app.command()
def run(
    once: Annotated[
        bool, typer.Option("--once", help="Stop after one round, and fail unless all of it is right.")
    ] = False,
) -> None:
    """Run everything on this machine, with simulated brokers and demo accounts, until Ctrl-C."""
    from local.run import run as run_here

    raise typer.Exit(run_here(once=once))


@app.command()
def status(
    user: Annotated[str, typer.Argument(help="A trader's user id; without it the stack as a whole.")] = "",
    stack: StackName = "",
) -> None:
    """Show how the syncs stand: of the whole stack, or of one trader's accounts."""
    from local.commands import operate

    operate.show_status(stack, user)


@app.command()
def sync(
    account_id: Annotated[str, typer.Argument(help="Our id of the account: acc_...")], stack: StackName = ""
) -> None:
    """Sync one account now, whatever its schedule says."""
    from local.commands import operate

    operate.sync_now(stack, account_id)


@app.command()
def failures(stack: StackName = "") -> None:
    """List the feeds whose last run failed, and the dead letters."""
    from local.commands import operate

    operate.show_failures(stack)


@app.command()
def redrive(queue: Annotated[str, typer.Argument(help="sync-jobs or sync-backfill")], stack: StackName = "") -> None:
    """Send a queue's dead letters to work again, one by one."""
    from local.commands import operate

    operate.redrive(stack, queue)


@app.command()
def replay(
    account_id: Annotated[str, typer.Argument(help="Our id of an account: acc_...; left out, --broker.")] = "",
    broker: Annotated[str, typer.Option(help="All accounts of a broker, by its slug.")] = "",
    stack: StackName = "",
) -> None:
    """Read stored answers again under the deployed code; what is new is stored, and holes are closed."""
    from local.commands import replay as replaying

    replaying.replay(stack, account_id, broker)


@app.command()
def pause(
    broker: Annotated[str, typer.Argument(help="A broker's slug, or '*' for all.")], stack: StackName = ""
) -> None:
    """Stop scheduled syncs of a broker. Syncs that traders ask for go on."""
    from local.commands import operate

    operate.pause(stack, broker)


@app.command()
def resume(
    broker: Annotated[str, typer.Argument(help="A broker's slug, or '*' for all.")], stack: StackName = ""
) -> None:
    """Start scheduled syncs of a broker again."""
    from local.commands import operate

    operate.resume(stack, broker)


@app.command("set-plan")
def set_plan(user: User, plan: Plan, stack: StackName = "") -> None:
    """Move a trader to another plan; all feeds follow at once."""
    from local.commands import operate

    operate.set_plan(stack, user, plan)


@app.command()
def connect(
    user: User,
    broker: Broker,
    account: Annotated[list[str], typer.Option(help="The broker's number of an account; again for more.")] = [],  # noqa: B006 (typer's way to take several)
    environment: Annotated[str, typer.Option(help="The broker's environment; without it the broker's first.")] = "",
    credentials: Annotated[
        Path | None, typer.Option(help='JSON file with the credentials ("-": stdin); without it you are asked.')
    ] = None,
    interval: Annotated[
        int | None, typer.Option(help=f"Minutes between syncs, one of {', '.join(map(str, CHOOSABLE_INTERVALS_MIN))}.")
    ] = None,
    stack: StackName = "",
) -> None:
    """Connect a trader to a broker; the first sync begins at once."""
    from local.commands import operate

    operate.connect(
        stack,
        user,
        broker,
        broker_account_ids=account,
        environment=environment,
        credentials_file=credentials,
        interval_min=interval,
    )


@app.command("demo-fail")
def demo_fail(
    broker: Broker = "oanda",
    how: Annotated[How, typer.Option(help="What it does to every request.")] = How.DOWN,
) -> None:
    """Break a simulated broker of `make run`, to see what the page says."""
    from local.demo.trouble import fail

    typer.echo(fail(broker, how))


@app.command("demo-heal")
def demo_heal(broker: Annotated[str, typer.Argument(help="The broker's slug; without it all.")] = "") -> None:
    """Mend the simulated brokers of `make run`."""
    from local.demo.trouble import heal

    typer.echo(heal(broker))


@app.command("rotate-keys")
def rotate_keys(stack: StackName = "") -> None:
    """Encrypt all credentials under new keys; everything goes on meanwhile. What was interrupted is gone on with."""
    from local.commands import operate

    operate.rotate_keys(stack)


def main() -> None:
    """The entry point: what can't be done is said in one line."""
    try:
        app()
    except CommandError as error:
        typer.echo(f"brokersync: {error}", err=True)
        sys.exit(1)
