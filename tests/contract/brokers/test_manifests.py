"""A manifest is what the engine, the API and the page believe about a broker: it has to be whole, and true."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from brokersync.brokers.catalog import BrokerCatalog

SLUGS = BrokerCatalog().slugs()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_manifest_is_complete(slug: str) -> None:
    # given a broker's facts
    # when they are read
    manifest = BrokerCatalog().manifest(slug)
    # then nothing that a trader or the engine needs is missing, or can't be
    rare, careful = manifest.useful_interval_min > 60, manifest.useful_interval_min <= 60
    _hold(
        slug,
        slug=(manifest.slug == slug, "is the folder's name"),
        name=(bool(manifest.name), "how traders know the broker"),
        documentation_url=(_is_https(manifest.documentation_url), "where the broker documents its API (https)"),
        unique_id=(bool(manifest.unique_id), "what identifies an execution, in words"),
        setup_help=(len(manifest.setup_help) > 20, "what the trader does at the broker before connecting"),
        useful_interval_min=(manifest.useful_interval_min >= 1, "minutes between syncs below which nothing is gained"),
        history_depth_days=(manifest.history_depth_days is None or manifest.history_depth_days > 0, "days, or None"),
        overlap=(manifest.overlap >= timedelta(0), "what is read again at every sync"),
        news_note=(bool(manifest.news_note) or not rare, "why nothing newer can exist, as syncs are so rare"),
        perishable=(careful or not manifest.perishable, "what can be lost is looked after every hour at least"),
        session=(manifest.perishable == (manifest.session is not None), "when what wasn't fetched is lost, if ever"),
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_a_manifest_names_what_a_trader_enters(slug: str) -> None:
    # given the fields of a broker's credentials
    # when a trader sees them
    fields = BrokerCatalog().manifest(slug).auth_fields
    # then each says what it is and where it is found
    names = [field.name for field in fields]
    _hold(
        slug,
        auth_fields=(any(field.secret for field in fields), "one of them at least is secret"),
        names=(len(set(names)) == len(names), "each has a name of its own"),
        counted_by=(
            set(BrokerCatalog().manifest(slug).counted_by) <= set(names),
            "the auth fields by which the broker counts requests",
        ),
    )
    for field in fields:
        _hold(
            slug,
            name=(
                field.name.isidentifier() and field.name.islower(),
                f"{field.name!r}: lower case, words divided by _",
            ),
            label=(bool(field.label), f"what {field.name} is called at the broker"),
            help=(len(field.help) > 10, f"where the trader finds {field.name}"),
        )


@pytest.mark.parametrize("slug", SLUGS)
def test_a_manifest_names_where_to_ask_and_how_often(slug: str) -> None:
    # given a broker's environments and limits
    # when they are read
    manifest = BrokerCatalog().manifest(slug)
    # then they can be used, and bound where to go
    names = [environment.name for environment in manifest.environments]
    _hold(slug, environments=(len(set(names)) == len(names) > 0, "one at least, each with a name of its own"))
    for environment in manifest.environments:
        suffix, host = environment.trusted_suffix, urlsplit(environment.base_url).hostname
        trusts = not suffix or (suffix.startswith(".") and f".{host}".endswith(suffix))
        right = _is_https(environment.base_url) and not environment.base_url.endswith("/")
        _hold(
            slug,
            base_url=(right, f"where {environment.name} is asked (https, no / at the end)"),
            trusted_suffix=(trusts, f"{suffix!r}: begins with a dot, and the base_url is inside it"),
        )
    for header in manifest.limit_headers:
        lower = header.reset == header.reset.lower() and header.remaining == header.remaining.lower()
        _hold(slug, limit_headers=(bool(header.reset) and lower, "names of headers, in lower case"))
    _hold(slug, limits=(bool(manifest.limits), "without a figure of its own, take a careful one"))
    for window in manifest.limits:
        possible = window.seconds > 0 and 1 <= window.configured <= window.count
        _hold(slug, limits=(possible, f"{window.count} requests in {window.seconds} s: what the broker allows"))


def _hold(slug: str, /, **facts: tuple[bool, str]) -> None:
    """Each fact holds; the first that doesn't is named, with what to write."""
    for field, (holds, what) in facts.items():
        assert holds, f"shared/brokersync/brokers/{slug}/manifest.py: {field}: {what}"


def _is_https(address: str) -> bool:
    return urlsplit(address).scheme == "https" and bool(urlsplit(address).hostname)
