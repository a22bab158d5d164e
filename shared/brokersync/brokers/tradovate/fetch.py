"""One run's questions: the present session whole, its fills last, with all that they can't be read without."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

from pydantic import ValidationError

from brokersync.brokers.exact_json import validated
from brokersync.brokers.tradovate import figures, mapper, sessions
from brokersync.brokers.tradovate.answers import rows_of
from brokersync.brokers.tradovate.client import TradovateClient
from brokersync.brokers.tradovate.joins import JOINED, Joins
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
)
from brokersync.brokers.tradovate.models import (
    Account,
    CashBalance,
    CashChange,
    Contract,
    Fill,
    Maturity,
    Order,
    Position,
    Wire,
)
from brokersync.brokers.tradovate.transport import PenalisedError
from brokersync.domain.errors import ErrorCode, SyncError, UserActionNeededError
from brokersync.domain.pages import Checkpoint, FetchStep, RawPage
from brokersync.domain.times import BrokerTime, from_rfc3339
from brokersync.ports.brokers import FetchContext

IDS_AT_ONCE: Final = 200
"""Ids in one address: it has to stay short enough to be sent."""
_MOST_ROUNDS = 3

_Row = TypeVar("_Row", bound=Wire)
_Steps = Generator[FetchStep, None, None]


class Fetch:
    """One run. Made for one FetchContext, iterated once."""

    def __init__(self, context: FetchContext) -> None:
        """Raises UserActionNeededError when the credentials are incomplete."""
        self._context = context
        self._client = TradovateClient(context)
        self._joins = Joins()
        self._reached = context.cursor
        self._told = False
        self._withheld: SyncError | None = None

    def steps(self) -> Iterator[FetchStep]:
        """Pages and a checkpoint, or ComeBack where Tradovate makes us wait with a ticket."""
        try:
            yield from self._session()
        except PenalisedError as penalised:
            yield self._client.come_back(penalised)

    def _session(self) -> _Steps:
        accounts = yield from self._accounts()
        yield from self._trades(accounts)
        try:
            yield from self._figures(accounts)
        except (SyncError, PenalisedError):
            yield self._checkpoint()  # the trades are whole: they are kept, whatever becomes of the figures
            raise
        yield self._checkpoint(last=True)
        if self._withheld is not None:
            raise self._withheld

    # --- the parts --------------------------------------------------------------------------------------------------

    def _accounts(self) -> Generator[FetchStep, None, Sequence[str]]:
        """The login's accounts; with new ones their cash, which alone tells their currency."""
        page = yield from self._asked(self._client.list(ACCOUNTS))
        ids = [validated(Account, row, "Tradovate's list of accounts").id for row in rows_of(page)[ACCOUNTS]]
        mapper.refuse_strangers(ids, self._context.accounts)
        yield from self._asked(self._client.list(CURRENCIES))
        if not set(ids) <= set(self._context.accounts):
            yield from self._asked(self._client.list(CASH_BALANCES))
        return ids

    def _trades(self, accounts: Sequence[str]) -> _Steps:
        """Everything that leads to the fills, then these; what turns up meanwhile is asked for once more."""
        yield from self._asked(self._client.list(ORDERS))
        yield from self._if_allowed(self._client.list(POSITIONS))
        traded = {row.contract_id for row in self._joins.rows(ORDERS, Order)}
        yield from self._contracts(traded | {row.contract_id for row in self._joins.rows(POSITIONS, Position)})
        yield from self._if_allowed(self._client.list(FEES))
        yield from self._if_allowed(self._client.list(PAIRS))
        yield from self._if_allowed(self._client.cash_log(accounts, self._joins.facts([CURRENCIES])))
        self._reach(row.timestamp for row in self._joins.rows(CASH_LOG, CashChange))
        for _ in range(_MOST_ROUNDS):
            page = yield from self._asked(self._client.list(FILLS, self._joins.facts(list(JOINED))))
            fills = _readable(page, Fill)
            known = len(self._joins)
            yield from self._items(ORDERS, {fill.order_id for fill in fills})
            yield from self._contracts({fill.contract_id for fill in fills})
            if len(self._joins) == known:
                break  # nothing was missing, or there is no more to be had of it
        self._served, self._told = page, bool(fills)
        self._reach(fill.timestamp for fill in fills)

    def _contracts(self, ids: set[str]) -> _Steps:
        """Contracts, when they end, and what they are about."""
        yield from self._items(CONTRACTS, ids)
        yield from self._items(MATURITIES, {row.contract_maturity_id for row in self._joins.rows(CONTRACTS, Contract)})
        yield from self._items(PRODUCTS, {row.product_id for row in self._joins.rows(MATURITIES, Maturity)})

    def _figures(self, accounts: Sequence[str]) -> _Steps:
        """Cash, and snapshots of the accounts whose figures it can't tell: each of them is a request."""
        positions = self._joins.rows(POSITIONS, Position)
        holding = {row.account_id for row in positions if row.net_pos} if self._withheld is None else {*accounts}
        facts = {mapper.HOLDING: ",".join(sorted(holding)), **self._joins.facts([CURRENCIES])}
        page = yield from self._asked(self._client.list(CASH_BALANCES, facts))
        cash = figures.by_account(_readable(page, CashBalance))
        for account in accounts:
            if figures.needs_snapshot(cash.get(account, ()), holds_positions=account in holding):
                yield from self._asked(self._client.snapshot(account))

    # --- asking -----------------------------------------------------------------------------------------------------

    def _asked(self, page: RawPage) -> Generator[FetchStep, None, RawPage]:
        """Yield an answer, then look into it. Raises what it means if it has no data."""
        yield page
        self._client.check(page)
        if page.section in JOINED:
            self._joins.add(page.section, _readable(page, JOINED[page.section]))
        return page

    def _if_allowed(self, page: RawPage) -> _Steps:
        """As `_asked`, but a list that the API key may not read is told at the end, when the trades are stored."""
        try:
            yield from self._asked(page)
        except UserActionNeededError as error:
            if error.code is not ErrorCode.SETUP_INCOMPLETE:
                raise
            self._withheld = self._withheld or error

    def _items(self, section: str, ids: set[str]) -> _Steps:
        """Those of the entities that are not known yet."""
        wanted = sorted(ids - self._joins.ids(section) - {""}, key=int)
        for start in range(0, len(wanted), IDS_AT_ONCE):
            yield from self._asked(self._client.items(section, wanted[start : start + IDS_AT_ONCE]))

    # --- what was served --------------------------------------------------------------------------------------------

    def _reach(self, times: Iterable[BrokerTime]) -> None:
        """Move the cursor to the newest of what was served."""
        before = from_rfc3339(self._reached) if self._reached else None
        newest = max(filter(None, (before, *times)), key=lambda time: time.ns, default=None)
        self._reached = newest.raw if newest else self._reached

    def _checkpoint(self, *, last: bool = False) -> Checkpoint:
        """Lists hold the session in which they were asked for; empty ones, while none is open, prove nothing."""
        asked_at = self._served.received_at
        began = sessions.began(asked_at)
        proves = self._told or sessions.is_traded(asked_at)
        return Checkpoint(
            cursor=self._reached or began.isoformat(),
            covered_from=began if proves else None,
            covered_to=asked_at if proves else None,
            last=last,
        )


def _readable(page: RawPage, kind: type[_Row]) -> list[_Row]:
    """The rows that can be read; what becomes of the others is the mapper's to say."""
    found = []
    for row in rows_of(page).get(page.section, ()):
        with suppress(ValidationError):
            found.append(kind.model_validate(row))
    return found
