"""Every broker can be held to the contract: it has a kit, and a simulator behind it that lacks nothing in silence."""

import pytest

from brokersync.brokers.catalog import BrokerCatalog
from local.simulators.kit import BrokerKit, Happening, KitClock, KitMissingError, Login, Past, kit_of

NEVER_LACKING = {Past.EMPTY, Past.SHORT, Login.GOOD, Login.REJECTED, Happening.TRADE, Happening.EQUAL_FILLS}
SLUGS = BrokerCatalog().slugs()


@pytest.mark.parametrize("slug", SLUGS)
def test_every_broker_has_a_kit(slug: str) -> None:
    # given a broker folder
    # when its kit is looked for
    # then there is one for an environment of the broker; else the failure says what to write
    try:
        kit = kit_of(slug)
    except KitMissingError as error:
        pytest.fail(str(error), pytrace=False)
    environments = {environment.name for environment in BrokerCatalog().manifest(slug).environments}
    assert kit.environment in environments, f"{slug}: environment {kit.environment!r} is none of {environments}"


def test_each_demand_is_offered_or_lacking_with_its_reason(kit: BrokerKit) -> None:
    # given a broker's scene
    with kit.start(KitClock(), Past.SHORT) as scene:
        offered = {*scene.happenings, *scene.logins, *(past for past in Past if past not in kit.lacks)}
    # when what it offers is laid beside what the suite demands
    demands = [*Past, *Login, *Happening]
    silent = [demand.value for demand in demands if demand not in offered and demand not in kit.lacks]
    # then nothing is left unsaid, said twice, or excused without a reason
    assert silent == [], (
        f"local/simulators/kits/{kit.slug}.py says nothing about {', '.join(silent)}: offer it in the scene, or say in "
        f"`lacks` why {kit.slug} can't have it. What each means: local/simulators/kit.py"
    )
    assert [demand.value for demand in demands if demand in offered and demand in kit.lacks] == []
    assert [demand.value for demand in kit.lacks if demand in NEVER_LACKING] == []
    assert [demand.value for demand, reason in kit.lacks.items() if len(reason.split()) < 4] == [], "is that a reason?"


def test_what_is_lacking_agrees_with_the_manifest(kit: BrokerKit) -> None:
    # given what a kit declares as lacking
    # when the manifest is asked
    manifest = BrokerCatalog().manifest(kit.slug)
    # then they tell the same story
    books_late = Happening.LATE_ROW not in kit.lacks
    assert books_late == bool(manifest.overlap), "an overlap is read again because rows come late, and for nothing else"
    assert manifest.overlap or Happening.FORGETS in kit.lacks, "without an overlap nothing is asked twice"
    assert manifest.overlap or Happening.CORRECTION in kit.lacks, "without an overlap no correction is seen"


def test_the_error_table_names_each_error_once(kit: BrokerKit) -> None:
    # given a broker's error table
    # when it is read
    names = [case.name for case in kit.errors]
    # then it has rows, and each has a name of its own
    assert names, f"local/simulators/kits/{kit.slug}.py: `errors` has no row of the broker's error table yet"
    assert sorted(set(names)) == sorted(names)
