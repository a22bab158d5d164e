"""GET /brokers: the catalog, the same for everybody who is signed in, and the same as the command line's."""

import json
import subprocess
import sys

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.breaker import OPEN_FOR
from local.commands.brokers import brokers_json
from tests.unit.functions.api_world import BROKERS, ApiWorld

CATALOG = BrokerCatalog()


def test_each_broker_tells_what_a_trader_needs_to_connect() -> None:
    # given
    world = ApiWorld()
    # when
    answer = world.get("/brokers")
    # then each broker is there with the facts of its manifest, ordered by name
    told = {broker["slug"]: broker for broker in answer.json["brokers"]}
    assert answer.status == 200
    assert set(told) == set(BROKERS)
    assert [broker["name"] for broker in answer.json["brokers"]] == sorted(broker["name"] for broker in told.values())
    for slug, broker in told.items():
        manifest = CATALOG.manifest(slug)
        assert broker["environments"] == [environment.name for environment in manifest.environments]
        assert [(field["name"], field["label"], field["help"], field["secret"]) for field in broker["auth_fields"]] == [
            (field.name, field.label, field.help, field.secret) for field in manifest.auth_fields
        ]
        assert broker["setup_help"] == manifest.setup_help
        assert broker["documentation_url"] == manifest.documentation_url
        assert broker["limits"]["windows"] == [
            {"requests": window.count, "seconds": window.seconds, "used": window.configured}
            for window in manifest.limits
        ]
        assert broker["capabilities"]["accounts"] == manifest.fetch_scope
        assert broker["history_days"] == manifest.history_depth_days
        assert broker["perishable"] == manifest.perishable
        assert broker["news_note"] == manifest.news_note


def test_a_broker_in_trouble_says_so_by_environment() -> None:
    # given a broker that has trouble in one environment, and one whose time to be left in peace is over
    world = ApiWorld()
    since = world.clock.now()
    world.breakers.open("oanda:live", since, since + OPEN_FOR)
    world.breakers.open("ibkr_flex:live", since - 2 * OPEN_FOR, since - OPEN_FOR)
    # when the catalog is read
    told = {broker["slug"]: broker["circuits"] for broker in world.get("/brokers").json["brokers"]}
    # then each environment says how it is, since when, and when it is asked again
    assert told["oanda"] == [
        {"environment": "practice", "state": "closed", "since": None, "retry_at": None},
        {
            "environment": "live",
            "state": "open",
            "since": "2026-03-02T10:30:00Z",
            "retry_at": "2026-03-02T10:31:00Z",
        },
    ]
    ((half_open),) = told["ibkr_flex"]
    assert (half_open["state"], half_open["retry_at"]) == ("half_open", None)


def test_the_catalog_is_told_though_nobody_knows_how_brokers_are() -> None:
    # given breakers that can't be read
    world = ApiWorld()
    world.breakers.down = True
    # when the catalog is read
    answer = world.get("/brokers")
    # then it is there, and says that this is not known
    assert answer.status == 200
    assert {broker["circuits"] for broker in answer.json["brokers"]} == {None}


def test_the_catalog_is_for_whoever_is_signed_in() -> None:
    # given two traders and somebody without a token
    world = ApiWorld()
    # when they ask
    alice, bob, nobody = (world.get("/brokers", subject=subject) for subject in ("alice", "bob", None))
    # then traders get the same, and others nothing
    assert alice.body == bob.body
    assert nobody.status == 401


def test_i7_the_catalog_holds_no_address_to_send_credentials_to() -> None:
    # given a catalog that traders read
    told = ApiWorld().get("/brokers").body
    # then the brokers' API addresses stay with the code that uses them
    for slug in BROKERS:
        assert [one.base_url for one in CATALOG.manifest(slug).environments if one.base_url in told] == []


def test_the_command_line_prints_the_same_document() -> None:
    # given the API's document
    world = ApiWorld()
    world.breakers.down = True  # as where no stack runs
    told = {broker["slug"]: broker for broker in world.get("/brokers").json["brokers"]}
    # when the command line prints its own, of all brokers
    printed = {broker["slug"]: broker for broker in json.loads(brokers_json())["brokers"]}
    # then each broker is told in the same words
    assert {slug: printed[slug] for slug in told} == told
    assert set(printed) == set(CATALOG.slugs())


def test_telling_the_catalog_loads_no_http_client() -> None:
    # given a fresh process
    code = (
        "import sys; from brokersync.brokers.catalog import BrokerCatalog as C; "
        "[C().manifest(slug) for slug in C().slugs()]; "
        "sys.exit('httpx' in sys.modules)"
    )
    # when every manifest is read
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    # then no HTTP client was loaded for it
    assert ended.returncode == 0, ended.stderr
