"""Instants as brokers tell them: nanoseconds since 1970 in UTC, the broker's own text, and how one became the other."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

NS_PER_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTime:
    """One instant: `ns` is nanoseconds since 1970 in UTC, `raw` the broker's text, `zone` the rule that was applied."""

    ns: int
    raw: str
    zone: str

    @property
    def utc(self) -> datetime:
        """The instant as an aware datetime, cut to microseconds (Python has no finer one)."""
        return _EPOCH + timedelta(microseconds=self.ns // 1000)

    @property
    def sort_key(self) -> str:
        """Twenty digits of nanoseconds: sorts as text in the order of time (years 1970 to 2554)."""
        return sort_key(self.ns)


def sort_key(ns: int) -> str:
    """Fixed-width text of an instant in nanoseconds, so that table keys sort by time."""
    return f"{max(ns, 0):020d}"


def to_ns(moment: datetime) -> int:
    """Nanoseconds since 1970 of an aware datetime. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone can't be placed")
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * NS_PER_SECOND + delta.microseconds * 1000


def from_rfc3339(text: str) -> BrokerTime:
    """Read `2016-10-25T19:45:38.558056359Z` without losing a digit. Raises ValueError when it is not that form."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an RFC 3339 time such as 2016-10-25T19:45:38.558056359Z")
    day, clock, fraction, offset = match.groups()
    whole = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in 'Zz' else offset}")
    return BrokerTime(ns=to_ns(whole) + int((fraction or "0").ljust(9, "0")), raw=text, zone="offset in the value")


def from_unix_text(text: str) -> BrokerTime:
    """Read `1511167043.466364098`, seconds since 1970 in UTC. Raises ValueError when it is not a number."""
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number of seconds since 1970") from None
    if not seconds.is_finite():
        raise ValueError(f"{text!r} is not a number of seconds since 1970")
    return BrokerTime(ns=int(seconds * NS_PER_SECOND), raw=text, zone="unix seconds, UTC")


def from_wall_clock(naive: datetime, raw: str, zone_name: str) -> BrokerTime:
    """Place a wall-clock time in a zone. The hour that an autumn night repeats is read as its first occurrence."""
    if naive.tzinfo is not None:
        raise ValueError("a time that has its zone needs no other")
    return BrokerTime(ns=to_ns(naive.replace(tzinfo=ZoneInfo(zone_name))), raw=raw, zone=zone_name)


def from_date(day: date, raw: str, zone_name: str) -> BrokerTime:
    """Place a bare date at its midnight in a zone; the zone says that it was only a date."""
    placed = from_wall_clock(datetime(day.year, day.month, day.day), raw, zone_name)  # noqa: DTZ001 (placed by the zone)
    return BrokerTime(ns=placed.ns, raw=raw, zone=f"{zone_name}, date only")


def minute_of(moment: datetime) -> int:
    """Minutes since 1970: the scheduler's unit of time."""
    return to_ns(moment) // (60 * NS_PER_SECOND)


def start_of_minute(minute: int) -> datetime:
    """The aware UTC datetime at which a minute since 1970 starts."""
    return _EPOCH + timedelta(minutes=minute)
