"""What a manifest says of the pages, held against the pages."""

from collections.abc import Mapping

from brokersync.domain.pages import Normalised, RawPage
from local.simulators.kit import BrokerKit, Happening, Past
from tests.contract.brokers.conftest import Connect


def test_a_manifest_tells_the_sections_that_pages_carry(kit: BrokerKit, connect: Connect) -> None:
    # given syncs of a past that takes several pages, and of news
    trader = connect(Past.SHORT if Past.PAGED in kit.lacks else Past.PAGED)
    trader.succeed()
    trader.happen(Happening.TRADE)
    trader.succeed()
    manifest = trader.manifest
    # when their pages are read one by one
    said: dict[str, Normalised] = {}
    for run in trader.runs.newest(trader.feed_id, limit=1_000):
        for page in trader.pages(run):
            _add(said, page, trader.provider.normalise([page], tuple(trader.feed.accounts)))
    # then the manifest names the sections that say something, and no others
    assert {section for section, one in said.items() if _says_something(one)} == set(manifest.sections)
    # and those from which no entry comes are kept for a month only, and no others
    assert set(manifest.uncited) == {section for section, one in said.items() if not _entries(one)}


def test_volatile_patterns_mask_something_and_not_everything(kit: BrokerKit, connect: Connect) -> None:
    # given the answers of a first sync
    trader = connect(Past.SHORT)
    trader.succeed()
    bodies = [page.body for run in trader.runs.newest(trader.feed_id, limit=100) for page in trader.pages(run)]
    # when the patterns are looked for
    # then each is in some answer, and little of an answer is masked
    for pattern in trader.manifest.volatile:
        masked = [sum(len(match[0]) for match in pattern.finditer(body)) / len(body) for body in bodies]
        assert max(masked) > 0, f"{pattern.pattern!r} is in no answer: it masks nothing"
        assert max(masked) < 0.5, f"{pattern.pattern!r} masks most of an answer"


def _add(said: dict[str, Normalised], page: RawPage, more: Normalised) -> None:
    one = said.setdefault(page.section, Normalised())
    for name, rows in _parts(more).items():
        getattr(one, name).extend(rows)


def _parts(one: Normalised) -> Mapping[str, list[object]]:
    names = ("accounts", "balances", "positions", "executions", "cash_events", "unmapped")
    return {name: getattr(one, name) for name in names}


def _says_something(one: Normalised) -> bool:
    return any(_parts(one).values())


def _entries(one: Normalised) -> int:
    return len(one.executions) + len(one.cash_events)
