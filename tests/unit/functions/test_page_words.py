"""The page's words: the same keys and blanks in every language, and none that the scripts ask for in vain."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from brokersync.domain.loads import LoadKind
from brokersync.domain.messages import Locale
from brokersync.domain.round_trips import PnlSource
from brokersync.domain.runs import Outcome, RequestedBy, RunStats, SectionState
from brokersync.domain.trades import Side, VersionReason

STATIC = Path(__file__).parents[3] / "functions" / "api" / "static"
WORDS = {locale: json.loads((STATIC / f"words-{locale}.json").read_text()) for locale in Locale}
NAMED_BY_CODE = {
    "outcome": Outcome,
    "asked": RequestedBy,
    "section": SectionState,
    "progress": LoadKind,
    "side": Side,
    "reason": VersionReason,
    "source": PnlSource,
}


def blanks(words: object) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", json.dumps(words)))


@pytest.mark.parametrize("locale", Locale)
def test_every_language_says_everything_with_the_same_blanks(locale: Locale) -> None:
    # given English and another language; then the keys are the same, and so is what is filled in
    assert WORDS[locale].keys() == WORDS[Locale.EN].keys()
    wrong = [key for key, words in WORDS[locale].items() if blanks(words) != blanks(WORDS[Locale.EN][key])]
    assert wrong == []
    # and nothing is empty
    assert not [
        key
        for key, words in WORDS[locale].items()
        if not words or (isinstance(words, dict) and not all(words.values()))
    ]


def asked_for() -> Iterator[str]:
    for script in STATIC.glob("*.js"):
        yield from re.findall(r"""\b(?:t|parts)\("([a-z]+[a-z_.-]*)"[,)]""", script.read_text())


def test_the_scripts_ask_for_words_that_there_are() -> None:
    # given what the scripts ask for by name
    keys = set(asked_for())
    assert len(keys) > 80
    # then there is a word for each
    assert keys - WORDS[Locale.EN].keys() == set()


@pytest.mark.parametrize("group", NAMED_BY_CODE)
def test_what_the_service_names_has_a_word(group: str) -> None:
    # given the names that answers of the API can have; then the page has a word for each
    assert {f"{group}.{name}" for name in NAMED_BY_CODE[group]} - WORDS[Locale.EN].keys() == set()


def test_every_count_of_a_run_has_a_word() -> None:
    assert {f"stat.{name}" for name in RunStats.__dataclass_fields__} - WORDS[Locale.EN].keys() == set()
