"""Which of Tradovate's entities a row is, found by looking at it, and the rows of a page."""

from collections.abc import Mapping, Sequence
from typing import Final

from brokersync.brokers.exact_json import JsonObject, a_list, an_object, decode
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
    SAVED,
    SNAPSHOTS,
)
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import RawPage

# The first that fits says what a row is; all of its keys have to be there.
_TELLING_KEYS: Final[Sequence[tuple[frozenset[str], str]]] = (
    (frozenset({"cashChangeType"}), CASH_LOG),
    (frozenset({"totalCashValue"}), SNAPSHOTS),
    (frozenset({"buyFillId", "sellFillId"}), PAIRS),
    (frozenset({"netPos"}), POSITIONS),
    (frozenset({"ordStatus"}), ORDERS),
    (frozenset({"orderId", "qty", "price"}), FILLS),
    (frozenset({"accountId", "currencyId", "amount"}), CASH_BALANCES),
    (frozenset({"valuePerPoint"}), PRODUCTS),
    (frozenset({"productId", "expirationDate"}), MATURITIES),
    (frozenset({"contractMaturityId"}), CONTRACTS),
    (frozenset({"clearingHouseId"}), ACCOUNTS),
    (frozenset({"accountType"}), ACCOUNTS),
    (frozenset({"commission"}), FEES),
    (frozenset({"clearingFee"}), FEES),
    (frozenset({"exchangeFee"}), FEES),
    (frozenset({"name", "symbol"}), CURRENCIES),
)
_HISTORY_OF_ORDERS: Final = frozenset({"execType", "commandId"})
"""Reports on orders and commands: they look like orders, and tell nothing that a fill doesn't."""


def rows_of(page: RawPage) -> Mapping[str, Sequence[object]]:
    """A page's rows by section; each may be anything yet. Raises BrokerChangedError.

    Of a fetched page all are of its section, which its first row that tells anything has to confirm.
    """
    value = decode(page.body, page.section)
    if page.section == SAVED:
        return _of_document(an_object(value, page.section))
    if page.section == SNAPSHOTS:
        return {SNAPSHOTS: [an_object(value, page.section)]}
    rows = a_list(value, page.section)
    found = _section_of_rows(rows)
    if found not in ("", page.section):
        raise BrokerChangedError(f"Tradovate answered {found} where {page.section} were asked for.")
    return {page.section: rows}


def recognise(body: bytes, what: str) -> str:
    """The section of a saved answer. Raises BrokerChangedError saying what else it is."""
    value = decode(body, what)
    if isinstance(value, list):
        found = _section_of_rows(value)
        if value and not found:
            raise BrokerChangedError(f"{what} is a list of nothing that tells of an account.")
        return found or _named(what)
    document = an_object(value, what)
    if refusal := refusals.refusal_of(document, what):
        told = f"a refusal: {refusal.text}" if refusal.penalty is None else "a penalty ticket"
        raise BrokerChangedError(f"{what} is no data of an account but {told}.")
    if "accessToken" in document:
        raise BrokerChangedError(f"{what} is no data of an account but the answer to a sign-in.")
    if _section_of(document) == SNAPSHOTS:
        return SNAPSHOTS
    if not any(_of_document(document).values()):
        keys = ", ".join(sorted(document)[:8]) or "none"
        raise BrokerChangedError(f"{what} is not an answer of Tradovate's about an account; its keys: {keys}.")
    return SAVED


def _of_document(document: JsonObject) -> Mapping[str, Sequence[object]]:
    """The rows of a document that holds several lists or single entities, or is one; what tells nothing is left out."""
    found: dict[str, list[object]] = {}
    whole = _section_of(document)
    for value in [document] if whole else document.values():
        rows = value if isinstance(value, list) else [value]
        if section := _section_of_rows(rows):
            found.setdefault(section, []).extend(rows)
    return found


def _section_of_rows(rows: Sequence[object]) -> str:
    """By the first row that tells: one that is broken must not hide what the others are."""
    return next((section for row in rows if isinstance(row, dict) and (section := _section_of(row))), "")


def _section_of(row: JsonObject) -> str:
    if _HISTORY_OF_ORDERS & row.keys():
        return ""
    return next((section for keys, section in _TELLING_KEYS if keys <= row.keys()), "")


def _named(what: str) -> str:
    """What an empty list is, of which only its name tells: fills unless it says another section."""
    return next((section for _, section in _TELLING_KEYS if section in what), FILLS)
