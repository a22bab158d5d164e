"""Tradovate's provider: fetch asks for the present session's lists, normalise joins them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from brokersync.brokers.tradovate import mapper
from brokersync.brokers.tradovate.answers import recognise
from brokersync.brokers.tradovate.fetch import Fetch
from brokersync.brokers.tradovate.manifest import MANIFEST
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import FetchStep, Normalised, RawPage
from brokersync.domain.portfolio import AccountInfo
from brokersync.ports.brokers import FetchContext


class TradovateProvider:
    """See ports.Provider. A feed is a login with its accounts; its cursor is the newest time that was served."""

    @property
    def manifest(self) -> Manifest:
        """Tradovate's facts."""
        return MANIFEST

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """The present session: accounts, what leads from fills to them, the fills, and the figures.

        A penalty ticket ends the run with ComeBack; the next one sends the penalised request again with it.
        """
        return Fetch(context).steps()

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What Tradovate's answers say together; see mapper. A login may bring accounts that are not known yet."""
        return mapper.normalise(pages, accounts)

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:  # noqa: ARG002 (the port's signature)
        """None: a feed is the whole connection, its accounts come with its first answer."""
        return []

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved list, or from a document of several lists. Raises BrokerChangedError if it is neither.

        Such an answer doesn't say when it was given: it counts as received now.
        """
        return RawPage(
            section=recognise(body, name),
            method="GET",
            path=name,
            params={},
            status=200,
            received_at=datetime.now(UTC),
            body=body,
        )


provider = TradovateProvider()
