"""Which of OANDA's answers a body is, found by looking at it; saved ones may come wrapped in their request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from brokersync.brokers.exact_json import JsonObject, a_list, an_object, decode
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.pages import RawPage


class Kind(StrEnum):
    """The answers that are known, by the endpoint they come from."""

    ACCOUNTS = "accounts"
    ACCOUNT = "account"
    CHANGES = "changes"
    TRANSACTION_PAGES = "transactionPages"
    TRANSACTIONS = "transactions"
    TRANSACTION = "transaction"
    STREAM = "transactionStream"
    TRADES = "trades"
    TRADE = "trade"
    POSITIONS = "positions"
    POSITION = "position"
    ORDERS = "orders"
    ORDER = "order"
    ORDER_RESULT = "orderResult"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded answer. `url` and `params` are its request's, where a saved one kept them."""

    kind: Kind
    document: JsonObject
    url: str = ""
    params: Mapping[str, str] = field(default_factory=dict)


# The key that tells an answer, and whether it holds an object or a list. Tried in this order.
_TELLING_KEYS = (
    ("accounts", list, Kind.ACCOUNTS),
    ("account", dict, Kind.ACCOUNT),
    ("changes", dict, Kind.CHANGES),
    ("transactions", list, Kind.TRANSACTIONS),
    ("transaction", dict, Kind.TRANSACTION),
    ("pages", list, Kind.TRANSACTION_PAGES),
    ("trades", list, Kind.TRADES),
    ("trade", dict, Kind.TRADE),
    ("positions", list, Kind.POSITIONS),
    ("position", dict, Kind.POSITION),
    ("orders", list, Kind.ORDERS),
    ("order", dict, Kind.ORDER),
)


def recognise(body: bytes, what: str) -> Answer:
    """Decode a body and tell which answer it is. Raises BrokerChangedError naming `what` and the problem."""
    value = _decode_perhaps_lines(body, what)
    url, params = "", {}
    if isinstance(value, dict) and "_url" in value and "response" in value:
        request = value.get("_request")
        asked = request.get("params") if isinstance(request, dict) else None
        params = {name: str(item) for name, item in asked.items()} if isinstance(asked, dict) else {}
        url, value = str(value["_url"]), value["response"]
    kind, document = _kind_of(value, what)
    return Answer(kind=kind, document=document, url=url, params=params)


def expect(page: RawPage, kind: Kind) -> Answer:
    """The answer of a page, which has to be of this kind. Raises BrokerChangedError."""
    answer = recognise(page.body, page.section)
    if answer.kind is not kind:
        raise BrokerChangedError(f"OANDA answered {answer.kind} where {kind} was asked for.")
    return answer


def transactions_in(answer: Answer) -> list[object]:
    """Every transaction of an answer, whichever endpoint it came from; rows may be anything yet."""
    document = answer.document
    match answer.kind:
        case Kind.TRANSACTIONS:
            return a_list(document["transactions"], "transactions")
        case Kind.TRANSACTION:
            return [document["transaction"]]
        case Kind.CHANGES:
            changes = an_object(document["changes"], "changes")
            return a_list(changes.get("transactions", []), "changes.transactions")
        case Kind.ORDER_RESULT:
            return [value for name, value in document.items() if name.endswith("Transaction")]
        case Kind.STREAM:
            lines = a_list(document["lines"], "stream")
            return [line for line in lines if not (isinstance(line, dict) and line.get("type") == "HEARTBEAT")]
        case _:
            return []


def _decode_perhaps_lines(body: bytes, what: str) -> object:
    """A stream's body is one JSON object per line; all others are one JSON text."""
    first, _, rest = body.strip().partition(b"\n")
    if not (rest and first.startswith(b"{") and first.rstrip().endswith(b"}")):
        return decode(body, what)
    lines = [line for line in body.splitlines() if line.strip()]
    return [decode(line, f"{what}, line {number}") for number, line in enumerate(lines, start=1)]


def _kind_of(value: object, what: str) -> tuple[Kind, JsonObject]:
    if isinstance(value, list):
        if value and all(isinstance(line, dict) and "type" in line for line in value):
            return Kind.STREAM, {"lines": value}
        raise BrokerChangedError(f"{what} is a list, but not of a stream's transactions and heartbeats.")
    document = an_object(value, what)
    for key, shape, kind in _TELLING_KEYS:
        if key in document:
            (a_list if shape is list else an_object)(document[key], f"{what}: {key}")
            return kind, document
    if any(name.endswith("Transaction") for name in document):
        return Kind.ORDER_RESULT, document
    if document.get("type") == "HEARTBEAT" or {"type", "id", "time"} <= document.keys():
        return Kind.STREAM, {"lines": [document]}
    if "errorMessage" in document:
        raise BrokerChangedError(f"{what} is an error answer of OANDA: {str(document['errorMessage'])[:200]}")
    keys = ", ".join(sorted(document)[:8]) or "none"
    raise BrokerChangedError(f"{what} is not an OANDA v20 answer about an account; its keys: {keys}.")
