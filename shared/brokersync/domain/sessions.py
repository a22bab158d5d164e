"""Brokers that forget a session: when its data can still be saved, and how the wheel turns faster until then. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from brokersync.domain.manifests import TradingSession
from brokersync.domain.times import minute_of, start_of_minute
from brokersync.domain.wheel import INTERVALS, SHARDS, DueKey, WheelKey

TURNS = 4  # tries between a close and the loss of its data, whatever a feed's interval
LONGEST_INTERVAL = 60  # minutes: no feed of a perishable broker has a longer one


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """The time in which a closed session's data can still be fetched (aware UTC)."""

    closed_at: datetime
    lost_at: datetime

    @property
    def interval(self) -> int:
        """How often a feed is due meanwhile, in minutes of the wheel: for TURNS tries at least."""
        minutes = (self.lost_at - self.closed_at) // timedelta(minutes=1)
        return max([INTERVALS[0], *(interval for interval in INTERVALS if interval * TURNS <= minutes)])

    def is_late(self, now: datetime) -> bool:
        """Whether half of the time has passed: whoever has nothing by now needs help."""
        return now >= self.closed_at + (self.lost_at - self.closed_at) / 2


def saving_at(session: TradingSession, moment: datetime) -> Saving | None:
    """The saving that is under way at that time, by the exchange's clock; None where nothing is about to be lost."""
    zone = ZoneInfo(session.zone)
    day = moment.astimezone(zone).date()
    if day.weekday() not in session.weekdays:
        return None
    saving = Saving(
        closed_at=datetime.combine(day, session.closes, zone).astimezone(moment.tzinfo),
        lost_at=datetime.combine(day, session.rolls, zone).astimezone(moment.tzinfo),
    )
    return saving if saving.closed_at <= moment < saving.lost_at else None


def is_unsaved(session: TradingSession, now: datetime, last_successful_at: datetime | None) -> bool:
    """Whether a feed has nothing of the session that closed, and little time is left."""
    saving = saving_at(session, now)
    if saving is None or not saving.is_late(now):
        return False
    return last_successful_at is None or last_successful_at < saving.closed_at


def saving_keys(sessions: Mapping[str, TradingSession], after_minute: int, through_minute: int) -> Iterator[DueKey]:
    """The keys beyond the ordinary ones under which feeds of brokers with a closed session are due.

    For each minute since the close in `after_minute < m <= through_minute`, if the data can still be saved at the
    last of them. A feed of any interval then comes up as if it had the saving's.
    """
    for broker, session in sessions.items():
        saving = saving_at(session, start_of_minute(through_minute))
        if saving is None:
            continue
        first = max(after_minute + 1, minute_of(saving.closed_at))
        for minute in range(first, through_minute + 1):
            for interval in INTERVALS:
                if not saving.interval < interval <= LONGEST_INTERVAL:
                    continue
                for slot in range(minute % saving.interval, interval, saving.interval):
                    for shard in range(SHARDS) if slot != minute % interval else ():
                        key = WheelKey(interval=interval, slot=slot, shard=shard)
                        yield DueKey(key=key, tick=minute, broker=broker)
