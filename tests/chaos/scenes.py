"""Brokers by their kits, on the arena's clock: what a broker's kit can make happen, happens between two deliveries."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from brokersync.domain.feeds import FetchScope
from local.commands.connect import manifest_of
from local.simulators.kit import BrokerKit, Happening, KitClock, Login, Past, Scene, kit_of
from local.simulators.truth import differences
from tests.chaos.arena import Arena, Clock, Trader

TUESDAY, MORNING = 1, time(13, tzinfo=UTC)  # 09:00 in New York, as every kit's scene begins


class SceneClock(KitClock):
    """A scene's time is the arena's."""

    def __init__(self, clock: Clock) -> None:
        self._arena = clock
        self._longest = timedelta.max

    @contextmanager
    def day_goes_on(self) -> Iterator[None]:
        """Keep days from ending while the `with` block lasts: where a kit lets one pass, a minute does."""
        self._longest = timedelta(minutes=1)
        yield
        self._longest = timedelta.max

    def now(self) -> datetime:
        return self._arena.now()

    def advance(self, by: timedelta) -> None:
        self._arena.sleep(min(by, self._longest).total_seconds())

    def wait_until(self, moment: datetime) -> None:
        self.advance(max(moment - self.now(), timedelta(0)))


@dataclass(frozen=True, slots=True)
class Staged:
    """A scene of a kit, in which something can happen, and a trader who connected its good login."""

    kit: BrokerKit
    scene: Scene
    clock: SceneClock

    def happen(self, happening: Happening) -> Sequence[str]:
        """Let it happen; what is the kit's to say."""
        return self.scene.happenings[happening]()


def until_tuesday_morning(clock: Clock) -> None:
    """Let time pass to where kits' scenes begin, so that a proof is the same on every day of the week."""
    now = clock.now()
    day = now.date() + timedelta(days=(TUESDAY - now.weekday()) % 7 or 7)
    clock.ahead += (datetime.combine(day, MORNING) - now).total_seconds()


@contextmanager
def staged(clock: Clock, slugs: Sequence[str]) -> Iterator[Mapping[str, Staged]]:
    """Scenes of these brokers, until the `with` block ends."""
    with ExitStack() as running:
        made = {}
        for slug in slugs:
            kit, own = kit_of(slug), SceneClock(clock)
            made[slug] = Staged(kit, running.enter_context(kit.start(own, Past.SHORT)), own)
        yield made


def endpoints(scenes: Mapping[str, Staged]) -> Mapping[str, str]:
    """Where the engine finds them."""
    return {f"{one.kit.slug}:{one.kit.environment}": one.scene.base_url for one in scenes.values()}


def connect(arena: Arena, one: Staged) -> Trader:
    """A trader with the scene's good login; the message for the first sync is lost."""
    manifest = manifest_of(one.kit.slug)
    numbers = one.scene.accounts[:1] if manifest.fetch_scope is FetchScope.ACCOUNT else ()
    return arena.connect_to(manifest, one.kit.environment, one.scene.logins[Login.GOOD], numbers)


def problems(arena: Arena, one: Staged, trader: Trader) -> Iterator[str]:
    """Where the ledger or the balances differ from the broker's own books, or something is left undone."""
    feed, truth = arena.feed(trader), one.scene.truth()
    if set(feed.accounts) - set(truth) or not feed.accounts:
        yield f"the accounts are {sorted(feed.accounts)}"
    for number, account_id in feed.accounts.items():
        yield from differences(truth[number].entries, arena.stored.entries(account_id), complete=True)
        balance = arena.stored.portfolio(account_id).balance
        for name, figure in truth[number].balance.items():
            if balance is None or f"{getattr(balance, name):f}".rstrip("0").rstrip(".") != figure:
                yield f"{number}: {name} is {balance and getattr(balance, name)}, truly {figure}"
    if feed.lease is not None or feed.wanted is not None or feed.announce or feed.news:
        yield f"left undone: {feed.lease=} {feed.wanted=} {feed.announce=} {feed.news=}"
