"""What needs no token: health, the OpenAPI document, the page and its files."""

import re
from pathlib import Path

import pytest

from tests.unit.functions.api_world import ISSUER, ApiWorld

STATIC = Path(__file__).parents[3] / "functions" / "api" / "static"


@pytest.fixture
def world() -> ApiWorld:
    return ApiWorld()


def test_health_answers_without_looking_at_a_table(world: ApiWorld) -> None:
    # given an API whose tables are gone
    world.own._accounts = world.own._feeds = None

    # when
    answer = world.get("/health", subject=None)

    # then
    assert (answer.status, answer.json) == (200, {"status": "ok", "stage": "test"})


@pytest.mark.parametrize("path", ["/", *(f"/static/{file.name}" for file in STATIC.iterdir())])
def test_the_page_and_its_files_are_served_under_a_strict_policy(world: ApiWorld, path: str) -> None:
    # when
    answer = world.get(path, subject=None)

    # then
    assert answer.status == 200
    assert answer.body == (STATIC / (path.removeprefix("/static/") if path != "/" else "index.html")).read_text()
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("connect-src") == f"'self' {ISSUER}"  # where the page signs in
    assert set(policy.values()) == {"'self'", "'none'"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_page_asks_nobody_else_and_works_under_any_path() -> None:
    # given the page's files
    for file in STATIC.iterdir():
        text = file.read_text()
        # then no address has a host, and none starts at the root
        assert re.findall(r"(?:https?:)?//(?!www\.w3\.org/2000/svg)[\w.-]+\.\w+", text) == [], file.name
        assert re.findall(r"""(?:src|href|url\(|fetch\(|call\()=?["'`]/""", text) == [], file.name
        # and nothing is inline
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), file.name


@pytest.mark.parametrize("name", ["index.htm", "..%2fapp.py", "..", ".", "app.py", "APP.JS"])
def test_only_the_pages_own_files_are_served(world: ApiWorld, name: str) -> None:
    assert world.get(f"/static/{name}", subject=None).status == 404


def test_the_page_learns_where_to_sign_in_and_nothing_else(world: ApiWorld) -> None:
    # when
    answer = world.get("/static/sign-in.json", subject=None)

    # then
    assert answer.json == {"issuer": ISSUER, "client_id": "page", "scope": "openid"}


def test_an_unchanged_file_is_not_sent_again(world: ApiWorld) -> None:
    # given a browser that has the script
    first = world.get("/static/app.js", subject=None)

    # when it asks whether that is still the one
    again = world.get("/static/app.js", subject=None, headers={"if-none-match": first.headers["etag"]})
    other = world.get("/static/app.js", subject=None, headers={"if-none-match": '"another"'})

    # then
    assert (again.status, again.body) == (304, "")
    assert (other.status, other.body) == (200, first.body)
