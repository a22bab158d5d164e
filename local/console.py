"""How the command line and `make run` write to the terminal: one width rule, one look of tables."""

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 160  # into a file or another program nothing is cut to a terminal's width


def make_console() -> Console:
    """A console on stdout, as wide as the terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def make_table(*headings: str) -> Table:
    """A table whose last column holds sentences and wraps; the others stay on one line."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=heading != headings[-1], overflow="fold")
    return table
