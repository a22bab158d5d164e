"""What the suite watches: what is written, which permits are taken, what is logged, what lies in the bucket."""

import gzip
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from io import BytesIO

from brokersync.brokers.http import HttpxBrokers
from brokersync.brokers.permits import ProcessPermits
from brokersync.domain.limiter import RESERVE_AHEAD, Window
from brokersync.domain.manifests import LimitScope, Manifest
from brokersync.domain.runs import RunStats
from brokersync.ports.brokers import BrokerHttp
from brokersync.ports.world import Clock, Deadline
from tests.fakes import FakeAccounts, FakeFeeds, FakeKnownTrades, FakeLedger, FakePortfolios


class Writes(list[str]):
    """The names of everything that was written beside the lease, the run row and the finish of a run."""


class WatchedFeeds(FakeFeeds):
    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self._writes = writes

    def add_accounts(self, lease, accounts):
        self._writes.append("feeds.add_accounts")
        super().add_accounts(lease, accounts)

    def advance(self, lease, cursor, coverage, load):
        self._writes.append("feeds.advance")
        return super().advance(lease, cursor, coverage, load)

    def reconnected(self, feed_id: str, version: int) -> None:
        """What new credentials do to a feed."""
        with self.lock:
            self._feeds[feed_id] = replace(self._feeds[feed_id], connection_version=version, runnable=True)


class WatchedLedger(FakeLedger):
    def __init__(self, feeds: FakeFeeds, writes: Writes) -> None:
        super().__init__(feeds)
        self._writes = writes

    def insert(self, lease, entries, cursor):
        self._writes += [f"ledger.insert {new.entry.source_id}" for new in entries]
        return super().insert(lease, entries, cursor)

    def add_version(self, lease, stored, following, cancel=None):
        self._writes.append(f"ledger.add_version {stored.entry.source_id}")
        super().add_version(lease, stored, following, cancel)

    def put_aliases(self, lease, entries):
        self._writes.append(f"ledger.put_aliases {len(entries)}")
        super().put_aliases(lease, entries)


class WatchedPortfolios(FakePortfolios):
    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self._writes = writes

    def put(self, account_id, run_id, *, balance=None, positions=None):
        self._writes.append("portfolios.put")
        return super().put(account_id, run_id, balance=balance, positions=positions)


class WatchedKnownTrades(FakeKnownTrades):
    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self._writes = writes

    def save(self, lease, known):
        self._writes.append("known.save")
        super().save(lease, known)


class WatchedAccounts(FakeAccounts):
    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self._writes = writes

    def ensure(self, account):
        self._writes.append("accounts.ensure")
        super().ensure(account)


class CountedPermits:
    """ports.Permits that really limits, and counts what it grants; a slot that is only told is no permit."""

    def __init__(self) -> None:
        self._permits = ProcessPermits()
        self.granted = 0

    def take(self, key: str, windows: Sequence[Window], now: datetime) -> datetime:
        slot = self._permits.take(key, windows, now)
        self.granted += slot - now <= RESERVE_AHEAD
        return slot

    def refused(self, key: str, windows: Sequence[Window], now: datetime, until: datetime) -> None:
        self._permits.refused(key, windows, now, until)


class CountedBrokers:
    """ports.BrokerHttpFactory: the real one, on which every broker's permits are counted, whatever its limit scope."""

    def __init__(self, permits: CountedPermits, clock: Clock, timeout_seconds: float) -> None:
        self._brokers = HttpxBrokers(shared_permits=permits, clock=clock, timeout_seconds=timeout_seconds)

    def for_run(self, manifest: Manifest, fingerprint: str, deadline: Deadline, stats: RunStats) -> BrokerHttp:
        shared = replace(manifest, limit_scope=LimitScope.CREDENTIAL)
        return self._brokers.for_run(shared, fingerprint, deadline, stats)

    def close(self) -> None:
        self._brokers.close()


class Bucket:
    """What aws.snapshots needs of S3 and of a session, in memory: so the real envelope is written and read."""

    class NoSuchKey(Exception):  # noqa: N818 (botocore's name)
        pass

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.exceptions = self

    def client(self, name: str) -> "Bucket":
        assert name == "s3"
        return self

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: str) -> None:  # noqa: N803 (boto3's names)
        self.objects.setdefault(Key, Body)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, BytesIO]:  # noqa: N803 (boto3's names)
        return {"Body": BytesIO(self.objects[Key])}

    def get_paginator(self, operation: str) -> "Bucket":
        assert operation == "list_objects_v2"
        return self

    def paginate(
        self,
        *,
        Bucket: str,  # noqa: N803 (boto3's names)
        Prefix: str,  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        StartAfter: str = "",  # noqa: N803
    ) -> Iterator[dict[str, list[dict[str, str]]]]:
        """Keys in order, a page for each; with a delimiter, what they begin with."""
        found = [key for key in sorted(self.objects) if key.startswith(Prefix) and key > StartAfter]
        folders = dict.fromkeys(Prefix + key.removeprefix(Prefix).partition("/")[0] + "/" for key in found)
        for name in folders if Delimiter else found:
            yield {"CommonPrefixes": [{"Prefix": name}]} if Delimiter else {"Contents": [{"Key": name}]}

    def texts(self) -> Iterator[str]:
        """Every object as text."""
        for body in self.objects.values():
            yield gzip.decompress(body).decode()


class LogTexts(logging.Handler):
    """All that would be logged, with whatever is attached to a record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.details: list[str] = []
        self._crashes: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        formatted = logging.Formatter().format(record)  # with the traceback, if there is one
        self.texts.append(f"{record.name} {formatted} {record.__dict__}")
        self.details.append(getattr(record, "detail", ""))
        if record.exc_info:
            self._crashes.append(formatted)

    def last_crash(self) -> str:
        """The traceback of what ended a run, and why in one line."""
        crash = self._crashes[-1] if self._crashes else "no traceback was logged"
        return f"the broker's code crashed: {crash.splitlines()[-1]}\n\n{crash}"


@contextmanager
def logs() -> Iterator[LogTexts]:
    """Everything that is logged at any level while the block runs; by our own loggers also what they don't hand on."""
    named = [one for one in logging.Logger.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    ours = [one for one in named if one.name.split(".")[0] == "brokersync"]
    to_itself = [logging.getLogger(), *(one for one in ours if not one.propagate)]
    levels = {one: one.level for one in (*to_itself, *ours)}
    handler = LogTexts()
    for one in to_itself:
        one.addHandler(handler)
    for one in levels:
        one.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        for one in to_itself:
            one.removeHandler(handler)
        for one, level in levels.items():
            one.setLevel(level)
