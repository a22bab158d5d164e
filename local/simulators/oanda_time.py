"""Instants of the OANDA simulator: nanoseconds since 1970, and the two texts in which OANDA writes them."""

import re
from datetime import UTC, datetime
from typing import Final

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
ROLLOVER: Final = 21 * 3_600 * SECOND  # daily financing happens at 21:00 UTC

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|z|[+-]\d\d:\d\d)")
_UNIX = re.compile(r"(\d{1,11})(?:\.(\d{1,9}))?")
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def rfc3339(ns: int) -> str:
    """2016-10-25T19:45:38.558056359Z."""
    seconds, fraction = divmod(ns, SECOND)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def parse(text: str) -> int:
    """Nanoseconds of either text. Raises ValueError."""
    match = _RFC3339.fullmatch(text)
    if match:
        clock, fraction, zone = match.groups()
        moment = datetime.fromisoformat(clock + ("+00:00" if zone in "Zz" else zone))
        return int(moment.timestamp()) * SECOND + int((fraction or "").ljust(9, "0"))
    match = _UNIX.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is neither an RFC 3339 nor a UNIX time")
    return int(match.group(1)) * SECOND + int((match.group(2) or "").ljust(9, "0"))


def next_rollover(ns: int) -> int:
    """The first 21:00 UTC after an instant."""
    days = (ns - ROLLOVER) // DAY + 1
    return days * DAY + ROLLOVER


def as_unix(value: object) -> object:
    """The same JSON value with every time as UNIX seconds, as clients get it that don't ask for RFC 3339."""
    match value:
        case dict():
            return {name: as_unix(item) for name, item in value.items()}
        case list():
            return [as_unix(item) for item in value]
        case str() if _WRITTEN.fullmatch(value):
            seconds, fraction = divmod(parse(value), SECOND)
            return f"{seconds}.{fraction:09d}"
        case _:
            return value
