"""Which answer a body is, whatever envelope its bridge puts around it: wrapped in success and data, bare, or a list."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from brokersync.brokers.exact_json import JsonObject, a_list, decode
from brokersync.brokers.mt5.manifest import HISTORY, INFO, POSITIONS
from brokersync.domain.errors import BrokerChangedError

_MOST_ENVELOPES = 3
_LOGIN_KEYS = ("login", "account")
_ERROR_KEYS = ("error", "detail", "message")
_CODE_KEYS = ("code", "error_code", "last_error")
_CODE_IN_TEXT = re.compile(r"(?<![\w.])-\d{1,5}\b")
GENERIC_FAIL = -1
"""RES_E_FAIL of the MetaTrader5 package: the call failed, and nobody says why."""


class Kind(StrEnum):
    """The answers that are known, by the section that asks for them."""

    INFO = INFO
    POSITIONS = POSITIONS
    DEALS = HISTORY
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldError:
    """What a bridge says went wrong; `code` is the terminal's last_error, where there is one."""

    text: str
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded answer without its envelope. `login` is the account that it names; empty: none."""

    kind: Kind
    login: str = ""
    info: JsonObject = field(default_factory=dict)
    rows: Sequence[object] = ()
    error: ToldError | None = None


def recognise(body: bytes, what: str, section: str = "") -> Answer:
    """Decode a body and tell which answer it is; `section` is what was asked for, if that is known.

    Raises BrokerChangedError naming `what` and the problem.
    """
    value = decode(body, what)
    login = ""
    for _ in range(_MOST_ENVELOPES):
        if not isinstance(value, dict):
            break
        if told := _told_error(value):
            return Answer(kind=Kind.ERROR, error=told)
        login = login or _login_in(value)
        if "data" not in value:
            break
        value = value["data"]
    if value is None or (isinstance(value, dict) and any(value.get(key, "") is None for key in ("deals", "positions"))):
        # Python's history_deals_get and positions_get give None when they fail; an empty list is something else.
        return Answer(kind=Kind.ERROR, error=ToldError(text="null in place of data", code=GENERIC_FAIL))
    kind, rows = _content(value, what, section)
    if section and kind != section:
        raise BrokerChangedError(f"The bridge answered {kind} where {section} was asked for.")
    if kind is Kind.INFO:
        info = rows[0]
        return Answer(kind=kind, login=login, info=info if isinstance(info, dict) else {})
    return Answer(kind=kind, login=login, rows=rows)


def _content(value: object, what: str, section: str) -> tuple[Kind, Sequence[object]]:
    """The kind of an answer, and its rows (the info is its own one row)."""
    if isinstance(value, list):
        return _kind_of_rows(value, what, section), value
    if not isinstance(value, dict):
        raise BrokerChangedError(f"{what} is a bare value, neither an object nor a list.")
    for key, kind in (("deals", Kind.DEALS), ("positions", Kind.POSITIONS)):
        if key in value:
            rows = a_list(value[key], f"{what}: {key}")
            _check_count(value.get("count"), rows, what)
            return kind, rows
    return _kind_of_rows([value], what, ""), [value]


def _check_count(count: object, rows: Sequence[object], what: str) -> None:
    if isinstance(count, int) and not isinstance(count, bool) and count != len(rows):
        raise BrokerChangedError(f"{what} has {len(rows)} rows, though its count is {count}.")


def _kind_of_rows(rows: Sequence[object], what: str, section: str) -> Kind:
    """What the first row is; of an empty list, what was asked for. Other rows that differ are judged by the mapper."""
    if not rows:
        if section in (Kind.POSITIONS, Kind.DEALS):
            return Kind(section)
        raise BrokerChangedError(f"{what} is an empty list: it doesn't say of what.")
    first = rows[0]
    keys = first.keys() if isinstance(first, dict) else frozenset[str]()
    if "time_setup" in keys:
        raise BrokerChangedError(f"{what} holds orders: only deals, positions and the account's info are read.")
    if {"login", "balance"} <= keys and len(rows) == 1:
        return Kind.INFO
    if {"ticket", "entry"} <= keys:
        return Kind.DEALS
    if {"ticket", "price_open"} <= keys:
        return Kind.POSITIONS
    if section in (Kind.POSITIONS, Kind.DEALS):
        return Kind(section)
    shown = ", ".join(sorted(keys)[:8]) or "none"
    raise BrokerChangedError(f"{what} is not an answer of an MT5 bridge about an account; its keys: {shown}.")


def _login_in(value: JsonObject) -> str:
    """The account that an answer names. One of 0 is none: the terminal is not logged in."""
    for key in _LOGIN_KEYS:
        named = value.get(key)
        if isinstance(named, int) and not isinstance(named, bool):
            return str(named)
        if isinstance(named, str) and named.isascii() and named.isdecimal():
            return named
    return ""


def _told_error(value: JsonObject) -> ToldError | None:
    if value.get("success") is not False and (value.keys() & {"data", "login", "ticket", "deals", "positions"}):
        return None
    told = next((value[key] for key in _ERROR_KEYS if value.get(key)), None)
    if told is None and value.get("success") is not False:
        return None
    texts = [told] if not isinstance(told, dict | list) else list(told.values() if isinstance(told, dict) else told)
    codes = [value.get(key) for key in _CODE_KEYS] + texts
    code = next((one for one in codes if isinstance(one, int) and not isinstance(one, bool)), None)
    text = "; ".join(one for one in texts if isinstance(one, str)) or "no reason"
    if code is None and (match := _CODE_IN_TEXT.search(text)):
        code = int(match.group())
    return ToldError(text=text[:300], code=code)
