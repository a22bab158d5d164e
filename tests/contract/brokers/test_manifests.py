"""A manifest is what the engine, the API and the page believe about a broker: it has to be whole, and true."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.pages import Normalised, RawPage
from local.simulators.kit import BrokerKit, Happening, Past
from tests.contract.brokers.conftest import Connect

SLUGS = BrokerCatalog().slugs()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_manifest_is_complete(slug: str) -> None:
    # given a broker's facts
    # when they are read
    manifest = BrokerCatalog().manifest(slug)
    # then nothing that a trader or the engine needs is missing, or can't be
    assert manifest.slug == slug, "the slug is the folder's name"
    assert manifest.name
    assert urlsplit(manifest.documentation_url).scheme == "https"
    assert manifest.unique_id, "say what identifies an execution"
    assert len(manifest.setup_help) > 20, "tell the trader what to do at the broker"
    assert manifest.useful_interval_min >= 1
    assert manifest.history_depth_days is None or manifest.history_depth_days > 0
    assert manifest.overlap >= timedelta(0)
    assert manifest.news_note or manifest.useful_interval_min <= 60, "say why nothing newer can exist"
    assert not manifest.perishable or manifest.useful_interval_min <= 60, "what can be lost is looked after every hour"


@pytest.mark.parametrize("slug", SLUGS)
def test_a_manifest_names_what_a_trader_enters(slug: str) -> None:
    # given the fields of a broker's credentials
    # when a trader sees them
    fields = BrokerCatalog().manifest(slug).auth_fields
    # then each says what it is and where it is found
    assert any(field.secret for field in fields), "no credential is secret"
    assert len({field.name for field in fields}) == len(fields)
    for field in fields:
        assert field.name.isidentifier(), field.name
        assert field.name.islower(), field.name
        assert field.label, f"{field.name} has no label"
        assert len(field.help) > 10, f"{field.name}: say where the trader finds it"


@pytest.mark.parametrize("slug", SLUGS)
def test_a_manifest_names_where_to_ask_and_how_often(slug: str) -> None:
    # given a broker's environments and limits
    # when they are read
    manifest = BrokerCatalog().manifest(slug)
    # then they can be used, and bound where to go
    assert len({environment.name for environment in manifest.environments}) == len(manifest.environments) > 0
    for environment in manifest.environments:
        address = urlsplit(environment.base_url)
        assert address.scheme == "https", f"{environment.name}: {environment.base_url}"
        assert not environment.base_url.endswith("/")
        if environment.trusted_suffix:
            assert environment.trusted_suffix.startswith("."), "a suffix without its dot trusts strangers' domains"
            assert f".{address.hostname}".endswith(environment.trusted_suffix)
    assert manifest.limits, "every broker limits requests: without a figure of its own, take a careful one"
    for window in manifest.limits:
        assert window.seconds > 0
        assert 1 <= window.configured <= window.count


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
