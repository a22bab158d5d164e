"""What an answer is, told by its root element, and the few facts that decide what to ask next."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.parsers import expat

from brokersync.brokers.ibkr_flex.statement import root_name
from brokersync.brokers.ibkr_flex.values import RowError, day

ENVELOPE_ROOT: Final = "FlexStatementResponse"
STATEMENT_ROOT: Final = "FlexQueryResponse"

_ATTRIBUTE = re.compile(r"(\w+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_STATEMENT_TAG = re.compile(rb"<FlexStatement\s[^<>]*")
_INFORMATION_TAG = re.compile(rb"<AccountInformation\s[^<>]*")
_ROWS = re.compile(rb"<(?:FlexStatement|Trade|TradeConfirm|CashTransaction|OpenPosition)\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """FlexStatementResponse: `status` is Success, Warn or Fail; texts that IBKR left out are empty."""

    status: str = ""
    code: str = ""
    message: str = ""
    reference: str = ""
    url: str = ""

    def __str__(self) -> str:
        if self.reference:
            return f"{self.status}: a reference code for GetStatement, which answers the statement itself"
        return f"{self.status or 'no status'} {self.code or 'without code'}: {self.message or 'no message'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The days that a statement answers for: of several accounts' statements, those that all of them cover."""

    first: date
    last: date


def read_envelope(body: bytes) -> Envelope | None:
    """The envelope; None when the answer is none, or is cut."""
    if root_name(body) != ENVELOPE_ROOT:
        return None
    told: dict[str, str] = {}
    name = ""

    def start(element: str, _: dict[str, str]) -> None:
        nonlocal name
        name = element

    def data(characters: str) -> None:
        told[name] = told.get(name, "") + characters

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.CharacterDataHandler = data
    try:
        parser.Parse(body, True)
    except expat.ExpatError:
        return None
    texts = {element: characters.strip() for element, characters in told.items()}
    return Envelope(
        status=texts.get("Status", ""),
        code=texts.get("ErrorCode", ""),
        message=texts.get("ErrorMessage", ""),
        reference=texts.get("ReferenceCode", ""),
        url=texts.get("Url", ""),
    )


def is_statement(body: bytes) -> bool:
    """Whether the answer is a statement."""
    return root_name(body) == STATEMENT_ROOT


def holds_rows(body: bytes) -> bool:
    """Whether rows of a statement are in it, whatever is around them: somebody may have saved a part."""
    return _ROWS.search(body) is not None


def served_days(body: bytes) -> Served | None:
    """The days that a statement served, as its header says; None when it says none that can be read.

    Only start tags are looked at: an unchanged statement need not be parsed to know this.
    """
    periods: dict[str, tuple[date, date]] = {}
    for tag in _tags(_STATEMENT_TAG, body):
        try:
            first, last = day(tag.get("fromDate", ""), "fromDate"), day(tag.get("toDate", ""), "toDate")
        except RowError:
            return None
        known = periods.setdefault(tag.get("accountId", ""), (first, last))
        periods[tag.get("accountId", "")] = min(first, known[0]), max(last, known[1])
    if not periods:
        return None
    return Served(first=min(first for first, _ in periods.values()), last=min(last for _, last in periods.values()))


def opened_on(body: bytes) -> date | None:
    """The day on which the first of the accounts was opened; None unless every account tells it."""
    days = []
    for tag in _tags(_INFORMATION_TAG, body):
        try:
            days.append(day(tag.get("dateOpened", ""), "dateOpened"))
        except RowError:
            return None
    return min(days, default=None)


def describe(body: bytes) -> str:
    """What an answer that should be XML of IBKR is, in a few words that tell nothing of its content."""
    start = body[:1000].lower()
    if not start.strip():
        return "empty"
    root = root_name(body)
    if root and root.lower() != "html":
        return f"XML with the root element <{root[:60]}>"
    if b"<html" in start or b"<!doctype html" in start:
        return "an HTML page"
    if b"<!doctype" in start:
        return "XML with a document type declaration, which no answer of IBKR has"
    return "not XML"


def is_text_table(body: bytes) -> bool:
    """Whether the answer looks like CSV, the other format that a query can have: quoted names, separated."""
    return body[:1] == b'"' and b'","' in body[:1000]


def _tags(pattern: re.Pattern[bytes], body: bytes) -> Iterator[dict[str, str]]:
    for match in pattern.finditer(body):
        yield {
            name: double or single for name, double, single in _ATTRIBUTE.findall(match[0].decode("utf-8", "replace"))
        }
