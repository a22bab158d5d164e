"""What a stack's tables hold of an account, for tests of the whole."""

from collections.abc import Sequence

from brokersync.aws.ledger import DynamoLedger
from brokersync.aws.portfolios import DynamoPortfolios
from brokersync.aws.runs import DynamoRuns
from brokersync.domain.feeds import Feed
from brokersync.domain.runs import SyncRun
from brokersync.domain.trades import LedgerEntry, time_key
from brokersync.ports.reading import CurrentPortfolio
from local.commands.stack import Stack

PAGE = 1_000


class Stored:
    """Reads the tables by the adapters' own means."""

    def __init__(self, stack: Stack) -> None:
        self._feeds = stack.feeds
        self._ledger = DynamoLedger(stack.session)
        self._portfolios = DynamoPortfolios(stack.session)
        self._runs = DynamoRuns(stack.session)

    def feed(self, feed_id: str) -> Feed:
        """The feed as it is."""
        feed = self._feeds.get(feed_id)
        assert feed is not None, f"{feed_id} is gone"
        return feed

    def runs(self, feed_id: str) -> Sequence[SyncRun]:
        """All run rows, oldest first."""
        found: list[SyncRun] = []
        while page := self._runs.newest(feed_id, limit=PAGE, before=found[-1].run_id if found else ""):
            found += page
        return found[::-1]

    def entries(self, account_id: str) -> Sequence[LedgerEntry]:
        """All trades and cash events in their current versions."""
        found: list[LedgerEntry] = [stored.entry for stored in self._ledger.cash_events(account_id)]
        before = ""
        while page := self._ledger.newest(account_id, limit=PAGE, before=before):
            found += [stored.entry for stored in page]
            before = time_key(page[-1].entry)
        return found

    def portfolio(self, account_id: str) -> CurrentPortfolio:
        """Figures and positions."""
        return self._portfolios.current(account_id)
