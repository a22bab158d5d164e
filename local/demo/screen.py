"""What `make run` shows: steps, progress while syncs are at work, a table. Plain lines where there is no terminal."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 160  # where the output goes into a file or another program, nothing is cut to a terminal's width

_STYLES: Mapping[str, str] = {"synced": "green", "partial": "yellow", "pending": "yellow", "needs_review": "magenta"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One account as the table shows it, all text but the count."""

    trader: str
    account: str
    broker: str
    status: str
    badge: str
    trades: int
    last_sync: str
    note: str


class Screen:
    """Writes to stdout."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=PLAIN_WIDTH, file=self._console.file)

    def line(self, text: str = "", *, style: str = "") -> None:
        """Write a line as it is; addresses and tokens are not wrapped."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show how far something is; call what you get with the news, which is shown when it differs."""
        shown = ""
        if self._console.is_terminal:
            with self._console.status(text) as status:
                yield lambda news: status.update(f"{text}: {news}")
            return

        def print_news(news: str) -> None:
            nonlocal shown
            if news != shown:
                self.line(f"{text}: {news}")
            shown = news

        yield print_news

    def table(self, rows: Iterable[Row]) -> None:
        """The accounts, in the order given."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("Trader", "Account", "Broker", "Status"):
            table.add_column(heading, no_wrap=True)
        table.add_column("Trades", justify="right")
        table.add_column("Last sync", no_wrap=True)
        table.add_column("What the trader is told", overflow="fold")
        for row in rows:
            badge = Text(row.badge, style=_STYLES.get(row.status, "red"))
            table.add_row(row.trader, row.account, row.broker, badge, f"{row.trades:,}", row.last_sync, row.note)
        self._console.print(table)
