"""Tradovate's lists as raw pages, under a session that renews itself. Source: api.tradovate.com."""

from collections.abc import Iterable, Mapping
from typing import Final

from brokersync.brokers.live_session import LiveSession
from brokersync.brokers.tradovate import refusals
from brokersync.brokers.tradovate.manifest import (
    ACCOUNTS,
    CASH_BALANCES,
    CASH_LOG,
    CONTRACTS,
    CURRENCIES,
    FEES,
    FILLS,
    MATURITIES,
    ORDERS,
    PAIRS,
    POSITIONS,
    PRODUCTS,
    SNAPSHOTS,
)
from brokersync.brokers.tradovate.signing_in import BASE_URL, RENEW_BEFORE, Login, SigningIn
from brokersync.brokers.tradovate.transport import PenalisedError, Transport
from brokersync.domain.errors import BrokerChangedError, ErrorCode, UserActionNeededError
from brokersync.domain.pages import ComeBack, RawPage
from brokersync.ports.brokers import FetchContext, HttpAnswer, SessionToken

LISTS: Final[Mapping[str, str]] = {
    ACCOUNTS: "/account/list",
    CURRENCIES: "/currency/list",
    ORDERS: "/order/list",
    POSITIONS: "/position/list",
    FEES: "/fillFee/list",
    PAIRS: "/fillPair/list",
    FILLS: "/fill/list",
    CASH_BALANCES: "/cashBalance/list",
}
ITEMS: Final[Mapping[str, str]] = {
    ORDERS: "/order/items",
    CONTRACTS: "/contract/items",
    MATURITIES: "/contractMaturity/items",
    PRODUCTS: "/product/items",
}
SNAPSHOT: Final = "/cashBalance/getcashbalancesnapshot"
CASH_LOG_OF: Final = "/cashBalanceLog/ldeps"
ACCOUNT_ID: Final = "accountId"

_MOST_REFUSALS = 2
_KEPT_HEADERS = ("date", "x-request-id")


class TradovateClient:
    """One run's questions. Raises UserActionNeededError for credentials that can't be any."""

    def __init__(self, context: FetchContext) -> None:
        self._now = context.now
        self._transport = Transport(context)
        signing_in = SigningIn(self._transport, Login.of(context.credentials), context.now)
        self._session = LiveSession(
            context.session,
            now=context.now,
            sign_in=signing_in.sign_in,
            refresh=signing_in.renew,
            renew_before=RENEW_BEFORE,
        )
        self._let_in = False
        self._refusals = 0

    def list(self, section: str, facts: Mapping[str, str] | None = None) -> RawPage:
        """All entities of a section that the login may see, of the present session. `facts` go with the page."""
        return self._get(section, LISTS[section], {}, facts or {})

    def items(self, section: str, ids: Iterable[str]) -> RawPage:
        """Entities by their ids."""
        return self._get(section, ITEMS[section], {"ids": ",".join(sorted(ids, key=int))}, {})

    def cash_log(self, accounts: Iterable[str], facts: Mapping[str, str]) -> RawPage:
        """All changes of these accounts' cash in the present session."""
        return self._get(CASH_LOG, CASH_LOG_OF, {"masterids": ",".join(sorted(accounts, key=int))}, facts)

    def snapshot(self, account: str) -> RawPage:
        """An account's figures now."""
        asked = {ACCOUNT_ID: account}
        answer = self._session.ask(
            lambda token: self._transport.post(SNAPSHOT, {ACCOUNT_ID: int(account)}, self._at(token)), self._refused
        )
        return _page(SNAPSHOTS, "POST", SNAPSHOT, asked, answer, {})

    def check(self, page: RawPage) -> None:
        """Raise the SyncError that a page without data means, or PenalisedError."""
        refusal = refusals.refusal_in(page.body, page.section) if page.status == 200 else None
        if page.status == 401 or refusals.is_ended(refusal):
            raise self._not_let_in(page)
        if error := refusals.of_status(page.status, page.path, self._now):
            raise error
        if refusal is None:
            self._let_in = True
            return
        if refusal.penalty is None:
            raise BrokerChangedError(
                f"Tradovate refuses to tell us the {_words(page.section)}.", detail=f"{page.path}: {refusal.text}"
            )
        raise PenalisedError(page.path, refusal.penalty, page.received_at)

    def come_back(self, penalised: PenalisedError) -> ComeBack:
        """When to go on after a penalty. Raises RetryLaterError for a captcha, or when penalties don't end."""
        return self._transport.come_back(penalised)

    def _get(self, section: str, path: str, params: Mapping[str, str], facts: Mapping[str, str]) -> RawPage:
        answer = self._session.ask(lambda token: self._transport.get(path, params, self._at(token)), self._refused)
        return _page(section, "GET", path, params, answer, facts)

    def _at(self, token: SessionToken) -> str:
        """The token, after turning to the server where it is good."""
        if BASE_URL in token.extra and not self._transport.is_moved:
            self._transport.base_url = token.extra[BASE_URL]
        return token.token

    def _refused(self, answer: HttpAnswer) -> bool:
        """Whether another token may help: a run tries one renewal and one sign-in, for Tradovate counts these."""
        told = refusals.refusal_in(answer.body, "answer") if answer.status == 200 else None
        refused = answer.status == 401 or refusals.is_ended(told)
        self._refusals += refused
        return refused and self._refusals <= _MOST_REFUSALS

    def _not_let_in(self, page: RawPage) -> UserActionNeededError:
        """A token of a new sign-in was refused: where it opened other lists, the API key lacks a permission."""
        if self._let_in:
            return UserActionNeededError(
                ErrorCode.SETUP_INCOMPLETE,
                f"The API key may not read the {_words(page.section)}: give it that permission at Tradovate.",
                detail=f"{page.path} answered HTTP {page.status} to a token that opened other lists",
            )
        message = refusals.STATUSES[401][1]
        return UserActionNeededError(ErrorCode.CREDENTIALS_REJECTED, message, detail=f"{page.path} answered HTTP 401")


def _page(
    section: str, method: str, path: str, params: Mapping[str, str], answer: HttpAnswer, facts: Mapping[str, str]
) -> RawPage:
    return RawPage(
        section=section,
        method=method,
        path=path,
        params=params,
        status=answer.status,
        received_at=answer.received_at,
        body=answer.body,
        headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
        facts=facts,
        joined=section == FILLS,
    )


def _words(section: str) -> str:
    return section.replace("_", " ")
