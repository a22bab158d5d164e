"""In which language a request is answered: what it names, else what its user chose, else English."""

import re

import pytest

from brokersync.domain.errors import ErrorCode
from brokersync.domain.messages import Locale
from brokersync.domain.runs import Outcome
from functions.api.problem_codes import STATUS, ProblemCode
from functions.api.wordings import WORDINGS
from tests.unit.functions.api_world import ApiWorld


@pytest.fixture
def world() -> ApiWorld:
    world = ApiWorld()
    world.add(
        runnable=False,
        outcome=Outcome.FAILED,
        error_code=ErrorCode.CREDENTIALS_REJECTED,
        safe_message="The token was revoked.",
    )
    return world


def test_every_problem_is_worded_in_every_language() -> None:
    # given all codes; then each has a status and three sentences in each language, which name the same things
    assert set(STATUS) == set(ProblemCode)
    for locale in Locale:
        assert set(WORDINGS[locale]) == set(ProblemCode)
    for code in ProblemCode:
        english = WORDINGS[Locale.EN][code]
        for locale in (Locale.FR, Locale.VI):
            told = WORDINGS[locale][code]
            assert len({*english, *told}) == 6, f"{code} in {locale} is partly the English one"
            for part, same in zip(told, english, strict=True):
                assert re.findall(r"`[^`]+`|[A-Z]+ /\S+", part) == re.findall(r"`[^`]+`|[A-Z]+ /\S+", same)


@pytest.mark.parametrize(
    ("header", "chosen", "badge"),
    [
        ("", None, "Re-connect"),
        ("fr-CH, en;q=0.5", None, "Reconnecter"),
        ("", Locale.VI, "Kết nối lại"),
        ("de", Locale.VI, "Kết nối lại"),
        ("fr", Locale.VI, "Reconnecter"),
    ],
)
def test_the_request_decides_then_the_user(world: ApiWorld, header: str, chosen: Locale | None, badge: str) -> None:
    # given what the user chose, and what the request names
    if chosen:
        world.patch("/me", body={"locale": chosen.value})
    headers = {"accept-language": header} if header else {}
    # when
    status = world.get("/trading-accounts/acc_1/sync-status", headers=headers).json
    # then
    assert status["badge"] == badge


def test_i10_what_a_code_can_not_say_stays_as_detail(world: ApiWorld) -> None:
    # given a failure with its own English sentence
    french = world.get("/trading-accounts/acc_1/sync-status", headers={"accept-language": "fr"}).json["error"]
    english = world.get("/trading-accounts/acc_1/sync-status").json["error"]
    # then a reader of another language has that of the code, and the sentence beside it
    assert french["message"].startswith("Le courtier refuse")
    assert (french["detail"], english["detail"]) == ("The token was revoked.", "")
    assert english["message"] == "The token was revoked."
    assert french["code"] == english["code"]


def test_a_refusal_is_told_in_the_readers_language_and_says_so(world: ApiWorld) -> None:
    # when somebody asks for what can't be
    answer = world.post("/trading-accounts/acc_1/sync", headers={"accept-language": "vi"})
    # then title, detail and step are in the language, and the code is what it always is
    assert answer.headers["content-language"] == "vi"
    assert (answer.status, answer.json["code"]) == (409, "reconnect_needed")
    assert answer.json["title"] == "Cần kết nối lại"
    assert answer.json["next_step"].startswith("Kết nối lại")


def test_what_is_wrong_with_a_field_is_told_in_the_readers_language(world: ApiWorld) -> None:
    # when two fields are wrong
    body = {"interval_min": 7, "display_name": "x" * 65, "colour": "red"}
    answer = world.patch("/trading-accounts/acc_1", body=body, headers={"accept-language": "fr"})
    # then each is named with its bounds
    told = {error["field"]: error["problem"] for error in answer.json["errors"]}
    assert told["display_name"] == "Au plus 64 caractères"
    assert told["colour"] == "Ce champ n'existe pas"
    assert told["interval_min"].startswith("Doit être 5, 10, 15, 30")


def test_i10_when_the_table_of_users_fails_the_problem_is_told_all_the_same(world: ApiWorld) -> None:
    # given a table that can't be reached
    def fail(user_id: str) -> None:
        raise ConnectionError("no table")

    world.users.settings = fail
    # when something needs it
    answer = world.get("/trading-accounts/acc_1/sync-status")
    # then it is a problem document in English
    assert (answer.status, answer.json["code"], answer.headers["content-language"]) == (500, "internal", "en")
