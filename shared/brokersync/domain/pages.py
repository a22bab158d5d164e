"""What a fetch yields and what it says: raw pages, checkpoints, and their normalised content."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from brokersync.domain.portfolio import AccountInfo, Balance, PositionsSection
from brokersync.domain.trades import CashEvent, Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """One answer of the broker, byte for byte, with the request that led to it. Nothing in it is secret.

    `section` says what it holds, in the broker's own vocabulary (`summary`, `transactions`, `statement`).
    `path` and `params` leave out whatever authenticates. `facts` is what the fetch learned from an earlier answer and
    without which this one can't be read: OANDA's transactions don't say the account's currency. `joined` says that its
    rows mean something else with other facts: it is the same as before only if they are, too.
    """

    section: str
    method: str
    path: str
    params: Mapping[str, str]
    status: int
    received_at: datetime
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """All pages since the last checkpoint belong together and are complete: store them, then move the cursor (I3).

    `cursor` is what the broker actually served; `covered_from`/`covered_to` (aware UTC) bound what it proves complete.
    `broker_account_id` names the account that they are about; empty: all that the feed has. `waterline` is how far the
    broker says its own data reaches, where it does. `last` says that nothing follows, so that a run whose time is
    nearly up isn't continued for nothing. `stays` says that the cursor is where it was, with something to remember, so
    that it is kept though data is missing.
    """

    cursor: str
    covered_from: datetime | None = None
    covered_to: datetime | None = None
    broker_account_id: str = ""
    waterline: datetime | None = None
    last: bool = False
    stays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ComeBack:
    """The broker is preparing its answer: end the run, ask again at `at` with `state` (no worker waits)."""

    at: datetime
    state: Mapping[str, str]
    safe_message: str


FetchStep = RawPage | Checkpoint | ComeBack


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped:
    """A row that was not understood, and why. It is kept raw and counted; it never fails the others.

    `where` names the row in words that are the same whenever it comes again. `broker_account_id` is whose it is, where
    it says so. A row that is not `ledger` would be no trade and no cash event: the next answer says it anew, so it
    leaves no hole behind.
    """

    section: str
    where: str
    reason: str
    broker_account_id: str = ""
    ledger: bool = True


@dataclass(slots=True)
class Normalised:
    """What some raw pages say, in our terms. `missing_sections` makes the run partial."""

    accounts: list[AccountInfo] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    positions: list[PositionsSection] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    cash_events: list[CashEvent] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)
    missing_sections: list[str] = field(default_factory=list)


def page_digest(page: RawPage, volatile: Sequence[re.Pattern[bytes]]) -> str:
    """Hash of what a page says: of its answer, and of its facts where these change what its rows mean."""
    if not page.joined:
        return masked_digest(page.body, volatile)
    facts = json.dumps(dict(page.facts), sort_keys=True)
    return masked_digest(page.body + facts.encode(), volatile)


def masked_digest(body: bytes, volatile: Sequence[re.Pattern[bytes]]) -> str:
    """Hash of an answer without the parts that change without news: equal means that there is nothing to read.

    64 bits as 11 characters: a feed keeps one per page.
    """
    for pattern in volatile:
        body = pattern.sub(b"", body)
    return urlsafe_b64encode(hashlib.sha256(body).digest()[:8]).decode().rstrip("=")
