"""Saved answers of every broker are read, and read exactly."""

from pathlib import Path

import pytest

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.money import plain
from brokersync.domain.pages import Normalised
from brokersync.domain.trades import content_hash

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.mark.parametrize("slug", BrokerCatalog().slugs())
def test_saved_answers_are_read_exactly(slug: str) -> None:
    # given the answers that are kept of a broker
    folder = FIXTURES / slug
    saved = [file for file in sorted(folder.glob("*")) if file.is_file() and file.suffix != ".md"]
    assert saved, (
        f"{slug} has no saved answers: put some into tests/fixtures/{slug}/ (make record BROKER={slug} makes them from "
        "real ones), with a README.md that says where they come from"
    )
    # when each is read, twice
    executions = 0
    for file in saved:
        said = _read(slug, file)
        executions += len(said.executions)
        again = _read(slug, file)
        # then it says the same both times, and each price and quantity is in it as a text, digit for digit
        entries = [*said.executions, *said.cash_events]
        assert [content_hash(one) for one in entries] == [
            content_hash(one) for one in (*again.executions, *again.cash_events)
        ]
        text = file.read_text()
        for one in said.executions:
            assert plain(one.price) in text, f"{file.name}: price {one.price} of {one.source_id} isn't in the answer"
            assert plain(one.quantity) in text, f"{file.name}: quantity {one.quantity} of {one.source_id} isn't in it"
    assert executions > 0, f"no answer in tests/fixtures/{slug}/ holds an execution"


def _read(slug: str, file: Path) -> Normalised:
    """What a saved answer says; nothing for one that the broker's code refuses, such as an error's."""
    provider = BrokerCatalog().provider(slug)
    try:
        return provider.normalise([provider.read_saved(file.name, file.read_bytes())], ())
    except BrokerChangedError:
        return Normalised()
