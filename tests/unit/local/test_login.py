"""The laptop's issuer does what a real one does with a page that keeps no secret."""

import base64
import hashlib
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from local.stack.identity import AUDIENCE, PAGE_CLIENT, LocalIssuer, Person
from local.stack.login import served_issuer

PAGE = "http://127.0.0.1:1/page/"
VERIFIER = "a-verifier-that-is-long-enough-to-be-one-by-the-standard"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": PAGE_CLIENT,
    "redirect_uri": PAGE,
    "state": "state-1",
    "nonce": "nonce-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
REDEEM = {
    "grant_type": "authorization_code",
    "client_id": PAGE_CLIENT,
    "redirect_uri": PAGE,
    "code_verifier": VERIFIER,
}


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    people = [Person(subject="alice", about="elite <plan>"), Person(subject="olga", claims={"role": "operator"})]
    with served_issuer(people) as running:
        running.redirect_uris.add(PAGE)
        yield running


def code_for(issuer: LocalIssuer, subject: str = "alice") -> str:
    answer = httpx.post(f"{issuer.issuer}/authorize", data={**ASKED, "subject": subject})
    assert answer.status_code == 303
    (code,) = parse_qs(urlsplit(answer.headers["location"]).query)["code"]
    return code


def redeem(issuer: LocalIssuer, **asked: str) -> httpx.Response:
    return httpx.post(f"{issuer.issuer}/token", data={**REDEEM, **asked})


def verified(issuer: LocalIssuer, token: str, audience: str) -> dict[str, object]:
    """The claims of a token as any client checks it: by discovery and the key set."""
    discovery = httpx.get(f"{issuer.issuer}/.well-known/openid-configuration").json()
    (key,) = httpx.get(discovery["jwks_uri"]).json()["keys"]
    return jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"], audience=audience, issuer=discovery["issuer"])


def test_a_login_gives_tokens_that_anybody_can_check(issuer: LocalIssuer) -> None:
    # given the login page
    page = httpx.get(f"{issuer.issuer}/authorize", params=ASKED)
    assert page.status_code == 200
    assert "elite &lt;plan&gt;" in page.text

    # when alice is chosen
    answer = httpx.post(f"{issuer.issuer}/authorize", data={**ASKED, "subject": "alice"})

    # then the browser goes back to the page with a code and what the page had sent along
    back = urlsplit(answer.headers["location"])
    assert back.geturl().startswith(f"{PAGE}?")
    assert parse_qs(back.query)["state"] == ["state-1"]

    # when the page redeems it
    tokens = redeem(issuer, code=parse_qs(back.query)["code"][0]).json()

    # then one token is for the API and one for the page, both hers
    assert verified(issuer, tokens["access_token"], AUDIENCE)["sub"] == "alice"
    identity = verified(issuer, tokens["id_token"], PAGE_CLIENT)
    assert (identity["sub"], identity["nonce"]) == ("alice", "nonce-1")


def test_a_token_says_what_its_person_may(issuer: LocalIssuer) -> None:
    # when the operator signs in; then the claim is there, and nobody else's token has it
    assert verified(issuer, issuer.token("olga"), AUDIENCE)["role"] == "operator"
    assert "role" not in verified(issuer, issuer.token("alice"), AUDIENCE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "http://127.0.0.1:1/page/else"},
        {"client_id": "another"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
def test_i7_a_request_that_no_login_can_answer_leads_nowhere(issuer: LocalIssuer, wrong: dict[str, str]) -> None:
    # when such a request comes, as a page and as an answered form
    page = httpx.get(f"{issuer.issuer}/authorize", params=ASKED | wrong)
    form = httpx.post(f"{issuer.issuer}/authorize", data={**ASKED, **wrong, "subject": "alice"})

    # then nobody is sent anywhere
    assert [page.status_code, form.status_code] == [400, 400]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "somebody-else's"},
        {"redirect_uri": "http://127.0.0.1:1/other/"},
        {"client_id": "another"},
        {"code": "guessed"},
        {"grant_type": "refresh_token", "refresh_token": "guessed"},
    ],
)
def test_i7_a_code_is_worth_nothing_to_somebody_else(issuer: LocalIssuer, wrong: dict[str, str]) -> None:
    # given a code that was stolen on its way; when it is redeemed without what only the page knows
    answer = redeem(issuer, **{"code": code_for(issuer), **wrong})

    # then there are no tokens
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_grant"})


def test_i7_a_code_and_a_refresh_token_are_good_once(issuer: LocalIssuer) -> None:
    # given a code that was redeemed
    code = code_for(issuer)
    first = redeem(issuer, code=code).json()

    # when it is redeemed again; then there is nothing for it
    assert redeem(issuer, code=code).status_code == 400

    # when the refresh token is used; then there is a new pair, and the old one is used up
    again = redeem(issuer, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert verified(issuer, again.json()["access_token"], AUDIENCE)["sub"] == "alice"
    assert redeem(issuer, grant_type="refresh_token", refresh_token=first["refresh_token"]).status_code == 400
    assert redeem(issuer, grant_type="refresh_token", refresh_token=code_for(issuer)).status_code == 400
