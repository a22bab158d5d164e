"""The sync log of an account: every run of its feed, newest first, in pages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from brokersync.domain.runs import SyncRun
from brokersync.ports.reading import RunsReader
from brokersync.services.own_accounts import OwnAccounts

_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """Some runs; `next_before` is where the following page starts, empty at the end."""

    runs: Sequence[SyncRun]
    next_before: str


class RunNotFoundError(Exception):
    """The account has no such run: another account's and none at all are not told apart."""


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

    def one(self, user_id: str, account_id: str, run_id: str) -> SyncRun:
        """One run that concerned one account. Raises AccountNotFoundError and RunNotFoundError."""
        account = self._own.account(user_id, account_id)
        run = self._runs.get(account.feed_id, run_id) if _RUN_ID.fullmatch(run_id) else None
        if run is None:
            raise RunNotFoundError(run_id)
        return run
