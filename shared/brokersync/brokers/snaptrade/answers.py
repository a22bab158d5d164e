"""Which of SnapTrade's answers a body is, and the rows that it holds."""

from dataclasses import dataclass
from typing import Final

from brokersync.brokers.exact_json import JsonObject, a_list, an_object, decode
from brokersync.brokers.snaptrade.manifest import ACCOUNT, ACTIVITIES, BALANCES, CONNECTION, POSITIONS
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import RawPage

_TELLING_KEYS: Final = (
    ("option_type", ACTIVITIES),
    ("trade_date", ACTIVITIES),
    ("sync_status", ACCOUNT),
    ("brokerage", CONNECTION),
    ("instrument", POSITIONS),
    ("cash", BALANCES),
)
# Answers that hold nothing that is read: what they are, so that nobody wonders why nothing comes out.
_OTHERS: Final = (
    ("brokerage_order_id", "an order: executions come from the account's activities"),
    ("orders", "orders: executions come from the account's activities"),
    ("option_positions", "the holdings of the retired endpoint: positions come from /positions/all"),
    ("history", "the account's worth day by day"),
    ("detail", "an error answer or a message of SnapTrade"),
    ("default_detail", "an error answer of SnapTrade"),
    ("error", "an error answer of SnapTrade"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded answer: the rows of one section; `top` is the object around them, if there is one."""

    section: str
    rows: list[object]
    top: JsonObject


def recognise(body: bytes, what: str) -> Answer:
    """Decode a body and tell which answer it is. Raises BrokerChangedError naming `what` and the problem.

    A bare empty list could be several: it is taken for balances.
    """
    value = decode(body, what)
    if isinstance(value, list):
        return Answer(section=_section_of_rows(value, what, BALANCES), rows=value, top={})
    document = an_object(value, what)
    for key, section in (("data", ACTIVITIES), ("results", POSITIONS)):
        if key in document:
            rows = a_list(document[key], f"{what}: {key}")
            return Answer(section=_section_of_rows(rows, what, section), rows=rows, top=document)
    return Answer(section=_section_of(document, what), rows=[document], top=document)


def read(page: RawPage) -> Answer:
    """The answer of a fetched page. Raises BrokerChangedError where it is another than what was asked for."""
    answer = recognise(page.body, page.section)
    empty_list = not answer.rows and not answer.top
    if answer.section != page.section and not empty_list:
        raise BrokerChangedError(f"SnapTrade answered {answer.section} where {page.section} was asked for.")
    return answer


def read_one(page: RawPage) -> JsonObject:
    """The one object of a page. Raises BrokerChangedError where it is a list."""
    top = read(page).top
    if not top:
        raise BrokerChangedError(f"{page.section} is a list, not an object.")
    return top


def _section_of_rows(rows: list[object], what: str, empty: str) -> str:
    """By the first row that tells: one that is broken must not hide what the others are."""
    documents = [row for row in rows if isinstance(row, dict)]
    for document in documents:
        for key, section in _TELLING_KEYS:
            if key in document:
                return section
    if not rows:
        return empty
    return _section_of(documents[0] if documents else an_object(rows[0], f"{what}: row 1"), what)


def _section_of(document: JsonObject, what: str) -> str:
    for key, section in _TELLING_KEYS:
        if key in document:
            return section
    for key, other in _OTHERS:
        if key in document:
            raise BrokerChangedError(f"{what} is no data of an account but {other}.")
    keys = ", ".join(sorted(document)[:8]) or "none"
    raise BrokerChangedError(f"{what} is not an answer of SnapTrade about an account; its keys: {keys}.")
