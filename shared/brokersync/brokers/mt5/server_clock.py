"""The trade server's clock: MetaTrader writes its wall clock as if it were seconds since 1970 in UTC. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from brokersync.domain.times import BrokerTime, to_ns

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (a wall clock has no zone)
_FIXED = re.compile(r"(?:UTC|GMT|Z)?(?:([+-])(\d{1,2})(?::?([0-5]\d))?)?", re.IGNORECASE)
_SHIFTED = re.compile(r"([A-Za-z_]+(?:/[A-Za-z_\-]+)*)(?:([+-])(\d{1,2})(?::?([0-5]\d))?)?")
_FURTHEST = timedelta(hours=14)
_MOST_AHEAD = timedelta(minutes=15)  # half of the 30 minutes that zones differ by at least
_SAVED_RULE = "trade server's clock, its zone unknown: read as UTC"


class BadZoneError(ValueError):
    """A text that is no zone; says what one looks like."""


@dataclass(frozen=True, slots=True)
class ServerClock:
    """Wall-clock times, in milliseconds since 1970 of a clock without zone, to instants and back.

    The wall clock is `zone` (an IANA name; empty: UTC) plus `shift`. `rule` says so in the words of the setting.
    """

    zone: str
    shift: timedelta
    rule: str

    @classmethod
    def of(cls, setting: str) -> "ServerClock":
        """From `+03:00`, `UTC`, `Europe/Athens` or `America/New_York+7`. Raises BadZoneError.

        The last form is New York's clock seven hours ahead: UTC+2, and UTC+3 while the United States have summer time.
        """
        text = setting.strip()
        fixed = _FIXED.fullmatch(text)
        if fixed and text:
            return cls("", _shift(*fixed.groups()), text)
        shifted = _SHIFTED.fullmatch(text)
        # Etc/GMT+3 means UTC-3, which nobody who enters it expects.
        if shifted is None or text.startswith("Etc/") or not _is_zone(shifted.group(1)):
            raise BadZoneError(f"{setting[:40]!r} is no time zone such as +03:00, Europe/Athens or America/New_York+7")
        return cls(shifted.group(1), _shift(*shifted.groups()[1:]), text)

    @classmethod
    def unknown(cls) -> "ServerClock":
        """Of answers that were saved without their connection's settings."""
        return cls("", timedelta(0), _SAVED_RULE)

    def instant(self, wall_ms: int) -> BrokerTime:
        """The instant at which the server's clock shows this. An hour that comes twice is read as its first."""
        return self._placed(wall_ms, fold=0)

    def wall_ms(self, moment: datetime) -> int:
        """What the server's clock shows at an (aware) moment."""
        there = moment.astimezone(ZoneInfo(self.zone) if self.zone else UTC).replace(tzinfo=None)
        return (there + self.shift - _EPOCH) // timedelta(milliseconds=1)

    @property
    def is_utc(self) -> bool:
        """Whether times are taken as UTC."""
        return not self.zone and not self.shift

    def contradiction(self, newest_ms: int, now: datetime, *, not_before: datetime | None = None) -> str:
        """Why the newest time that was told can't be by this clock; empty when it can.

        Nothing that has happened is in the future. `not_before` is given where it must have happened after that moment.
        """
        told = self.instant(newest_ms).utc
        if told - now > _MOST_AHEAD:
            return f"by {self.rule}, something happened {_duration(told - now)} in the future"
        # An hour that comes twice may be its second.
        latest = max(told, self._placed(newest_ms, fold=1).utc)
        if not_before is not None and not_before - latest > _MOST_AHEAD:
            return f"by {self.rule}, something new happened {_duration(not_before - latest)} before our last look"
        return ""

    def _placed(self, wall_ms: int, *, fold: int) -> BrokerTime:
        naive = _EPOCH + timedelta(milliseconds=wall_ms) - self.shift
        there = naive.replace(tzinfo=ZoneInfo(self.zone) if self.zone else UTC, fold=fold)
        return BrokerTime(ns=to_ns(there), raw=str(wall_ms), zone=self.rule)


def _shift(sign: str | None, hours: str | None, minutes: str | None) -> timedelta:
    if sign is None or hours is None:
        return timedelta(0)
    shift = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if shift > _FURTHEST:
        raise BadZoneError(f"{sign}{hours}:{minutes or '00'} is further from UTC than any clock: at most 14 hours")
    return -shift if sign == "-" else shift


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _duration(delta: timedelta) -> str:
    minutes = round(delta.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
