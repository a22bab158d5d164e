"""How the command line and `make run` write to the terminal: one width rule, one look of tables."""

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 160  # into a file or another program nothing is cut to a terminal's width


def make_console() -> Console:
    """A console on stdout, as wide as the terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=PLAIN_WIDTH)


def make_table(*headings: str, texts: int = 1) -> Table:
    """A table whose last `texts` columns are sentences that may wrap; the others stay on one line."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(headings):
        is_text = number >= len(headings) - texts
        table.add_column(heading, no_wrap=not is_text, overflow="fold")
    return table
