"""Which of Alpaca's answers a body is, found by looking at it."""

from dataclasses import dataclass
from typing import Final

from brokersync.brokers.alpaca.manifest import ACCOUNT, ACTIVITIES, POSITIONS
from brokersync.brokers.exact_json import JsonObject, a_list, an_object, decode
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import RawPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded answer about an account: `rows` of one section (of the account itself: one)."""

    section: str
    rows: list[object]


_TELLING_KEYS: Final = (
    ("account_number", ACCOUNT),
    ("activity_type", ACTIVITIES),
    ("avg_entry_price", POSITIONS),
)
# Answers that hold no executions, money or positions: what they are, so that nobody wonders why nothing comes out.
_OTHERS: Final = (
    ("client_order_id", "an order: executions come from the account's activities"),
    ("body", "the answer to a request that closes positions: executions come from the account's activities"),
    ("status", "the answer to a request that cancels orders: executions come from the account's activities"),
    ("no_shorting", "the account's configuration"),
)


def recognise(body: bytes, what: str) -> Answer:
    """Decode a body and tell which answer it is. Raises BrokerChangedError naming `what` and the problem.

    An empty list could be any: it is taken for activities, unless `what` speaks of positions.
    """
    value = decode(body, what)
    if isinstance(value, list):
        empty = POSITIONS if "position" in what else ACTIVITIES
        return Answer(section=_section_of_rows(value, what) if value else empty, rows=value)
    document = an_object(value, what)
    return Answer(section=_section_of(document, what), rows=[document])


def read_account(page: RawPage) -> JsonObject:
    """The account of its page. Raises BrokerChangedError."""
    document = an_object(decode(page.body, page.section), page.section)
    _check(_section_of(document, page.section), page.section)
    return document


def read_rows(page: RawPage) -> list[object]:
    """The rows of a fetched page of activities or positions; each may be anything yet. Raises BrokerChangedError."""
    value = decode(page.body, page.section)
    if isinstance(value, dict):
        _check(_section_of(value, page.section), page.section)
    rows = a_list(value, page.section)
    if rows:
        _check(_section_of_rows(rows, page.section), page.section)
    return rows


def _check(found: str, section: str) -> None:
    if found != section:
        raise BrokerChangedError(f"Alpaca answered {found} where {section} was asked for.")


def _section_of_rows(rows: list[object], what: str) -> str:
    """By the first row that tells: one that is broken must not hide what the others are."""
    documents = [row for row in rows if isinstance(row, dict)]
    for document in documents:
        for key, section in _TELLING_KEYS:
            if key in document:
                return section
    return _section_of(documents[0] if documents else an_object(rows[0], f"{what}: row 1"), what)


def _section_of(document: JsonObject, what: str) -> str:
    for key, section in _TELLING_KEYS:
        if key in document:
            return section
    if "code" in document and "message" in document:
        raise BrokerChangedError(
            f"{what} is an error answer of Alpaca: {str(document['code'])[:20]} {str(document['message'])[:200]}"
        )
    for key, other in _OTHERS:
        if key in document:
            raise BrokerChangedError(f"{what} is no data of an account but {other}.")
    keys = ", ".join(sorted(document)[:8]) or "none"
    raise BrokerChangedError(f"{what} is not an answer of Alpaca's Trading API about an account; its keys: {keys}.")
