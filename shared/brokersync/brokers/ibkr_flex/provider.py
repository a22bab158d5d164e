"""Interactive Brokers by its Flex Web Service: fetch asks for statements, normalise reads them."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from brokersync.brokers.ibkr_flex import live
from brokersync.brokers.ibkr_flex.answers import (
    ENVELOPE_ROOT,
    STATEMENT_ROOT,
    describe,
    holds_rows,
    read_envelope,
)
from brokersync.brokers.ibkr_flex.conversation import Conversation
from brokersync.brokers.ibkr_flex.document import read_document
from brokersync.brokers.ibkr_flex.manifest import (
    GET_STATEMENT,
    MANIFEST,
    SAVED,
    SEND_REQUEST,
    UNEXPECTED,
)
from brokersync.brokers.ibkr_flex.mapper import Together
from brokersync.brokers.ibkr_flex.statement import root_name
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import FetchStep, Normalised, RawPage
from brokersync.domain.portfolio import AccountInfo
from brokersync.ports.brokers import FetchContext

_SAY_NOTHING = frozenset({SEND_REQUEST, GET_STATEMENT, UNEXPECTED})
"""Pages that led to a statement and hold none."""


class IbkrFlexProvider:
    """ports.Provider for IBKR."""

    @property
    def manifest(self) -> Manifest:
        """IBKR's facts."""
        return MANIFEST

    def fetch(self, context: FetchContext) -> Iterator[FetchStep]:
        """Ask for the statement of the days since the cursor, or come back for one that was asked for.

        First an overview of the last days (accounts, figures, where the history begins), then windows of at most 365
        days, oldest first: so that a cancel row always finds what it cancels. Raises what IBKR's error codes mean,
        after the page that has the code.
        """
        return Conversation(context).steps()

    def normalise(self, pages: Sequence[RawPage], accounts: Sequence[str]) -> Normalised:
        """What the statements among the pages say.

        `accounts` is no list of what may come out: a query that covers another account brings it (see live.check). A
        known account without a statement is a missing section. Raises BrokerChangedError for a page that is no whole
        statement, UserActionNeededError (setup_incomplete, wrong_account), NeedsReviewError (empty_where_history).
        """
        together = Together()
        missing: list[str] = []
        for page in pages:
            if page.section in _SAY_NOTHING:
                continue
            _require_statement(page)
            document = read_document(page.body)
            if page.section != SAVED:
                missing += live.check(document, page.section, accounts)
            together.add(document, page.section)
        normalised = together.normalised()
        normalised.missing_sections += missing
        return normalised

    def list_accounts(self, context: FetchContext) -> Sequence[AccountInfo]:  # noqa: ARG002 (the port's signature)
        """None: a feed is the whole connection, its accounts come with the overview."""
        return []

    def read_saved(self, name: str, body: bytes) -> RawPage:
        """A page from a saved statement, or from a part of one. Raises BrokerChangedError saying what else it is."""
        root = root_name(body)
        if not root or (root != STATEMENT_ROOT and not holds_rows(body)):
            raise BrokerChangedError("This is no Flex statement.", detail=f"{name}: {_what(body)}")
        return RawPage(
            section=SAVED,
            method="FILE",
            path=name,
            params={},
            status=200,
            received_at=datetime.now(UTC),
            body=body,
        )


def _require_statement(page: RawPage) -> None:
    root = root_name(page.body)
    if not root or (root != STATEMENT_ROOT and page.section != SAVED):
        raise BrokerChangedError(
            "IBKR's answer is not the statement that it should be.", detail=f"{page.path}: {_what(page.body)}"
        )


def _what(body: bytes) -> str:
    """What stands where a statement should be."""
    envelope = read_envelope(body)
    if envelope is not None:
        return f"an envelope <{ENVELOPE_ROOT}> of the Flex Web Service, {envelope}"
    return f"{describe(body)}; a statement's root element is <{STATEMENT_ROOT}>"


provider = IbkrFlexProvider()
