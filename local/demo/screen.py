"""What `make run` shows: steps, progress while syncs are at work, a table. Plain lines where there is no terminal."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.text import Text

from local.console import make_console, make_table

_STYLES: Mapping[str, str] = {
    "synced": "green",
    "syncing": "cyan",
    "pending": "yellow",
    "partial": "yellow",
    "needs_review": "magenta",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One account as its trader's table shows it, all text but the count. `message` stands below the badge."""

    account: str
    broker: str
    trades: int
    last_success: str
    status: str
    badge: str
    message: str


class Screen:
    """Writes to stdout."""

    def __init__(self) -> None:
        self._console = make_console()

    def line(self, text: str = "", *, style: str = "") -> None:
        """Write a line as it is; addresses and tokens are not wrapped."""
        self._console.print(Text(text, style=style), soft_wrap=True)

    @contextmanager
    def progress(self, text: str) -> Iterator[Callable[[str], None]]:
        """Show how far something is; call what you get with the news, which is shown when it differs."""
        shown = ""

        def print_news(news: str) -> None:
            nonlocal shown
            if news != shown:
                self.line(f"{text}: {news}")
            shown = news

        if not self._console.is_terminal:
            yield print_news
            return
        with self._console.status(text) as status:
            yield lambda news: status.update(f"{text}: {news}")

    def table(self, trader: str, rows: Iterable[Row]) -> None:
        """A trader's accounts, in the order given."""
        table = make_table("Account", "Broker", "Trades", "Last success", "Status")
        table.columns[2].justify = "right"
        for row in rows:
            status = Text(row.badge, style=_STYLES.get(row.status, "red"))
            if row.message:
                status.append(f"\n{row.message}", style="default")
            table.add_row(row.account, row.broker, f"{row.trades:,}", row.last_success, status)
        self.line(f"\n{trader}", style="bold")
        self._console.print(table)
