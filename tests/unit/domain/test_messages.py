"""What traders are told in each language."""

from dataclasses import replace
from string import Formatter

import pytest

from brokersync.domain import messages
from brokersync.domain.errors import NEXT_STEPS, ErrorCode
from brokersync.domain.messages import Locale, accepted
from brokersync.domain.status import Badge, derive
from tests.unit.domain.test_status import FEED, NOW

OTHERS = [locale for locale in Locale if locale is not Locale.EN]


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("code", list(ErrorCode))
def test_i10_every_error_is_told_in_every_language(locale: Locale, code: ErrorCode) -> None:
    # given an error with its own English sentence
    told = messages.error(code, "The token of 4711 was revoked.", locale)
    # then it has a sentence and a step in the language, and the rest stays as detail
    assert told.message.endswith(".")
    assert told.next_step.endswith(".")
    assert told.next_step != NEXT_STEPS[code]
    assert told.detail == "The token of 4711 was revoked."


@pytest.mark.parametrize("locale", OTHERS)
@pytest.mark.parametrize("badge", list(Badge))
def test_every_badge_is_told_in_every_language_with_its_time(locale: Locale, badge: Badge) -> None:
    # given a badge; then its translation names a time where the English one does
    told = messages.badge(replace(derive(FEED, NOW), badge_kind=badge, retry_at=NOW), locale)
    has_time = any(field is not None for _, field, _, _ in Formatter().parse(badge))
    assert told
    assert told != badge
    assert has_time == ("UTC" in told)


def test_english_is_what_the_run_said() -> None:
    told = messages.error(ErrorCode.TIMEOUT, "IBKR was too slow.", Locale.EN)
    assert (told.message, told.detail, told.next_step) == ("IBKR was too slow.", "", NEXT_STEPS[ErrorCode.TIMEOUT])


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("", None),
        ("fr", Locale.FR),
        ("vi-VN,vi;q=0.9,en;q=0.8", Locale.VI),
        ("de-CH, fr-CH;q=0.7, en;q=0.3", Locale.FR),
        ("en;q=0.2, FR;q=0.9", Locale.FR),
        ("fr;q=0, en;q=0.1", Locale.EN),
        ("de, es", None),
        ("*", None),
        ("fr;q=x, ;;,", None),
    ],
)
def test_the_language_wanted_most_of_those_we_speak(header: str, locale: Locale | None) -> None:
    assert accepted(header) == locale
