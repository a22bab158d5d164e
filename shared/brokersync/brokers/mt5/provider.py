"""The provider of MetaTrader 5 bridges: what a sync asks for, in which order."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from brokersync.brokers.exact_json import validated
from brokersync.brokers.mt5 import mapper
from brokersync.brokers.mt5.addresses import Resolve, resolve
from brokersync.brokers.mt5.answers import recognise
from brokersync.brokers.mt5.client import BridgeClient
from brokersync.brokers.mt5.fetch import Fetch
from brokersync.brokers.mt5.manifest import MANIFEST
from brokersync.brokers.mt5.models import Info
from brokersync.brokers.mt5.settings import ACCOUNT_PLACE
from brokersync.domain.errors import BrokerChangedError, ErrorCode, UserActionNeededError
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import FetchStep, Normalised, RawPage
from brokersync.domain.portfolio import AccountInfo
from brokersync.ports.brokers import FetchContext


class Mt5Provider:
    """See ports.Provider. A feed is one account of one terminal; its cursor is a `completeness.Cursor`."""

    def __init__(self, *, resolving: Resolve = resolve) -> None:
        """`resolving` finds the addresses of a bridge's name, so that inner ones are refused."""
        self._resolving = resolving

    @property
    def manifest(self) -> Manifest:
        """What is true of bridges."""
        return MANIFEST

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """The account's figures, its deals since the cursor, its positions, and its figures again."""
        return Fetch(context, self._resolving).steps()

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What a bridge's answers say; see mapper."""
        return mapper.normalise(pages, accounts)

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:
        """The accounts that the trader named, with currency and name; a bridge lists none by itself."""
        settings = BridgeClient(context, "", resolving=self._resolving).settings
        if not settings.logins and ACCOUNT_PLACE in settings.base_path:
            raise UserActionNeededError(
                ErrorCode.SETUP_INCOMPLETE, "Account number (login): the bridge doesn't list accounts, so name yours."
            )
        return [self._listed(context, login) for login in settings.logins or ("",)]

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved answer: an account's info, positions or deals, in any envelope.

        Such an answer doesn't say when it was given, and by which clock: it counts as received now, its times as UTC.
        """
        answer = recognise(body, name)
        if answer.error is not None:
            raise BrokerChangedError(f"{name} is an error that a bridge told, no data: {answer.error.text}")
        return RawPage(
            section=answer.kind,
            method="GET",
            path="",
            params={},
            status=200,
            received_at=datetime.now(UTC),
            body=body,
        )

    def _listed(self, context: FetchContext, login: str) -> AccountInfo:
        client = BridgeClient(context, login, resolving=self._resolving)
        page = client.info()
        info = validated(Info, client.read(page).info, page.section)
        mapper.permitted(info.login, (login,) if login else ())
        return AccountInfo(broker_account_id=info.login, currency=info.currency, name=info.name)


provider = Mt5Provider()
