"""A trader's feed at a simulated broker: the real engine, the real broker code over HTTP, the stores in memory."""

import time
from collections.abc import Mapping, Sequence

from brokersync.aws.snapshots import S3Snapshots
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.contracts.jobs import SyncJob
from brokersync.domain.errors import ErrorCode
from brokersync.domain.feeds import Feed, FetchScope, Wanted
from brokersync.domain.manifests import Manifest
from brokersync.domain.pages import RawPage
from brokersync.domain.plans import Plan
from brokersync.domain.portfolio import AccountInfo
from brokersync.domain.runs import Outcome, RequestedBy, RunStats, SyncRun
from brokersync.domain.trades import StoredEntry
from brokersync.ports.brokers import FetchContext
from brokersync.ports.connections import Connection
from brokersync.services.breakers import Breakers
from brokersync.services.end_run import RunReport
from brokersync.services.open_broker import SyncPorts
from brokersync.services.store_chunk import ChunkStores
from brokersync.services.sync_feed import SyncFeed
from local.simulators.kit import BrokerKit, Happening, KitClock, Login, Scene
from local.simulators.truth import differences
from tests.contract.brokers.recording import (
    Bucket,
    CountedBrokers,
    CountedPermits,
    LogTexts,
    WatchedAccounts,
    WatchedFeeds,
    WatchedKnownTrades,
    WatchedLedger,
    WatchedPortfolios,
    Writes,
)
from tests.contract.brokers.verdicts import Synced, first_leak, wrong_figures
from tests.fakes import FakeBus, FakeConnections, FakeDeadline, FakeErasing, FakeIds, FakeRuns, FakeSyncQueue
from tests.fakes.breakers import FakeBreakers

RUNS = 60  # more than any job needs to come to its end
EVERYTHING = 10**9


