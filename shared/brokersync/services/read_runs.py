"""The sync log of an account: every run of its feed, newest first, in pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from brokersync.domain.runs import SyncRun
from brokersync.ports.reading import RunsReader
from brokersync.services.own_accounts import OwnAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """Some runs; `next_before` is where the following page starts, empty at the end."""

    runs: Sequence[SyncRun]
    next_before: str


class ReadRuns:
    """Reads the sync log. The log keeps as many days as the trader's plan grants."""

    def __init__(self, own: OwnAccounts, runs: RunsReader) -> None:
        self._own, self._runs = own, runs

    def run(self, user_id: str, account_id: str, *, limit: int, before: str = "") -> RunsPage:
        """At most `limit` runs that concerned one account. Raises AccountNotFoundError."""
        account = self._own.account(user_id, account_id)
        found = self._runs.newest(account.feed_id, limit=limit + 1, before=before)  # one more: is there a next?
        page = found[:limit]
        return RunsPage(runs=page, next_before=page[-1].run_id if len(found) > limit else "")
