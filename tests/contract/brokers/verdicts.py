"""What a sync did, and what is wrong with what it left behind."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from brokersync.domain.money import plain
from brokersync.domain.runs import SyncRun
from brokersync.domain.trades import Side
from brokersync.ports.reading import CurrentPortfolio
from brokersync.services.end_run import RunReport
from local.simulators.kit import TrueAccount


@dataclass(frozen=True, kw_only=True)
class Synced:
    """The runs that one job took, oldest first."""

    reports: Sequence[RunReport]
    requests: int
    writes: Sequence[str]

    @property
    def last(self) -> SyncRun:
        return self.reports[-1].run

    @property
    def redeliver(self) -> bool:
        return self.reports[-1].redeliver

    @property
    def snapshot_keys(self) -> list[str]:
        return [key for report in self.reports for key in report.run.snapshot_keys]

    def total(self, name: str) -> int:
        """A count of stats, of all runs together."""
        return sum(getattr(report.run.stats, name) for report in self.reports)


def wrong_figures(current: CurrentPortfolio, true: TrueAccount) -> Iterator[str]:
    """Where an account's figures and positions are not the books'."""
    for name, expected in true.balance.items():
        amount = getattr(current.balance, name, None)
        said = None if amount is None else plain(amount)
        if said != expected:
            yield f"balance.{name} is {said}, truly {expected}"
    held: dict[str, Decimal] = {}
    for position in current.positions.positions if current.positions else ():
        signed = position.volume if position.side is Side.BUY else -position.volume
        held[position.symbol] = held.get(position.symbol, Decimal(0)) + signed
    said_held = {symbol: plain(volume) for symbol, volume in held.items() if volume}
    if current.positions is None:
        yield "positions were never stored: a flat account is stored as flat"
    elif said_held != true.positions:
        yield f"positions are {said_held}, truly {true.positions}"


def first_leak(secrets: Iterable[str], texts: Iterable[str]) -> str | None:
    """What stands before the first secret in these texts; None when there is none."""
    pattern = re.compile("|".join(re.escape(one) for one in sorted(secrets) if one))
    for text in texts:
        if found := pattern.search(text):
            return f"...{text[max(found.start() - 80, 0) : found.start()]}[secret]"
    return None
