"""Parameters of GET /v2/account/activities at the Alpaca simulator, and the rows that they select."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from local.simulators.alpaca_book import Activity
from local.simulators.alpaca_time import parse
from local.simulators.alpaca_world import Rules

PAGE_SIZE: Final = 100
# fmt: off
_KNOWN_TYPES: Final = frozenset({
    "ACATC", "ACATS", "CFEE", "CSD", "CSW", "DIV", "DIVCGL", "DIVCGS", "DIVFEE", "DIVFT", "DIVNRA", "DIVROC", "DIVTW",
    "DIVTXEX", "FEE", "FILL", "INT", "INTNRA", "INTTW", "JNL", "JNLC", "JNLS", "MA", "MISC", "NC", "OPASN", "OPEXC",
    "OPEXP", "OPTRD", "OPXRC", "PTC", "PTR", "REORG", "SC", "SSO", "SSP", "TRANS",
})
# fmt: on


class RefusedError(Exception):
    """What Alpaca refuses: its code and message; the status is the code's beginning."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = int(str(code)[:3])


def select(activities: Sequence[Activity], params: Mapping[str, str], rules: Rules) -> list[Activity]:
    """The rows that a request asks for. Raises RefusedError."""
    asked = _Asked(params, rules)
    found = [one for one in activities if asked.wants(one)]
    found.sort(key=_key(rules), reverse=asked.descending)
    if asked.token:
        found = [one for one in found if _after(asked.token, one.id, descending=asked.descending)]
    return found if asked.page_size is None else found[: asked.page_size]


class _Asked:
    """The parameters, read."""

    def __init__(self, params: Mapping[str, str], rules: Rules) -> None:
        self._rules = rules
        self._types = frozenset(filter(None, params.get("activity_types", "").split(",")))
        for name in sorted(self._types - _KNOWN_TYPES):
            raise RefusedError(42210000, f"invalid activity type: {name}")
        self._category = _one_of(params, "category", ("", "trade_activity", "non_trade_activity"))
        if self._category and self._types:
            raise RefusedError(42210000, "category cannot be used with activity_types")
        self._date = self._moment(params, "date")
        self._after = self._moment(params, "after")
        self._until = self._moment(params, "until")
        if self._date and (self._after or self._until):
            raise RefusedError(42210000, "date cannot be used with after or until")
        self.descending = _one_of(params, "direction", ("desc", "asc")) == "desc"
        self.token = params.get("page_token", "")
        self.page_size = self._size(params)

    def wants(self, one: Activity) -> bool:
        """Whether a row is asked for."""
        kind = str(one.row["activity_type"])
        if self._types and kind not in self._types:
            return False
        if self._category and (self._category == "trade_activity") != (kind == "FILL"):
            return False
        moment = one.created if self._rules.filtered_by == "created" else one.happened
        if self._date:
            return self._date <= moment < self._date + timedelta(days=1)
        return (self._after is None or moment > self._after) and (self._until is None or moment < self._until)

    def _moment(self, params: Mapping[str, str], name: str) -> datetime | None:
        if name not in params:
            return None
        try:
            return parse(params[name], self._rules.zone)
        except ValueError:
            raise RefusedError(42210000, f"invalid {name}: {params[name]}") from None

    def _size(self, params: Mapping[str, str]) -> int | None:
        if "page_size" not in params:
            return None if self._date else PAGE_SIZE
        size = params["page_size"]
        if not size.isdecimal() or int(size) < 1 or (not self._date and int(size) > PAGE_SIZE):
            raise RefusedError(42210000, f"page_size must be between 1 and {PAGE_SIZE}")
        return int(size)


def _one_of(params: Mapping[str, str], name: str, allowed: Sequence[str]) -> str:
    value = params.get(name, allowed[0])
    if value not in allowed:
        raise RefusedError(42210000, f"invalid {name}: {value}")
    return value


def _key(rules: Rules) -> Callable[[Activity], tuple[str, str]]:
    if rules.ordered_by == "id":
        return lambda one: (one.id, "")
    return lambda one: (one.created.isoformat(timespec="microseconds"), one.id)


def _after(token: str, other: str, *, descending: bool) -> bool:
    """Whether a row follows the token's, as Alpaca sees it: of the token's own millisecond, no other does."""
    here, there = token.partition("::")[0], other.partition("::")[0]
    return there < here if descending else there > here
