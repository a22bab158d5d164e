"""Single values of a statement: numbers, dates and times as IBKR writes them. Errors name the attribute."""

import re
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Final

from brokersync.domain.money import BadNumberError, decimal_from
from brokersync.domain.times import NS_PER_SECOND, BrokerTime, from_date, from_wall_clock, to_ns

ZONE: Final = "America/New_York"
"""The zone of every time in a statement, whatever the venue: the values carry none."""

_DATE_ONLY: Final = from_date(date(2026, 1, 1), "", ZONE).zone
_SHORT: Final = 4  # characters
_DAY_NS: Final = 24 * 3600 * NS_PER_SECOND
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_MOMENT = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)"  # 20260928 or 2026-09-28
    r"(?:[;, T]{0,2}([01]\d|2[0-3])(:?)([0-5]\d)\6([0-5]\d)(?: (E[SD]T))?)?"  # ;093105 or , 09:31:05, perhaps a zone
)
_OFFSETS = {"EST": timezone(timedelta(hours=-5), "EST"), "EDT": timezone(timedelta(hours=-4), "EDT")}


class RowError(ValueError):
    """A row that can't be understood: which attribute, and what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        super().__init__(f"{field}: {problem}")


def missing(field: str) -> RowError:
    """The error for an attribute without a value."""
    return RowError(field, "has no value (if the Flex query doesn't select it, add it)")


def required(value: str, field: str) -> str:
    """The value. Raises RowError when there is none."""
    if not value:
        raise missing(field)
    return value


def number(value: str, field: str) -> Decimal | None:
    """The number, thousands separators allowed; None for no value. Raises RowError for anything else."""
    if not value:
        return None
    try:
        if len(value) <= _SHORT:
            return _short_number(value)
        if "," in value and _THOUSANDS.fullmatch(value):
            value = value.replace(",", "")
        return decimal_from(value, field)
    except BadNumberError as error:
        raise RowError(field, f"{value[:60]!r} {error.problem}") from None


def required_number(value: str, field: str) -> Decimal:
    """The number. Raises RowError when there is none."""
    found = number(value, field)
    if found is None:
        raise missing(field)
    return found


def moment(value: str, field: str) -> BrokerTime:
    """A time in New York, or the midnight of a bare date there. Raises RowError when it is in no known format.

    EST or EDT behind it places it exactly; without, the hour that an autumn night repeats is its first occurrence.
    """
    match = _MOMENT.fullmatch(value)
    if match is None:
        problem = "is not a time such as 20260928;093105 (the query's date and time format)"
        raise RowError(field, f"{value[:60]!r} {problem}" if value else "has no value")
    year, _, month, day_of_month, hour, _, minute, second, zone = match.groups()
    try:
        midnight, even = _day(year, month, day_of_month)
    except ValueError as error:
        raise RowError(field, f"{value!r} is not a time: {error}") from None
    if hour is None:
        return BrokerTime(ns=midnight, raw=value, zone=_DATE_ONLY)
    if even and zone is None:
        seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
        return BrokerTime(ns=midnight + seconds * NS_PER_SECOND, raw=value, zone=ZONE)
    naive = datetime.fromisoformat(f"{year}-{month}-{day_of_month}T{hour}:{minute}:{second}")
    if zone is None:
        return from_wall_clock(naive, value, ZONE)
    return BrokerTime(ns=to_ns(naive.replace(tzinfo=_OFFSETS[zone])), raw=value, zone=f"{zone} in the value")


def first_moment(*told: tuple[str, str]) -> BrokerTime:
    """The time in the first of the (value, field) pairs that has one. Raises RowError naming the first."""
    for value, field in told:
        if value:
            return moment(value, field)
    return moment(*told[0])


def day(value: str, field: str) -> date:
    """The date of a date or time. Raises RowError when it is in no known format."""
    match = _MOMENT.fullmatch(value)
    if match is None:
        problem = "is not a date such as 20260928 (the query's date format)"
        raise RowError(field, f"{value[:60]!r} {problem}" if value else "has no value")
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError as error:
        raise RowError(field, f"{value!r} is not a date: {error}") from None


def compact(when: date) -> str:
    """A date as IBKR's parameters and our cursor write it: 20260928."""
    return f"{when:%Y%m%d}"


def from_compact(value: str) -> date:
    """A date written by `compact`. Raises ValueError for anything else."""
    return date.fromisoformat(value)


@lru_cache(maxsize=4096)
def _short_number(value: str) -> Decimal:
    """Half of a statement's numbers are the same few short ones: multipliers, round quantities, zeros."""
    return decimal_from(value, "")


@lru_cache(maxsize=1024)
def _day(year: str, month: str, day_of_month: str) -> tuple[int, bool]:
    """Nanoseconds of a day's midnight in New York, and whether its clocks run evenly (twice a year they don't).

    A statement has thousands of times on few days: this is most of what placing them costs.
    """
    starts = date(int(year), int(month), int(day_of_month))
    midnight = from_date(starts, "", ZONE).ns
    return midnight, from_date(starts + timedelta(days=1), "", ZONE).ns - midnight == _DAY_NS
