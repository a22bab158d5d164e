"""What a test's broker answers, and a world with such a broker."""

from datetime import UTC, datetime, timedelta

from brokersync.domain.feeds import FetchScope
from tests.unit.services.world import ScriptedBroker, World, a_manifest, serving

AT = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


def a_world(*steps: object, overlap: timedelta = timedelta(0), scope: FetchScope = FetchScope.ACCOUNT) -> World:
    """A feed at a broker that plays one of these lists of steps per sync; the last one repeats."""
    return World(ScriptedBroker(a_manifest(overlap=overlap, scope=scope), serving(*steps)))  # type: ignore[arg-type]


def fills(*ids: str, **changes: object) -> list[dict[str, object]]:
    """Rows of trades."""
    return [{"id": one, **changes} for one in ids]
