"""`brokersync`: read saved answers, run everything on this machine, look after a running stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from local.commands.errors import CommandError

app = typer.Typer(
    help="Keeps traders' broker accounts up to date.", no_args_is_help=True, pretty_exceptions_enable=False
)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn a CommandError into one line on stderr and exit status 1."""
    try:
        yield
    except CommandError as error:
        typer.echo(f"brokersync: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def normalise(
    broker: Annotated[str, typer.Argument(help="The broker's slug, such as oanda or ibkr_flex.")],
    files: Annotated[list[Path], typer.Argument(help="One statement, a page, or several pages of one account.")],
) -> None:
    """Print what saved answers of a broker say, as JSON lines (type: account, position, cash, trade, unmapped)."""
    from brokersync.brokers.catalog import BrokerCatalog
    from local.commands.normalise import normalise as lines_of

    with told_plainly():
        for line in lines_of(BrokerCatalog(), broker, files):
            typer.echo(line)


def main() -> None:
    """The entry point of pyproject.toml."""
    app()
