"""The catalog finds brokers by their folders and loads one only when it is asked for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import brokersync
from brokersync.brokers.catalog import BrokerCatalog

IN_A_FRESH_PROCESS = """
import json, sys
from brokersync.brokers.catalog import BrokerCatalog
catalog = BrokerCatalog()
slugs = list(catalog.slugs())
loaded = [name for name in sys.modules if name.startswith("brokersync.brokers.") and name.count(".") > 2]
catalog.manifest(slugs[0])
print(json.dumps({"slugs": slugs, "loaded": loaded, "http": "httpx" in sys.modules}))
"""


def test_brokers_are_listed_without_importing_them_and_facts_need_no_http_client():
    # when a fresh process lists the brokers and reads the facts of one
    shared = str(Path(brokersync.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": shared},
    )
    seen = json.loads(done.stdout)
    # then it knows them all, but has loaded none and no HTTP client
    assert "oanda" in seen["slugs"]
    assert seen["loaded"] == []
    assert seen["http"] is False


def test_modules_beside_the_folders_are_no_brokers():
    # then neither the HTTP client nor the catalog itself is listed
    assert not {"http", "catalog", "retry"} & set(BrokerCatalog().slugs())


def test_every_broker_of_the_catalog_can_be_loaded_and_is_who_it_says():
    # given the catalog
    catalog = BrokerCatalog()
    for slug in catalog.slugs():
        # when a broker is asked for
        provider = catalog.provider(slug)
        # then its folder, its facts and its code agree on its name
        assert provider.manifest.slug == slug
        assert catalog.manifest(slug) is provider.manifest


@pytest.mark.parametrize("slug", ["", "nobody", "http", "../oanda", "oanda.provider"])
def test_an_unknown_broker_is_refused_naming_the_known_ones(slug):
    # when something that is no broker is asked for, then the error names it and those that are
    with pytest.raises(ValueError, match=r"is not one of .*oanda"):
        BrokerCatalog().provider(slug)