class Connected:
    """One connection of one trader, and its feed."""

    def __init__(
        self,
        kit: BrokerKit,
        scene: Scene,
        clock: KitClock,
        logs: LogTexts,
        *,
        login: Login = Login.GOOD,
        timeout_seconds: float = 10.0,
    ) -> None:
        self.kit, self.scene, self.clock, self.logs = kit, scene, clock, logs
        self.catalog = BrokerCatalog()
        self.provider = self.catalog.provider(kit.slug)
        self.writes = Writes()
        self.feeds = WatchedFeeds(self.writes)
        self.ledger = WatchedLedger(self.feeds, self.writes)
        self.portfolios = WatchedPortfolios(self.writes)
        self.accounts = WatchedAccounts(self.writes)
        self.connections, self.runs, self.ids = FakeConnections(), FakeRuns(), FakeIds()
        self.permits = CountedPermits()
        self.http = CountedBrokers(self.permits, clock, timeout_seconds)
        self.bucket = Bucket()
        self.snapshots = S3Snapshots(self.bucket, "bucket", manifests=self.catalog, clock=clock)
        self.credentials = scene.logins[login]
        self._fetched = len(scene.control.requests)
        self._engine = SyncFeed(
            SyncPorts(
                stores=ChunkStores(
                    feeds=self.feeds,
                    accounts=self.accounts,
                    portfolios=self.portfolios,
                    ledger=self.ledger,
                    known=WatchedKnownTrades(self.writes),
                ),
                runs=self.runs,
                snapshots=self.snapshots,
                connections=self.connections,
                erasing=FakeErasing(),
                catalog=self.catalog,
                breakers=Breakers(FakeBreakers(), clock),
                http=self.http,
                queue=FakeSyncQueue(),
                bus=FakeBus(),
                clock=clock,
                ids=self.ids,
                broker_endpoints={f"{kit.slug}:{kit.environment}": scene.base_url},
            )
        )
        self.feed_id = "feed"
        self._connect()

    def _connect(self) -> None:
        """A new connection, whose first sync is owed; its accounts are named, or come with the first sync."""
        connection = Connection(
            connection_id="connection",
            user_id="user",
            broker=self.kit.slug,
            environment=self.kit.environment,
            version=1,
            fingerprint="",
        )
        self.connections.create(connection, self.credentials)
        by_account = self.manifest.fetch_scope is FetchScope.ACCOUNT
        self.feeds.create(
            Feed(
                feed_id=self.feed_id,
                user_id="user",
                connection_id=connection.connection_id,
                connection_version=connection.version,
                broker=self.kit.slug,
                plan=Plan.ELITE,
                interval_min=60,
                accounts={self.scene.accounts[0]: "account"} if by_account else {},
                wanted=Wanted(job_id="first", kind=RequestedBy.CONNECT, not_before=self.clock.now()),
            )
        )

    @property
    def manifest(self) -> Manifest:
        return self.provider.manifest

    @property
    def feed(self) -> Feed:
        feed = self.feeds.get(self.feed_id)
        assert feed is not None
        return feed

    @property
    def numbers(self) -> Sequence[str]:
        """The broker's numbers of the accounts that this feed is about."""
        return self.scene.accounts[:1] if self.manifest.fetch_scope is FetchScope.ACCOUNT else self.scene.accounts

    # --- syncing ----------------------------------------------------------------------------------------------------

    def sync(self, *, past_faults: bool = True) -> Synced:
        """Do what is owed, or ask for a sync: run after run until the job has succeeded or failed.

        A run that is deferred is followed by the next at its time; without `past_faults`, not one that a fault made
        wait (unless the broker is only preparing its answer). After every sync: a permit was taken for each request,
        and nothing secret came out.
        """
        self.want()
        requests, writes = len(self.scene.control.requests), len(self.writes)
        reports = []
        for _ in range(RUNS):
            asked = len(self.scene.control.requests)
            report = self.run_once()
            reports.append(report)
            faulty = any(logged.faulty for logged in self.scene.control.requests[asked:])
            goes_on = past_faults or not faulty or report.run.error_code is ErrorCode.WORK_IN_PROGRESS
            if report.run.outcome is not Outcome.DEFERRED or not goes_on:
                break
        else:
            raise AssertionError(f"the job was deferred {RUNS} times: {reports[-1].run}")
        self.check_permits()
        self.check_secrets()
        return Synced(
            reports=reports,
            requests=len(self.scene.control.requests) - requests,
            writes=self.writes[writes:],
        )

    def run_once(self) -> RunReport:
        """The next run of what is owed, at its time."""
        wanted = self.feed.wanted
        assert wanted is not None, "nothing is owed"
        self.clock.wait_until(wanted.not_before)
        job = SyncJob(
            job_id=wanted.job_id, feed_id=self.feed_id, requested_by=wanted.kind, requested_at=self.clock.now()
        )
        report = self._engine.run(job, FakeDeadline(self.clock))
        assert report is not None, "the run found nothing to do"
        assert report.run.error_code is not ErrorCode.INTERNAL, self.logs.last_crash()
        return report

    def succeed(self) -> Synced:
        """A sync that has to succeed."""
        synced = self.sync()
        assert synced.last.outcome is Outcome.SUCCEEDED, self.why(synced)
        return synced

    def why(self, synced: Synced) -> str:
        """What a sync ended with, and what was asked last, for whoever has to find out why."""
        asked = ", ".join(f"{one.method} {one.path} {one.status}" for one in self.scene.control.requests[-4:])
        details = [text for text in self.logs.details if text]
        told = f"{synced.last.outcome}: {synced.last.error_code}: {synced.last.safe_message}"
        return f"{told} ({details[-1] if details else 'no detail'}; asked last: {asked or 'nothing'})"

    def happen(self, happening: Happening) -> Sequence[str]:
        """Let something happen at the broker; the ids that it concerns."""
        return self.scene.happenings[happening]()

    def reconnect(self, credentials: Mapping[str, str]) -> None:
        """The trader enters credentials, and asks for a sync if none is owed."""
        renewed = self.connections.replace_credentials(self.feed.connection_id, credentials)
        self.credentials = credentials
        self.feeds.reconnected(self.feed_id, renewed.version)
        self.want()

    def list_accounts(self) -> Sequence[AccountInfo]:
        """What a trader who connects is shown."""
        feed, stats = self.feed, RunStats()
        environment = self.manifest.environment(self.kit.environment)
        deadline = FakeDeadline(self.clock)
        return self.provider.list_accounts(
            FetchContext(
                credentials=self.credentials,
                environment=environment,
                base_url=self.scene.base_url,
                accounts=(),
                cursor="",
                state={},
                history_start=None,
                now=self.clock.now(),
                http=self.http.for_run(self.manifest, f"fingerprint of {feed.connection_id}", deadline, stats),
            )
        )

    def want(self) -> None:
        """Owe a sync, if none is owed."""
        if self.feed.wanted is None:
            wanted = Wanted(job_id=self.ids.new("job"), kind=RequestedBy.MANUAL, not_before=self.clock.now())
            self.feeds.want(self.feed_id, wanted)

    # --- what is stored ---------------------------------------------------------------------------------------------

    def stored(self) -> Mapping[str, Mapping[str, StoredEntry]]:
        """Executions and cash events in their current versions, by the broker's account number and their ids."""
        return {
            number: {
                one.entry.source_id: one
                for one in (
                    *self.ledger.newest(account_id, limit=EVERYTHING),
                    *self.ledger.cash_events(account_id),
                )
            }
            for number, account_id in self.feed.accounts.items()
        }

    def entry(self, source_id: str) -> StoredEntry:
        """The stored entry of that id, whichever account it is of."""
        (found,) = [entries[source_id] for entries in self.stored().values() if source_id in entries]
        return found

    def versions(self, source_id: str) -> Sequence[StoredEntry]:
        """All versions of an execution, oldest first."""
        return self.ledger.versions(self.entry(source_id).account_id, source_id)

    def pages(self, run: SyncRun) -> Sequence[RawPage]:
        """The answers that a run kept, read back from their envelopes."""
        return [self.snapshots.read(key).page for key in run.snapshot_keys]

    # --- what has to be true ----------------------------------------------------------------------------------------

    def untrue(self, *, complete: bool = True) -> Sequence[str]:
        """Where the ledger differs from the simulator's books: entries, figures and positions; empty when it is true.

        Without `complete`, entries may be missing (but nothing may be wrong).
        """
        truth = self.scene.truth()
        found = []
        if complete and sorted(self.feed.accounts) != sorted(self.numbers):
            found.append(f"accounts {sorted(self.feed.accounts)}, truly {sorted(self.numbers)}")
        for number, entries in self.stored().items():
            true = truth[number]
            wrong = differences(true.entries, (one.entry for one in entries.values()), complete=complete)
            found += [f"{number}: {line}" for line in wrong]
            if complete:
                found += [
                    f"{number}: {line}"
                    for line in wrong_figures(self.portfolios.current(self.feed.accounts[number]), true)
                ]
        return found

    def check_permits(self) -> None:
        """Each request that the broker got had its permit (I6); the suite's own list_accounts counts too."""
        for _ in range(50):  # an answer that nobody waited for is logged when it is made
            got = len(self.scene.control.requests) - self._fetched
            if got == self.permits.granted:
                return
            time.sleep(0.1)
        raise AssertionError(f"{self.permits.granted} permits for {got} requests")

    def check_secrets(self) -> None:
        """No secret is in a log line, a snapshot, a run row or the feed."""
        secrets = {self.credentials[field.name] for field in self.manifest.auth_fields if field.secret}
        written = {
            "a log line": self.logs.texts,
            "a snapshot": self.bucket.texts(),
            "a run row": map(str, self.runs.newest(self.feed_id, limit=EVERYTHING)),
            "the feed": [str(self.feed)],
        }
        for where, texts in written.items():
            leak = first_leak({*secrets, *self.scene.issued()}, texts)
            assert leak is None, f"a secret is in {where}: {leak}"

    def close(self) -> None:
        """Close the connections."""
        self.http.close()
