"""Who a trader is."""

import hashlib

import pytest

from brokersync.domain.identity import user_id


def test_the_id_is_the_documented_one() -> None:
    # given the rule of docs/architecture.md
    expected = hashlib.sha256(b"https://issuer.test\nalice").hexdigest()[:32]

    # then
    assert user_id("https://issuer.test", "alice") == expected


def test_i7_issuer_and_subject_both_count_and_are_not_run_together() -> None:
    ids = {user_id("https://a", "b"), user_id("https://a", "c"), user_id("https://b", "b"), user_id("https://ab", "b")}
    assert len(ids) == 4


@pytest.mark.parametrize(("issuer", "subject"), [("", "alice"), ("https://issuer.test", ""), ("", "")])
def test_i7_nobody_has_no_id(issuer: str, subject: str) -> None:
    with pytest.raises(ValueError, match="issuer"):
        user_id(issuer, subject)
