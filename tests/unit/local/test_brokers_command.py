"""`brokersync brokers`: a table for people, a document for programs."""

import json
from datetime import UTC, datetime, timedelta

from moto import mock_aws
from typer.testing import CliRunner

from brokersync.aws.breakers import DynamoBreakers
from brokersync.aws.session import AwsSession
from brokersync.aws.tables.breakers import BreakerItem
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.contracts.brokers import Brokers
from local.cli import app
from local.commands.brokers import brokers_json, state_of


def test_the_table_names_every_broker_with_what_to_enter() -> None:
    # given the catalog
    catalog = BrokerCatalog()
    # when the command is run
    shown = CliRunner().invoke(app, ["brokers"])
    # then each broker is in it, with its environments and the fields that have to be entered
    assert shown.exit_code == 0
    for slug in catalog.slugs():
        manifest = catalog.manifest(slug)
        assert slug in shown.output
        assert all(environment.name in shown.output for environment in manifest.environments)
        assert all(field.name in shown.output for field in manifest.auth_fields if field.required)


def test_json_is_the_document_and_nothing_else() -> None:
    # given the document
    # when the command is asked for it
    shown = CliRunner().invoke(app, ["brokers", "--json"])
    # then that is all it prints
    assert shown.exit_code == 0
    assert json.loads(shown.output) == json.loads(brokers_json())


class OneStack:
    """A stack whose tables are a test's."""

    def __init__(self, session: AwsSession) -> None:
        self.session = session


@mock_aws
def test_the_table_says_which_brokers_have_trouble() -> None:
    # given a stack in which one environment of a broker is left in peace, and another may be tried again
    session, now = AwsSession(table_prefix="test-"), datetime.now(UTC)
    session.table(BreakerItem).create_table()
    breakers = DynamoBreakers(session)
    breakers.open("oanda:live", now, now + timedelta(minutes=1))
    breakers.open("oanda:practice", now - timedelta(hours=1), now)
    # when its brokers are told
    told = Brokers.model_validate_json(brokers_json(OneStack(session)))
    states = {broker.slug: state_of(broker) for broker in told.brokers}
    # then each says how it is
    again = now + timedelta(minutes=1)
    assert f"live: trouble since {now:%H:%M} UTC, asked again at {again:%H:%M:%S}" in states["oanda"]
    assert "practice: trouble since" in states["oanda"]
    assert "the next sync finds out" in states["oanda"]
    assert states["alpaca"] == "well"
    assert states["mt5"] == "each its own"
