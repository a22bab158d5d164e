"""What was asked of IBKR and is not answered yet: the state that a run hands to the next one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Self

from brokersync.brokers.ibkr_flex.manifest import HISTORY, OVERVIEW, STATEMENT
from brokersync.brokers.ibkr_flex.values import compact, from_compact
from brokersync.brokers.ibkr_flex.windows import Window, weekday_before

STEPS_BACK: Final = 3
"""How many weekdays a window's end moves back when its last day has no statement: holidays, or not built yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A window and how far asking for it has come. Without `reference`, SendRequest is next.

    `ends` is the window's end as it was planned. `url` is where IBKR says the statement will be; `by_url` once the
    documented address has answered nonsense. The counts bound what is tried again.
    """

    window: Window
    ends: date
    reference: str = ""
    url: str = ""
    by_url: bool = False
    polls: int = 0
    renewals: int = 0
    refusals: int = 0
    steps: int = 0

    @classmethod
    def of(cls, window: Window) -> Self:
        """A window that was not asked for yet."""
        return cls(window=window, ends=window.last)

    @classmethod
    def read(cls, state: Mapping[str, str]) -> "Pending | None":
        """What an earlier run left; None for no state, or one that another version of this code wrote."""
        try:
            section = state["section"]
            if section not in (OVERVIEW, HISTORY, STATEMENT):
                return None
            return cls(
                window=Window(first=from_compact(state["from"]), last=from_compact(state["to"]), section=section),
                ends=from_compact(state["ends"]),
                reference=state["reference"],
                url=state["url"],
                by_url=state["by_url"] == "yes",
                polls=int(state["polls"]),
                renewals=int(state["renewals"]),
                refusals=int(state["refusals"]),
                steps=int(state["steps"]),
            )
        except (KeyError, ValueError):
            return None

    def state(self) -> dict[str, str]:
        """As text, under 400 bytes: it lives in the feed's row."""
        return {
            "section": self.window.section,
            "from": compact(self.window.first),
            "to": compact(self.window.last),
            "ends": compact(self.ends),
            "reference": self.reference,
            "url": self.url,
            "by_url": "yes" if self.by_url else "no",
            "polls": str(self.polls),
            "renewals": str(self.renewals),
            "refusals": str(self.refusals),
            "steps": str(self.steps),
        }

    def referred(self, reference: str, url: str) -> "Pending":
        """IBKR accepted the request under a reference code."""
        return replace(self, reference=reference, url=url, by_url=False, polls=0)

    def polled(self) -> "Pending":
        """IBKR was asked for the statement and is still preparing it."""
        return replace(self, polls=self.polls + 1)

    def renewed(self) -> "Pending":
        """The reference code is no good any more."""
        return replace(self, reference="", renewals=self.renewals + 1)

    def refused(self) -> "Pending":
        """The request was not validated."""
        return replace(self, reference="", refusals=self.refusals + 1)

    def stepped_back(self) -> "Pending | None":
        """The same window without its last weekday; None when enough of them were tried."""
        last = weekday_before(self.window.last)
        if self.steps >= STEPS_BACK or last < self.window.first:
            return None
        return replace(self, window=replace(self.window, last=last), reference="", polls=0, steps=self.steps + 1)
