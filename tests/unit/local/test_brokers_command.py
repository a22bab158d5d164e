"""`brokersync brokers`: a table for people, a document for programs."""

import json

from typer.testing import CliRunner

from brokersync.brokers.catalog import BrokerCatalog
from local.cli import app
from local.commands.brokers import brokers_json


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
