"""A connection's whole life over HTTP, with every permission enforced: connected, revoked, renewed, erased."""

import json
import uuid
from typing import Any

import httpx
import pytest

from local.simulators.faults import Fault
from local.simulators.oanda_world import AccountSpec
from tests.e2e.stage import SECRET, Stage

pytestmark = pytest.mark.stack

OF_A_TRADER = ["feeds", "accounts", "trades", "cash_events", "portfolios", "sync_runs", "known_trades"]


class Person:
    """Somebody with an account at OANDA who uses the API, and nothing else."""

    def __init__(self, here: Stage) -> None:
        self._here = here
        self._token = here.here.issuer.token(f"trader-{uuid.uuid4().hex[:8]}")
        number = uuid.uuid4().int % 10_000_000
        self.spec = AccountSpec(
            account=f"101-004-{number:07d}-001",
            token=f"{SECRET}{uuid.uuid4().hex}",
            seed=number,
            executions=20,
            days=3,
        )
        here.world.open_account(self.spec)

    def ask(self, method: str, path: str, body: object = None, **params: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = self._here.api.request(method, path, json=body, params=params, headers=headers)
        assert SECRET not in answer.text
        return answer

    def connect(self, **changes: object) -> str:
        """Connect OANDA by its token alone: the accounts are found."""
        credentials = {"token": self.spec.token}
        body = {"broker": "oanda", "environment": "practice", "credentials": credentials} | changes
        answer = self.ask("POST", "/connections", body)
        assert answer.status_code == 202, answer.text
        connection_id: str = answer.json()["connection_id"]
        return connection_id

    def wait_until(self, connection_id: str, status: str) -> dict[str, Any]:
        """Watch the connection until it has this status."""
        seen: list[dict[str, Any]] = []

        def there() -> bool:
            seen.append(self.ask("GET", f"/connections/{connection_id}").json())
            return seen[-1]["status"] == status

        self._here.wait(f"{connection_id} to be {status}", there)
        return seen[-1]

    def wait_for_sync(self, connection_id: str) -> str:
        """Watch until its one account is synced; returns our id of it."""
        found: list[str] = []

        def synced() -> bool:
            accounts = self.ask("GET", f"/connections/{connection_id}").json()["accounts"]
            found[:] = [one["account_id"] for one in accounts if one["sync"]["status"] == "synced"]
            return bool(found)

        self._here.wait(f"{connection_id} to be synced", synced)
        (account_id,) = found
        return account_id

    def trades(self, account_id: str) -> list[dict[str, Any]]:
        trades: list[dict[str, Any]] = self.ask("GET", f"/trading-accounts/{account_id}/trades", limit="200").json()[
            "trades"
        ]
        return trades


@pytest.fixture
def person(here: Stage) -> Person:
    return Person(here)


def rows(here: Stage, table: str) -> str:
    """Everything a table holds, as text."""
    name = f"{here.stack.outputs['TablePrefix']}{table}"
    pages = here.evidence.client("dynamodb").get_paginator("scan").paginate(TableName=name)
    return json.dumps([page["Items"] for page in pages], default=repr)


def versions(here: Stage, feed_id: str) -> list[str]:
    """All versions of all snapshots of a feed."""
    pages = (
        here.evidence.client("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=here.stack.outputs["SnapshotBucketName"])
    )
    return [one["Key"] for page in pages for one in page.get("Versions", []) if f"/{feed_id}/" in one["Key"]]


def test_a_connection_is_made_revoked_renewed_and_erased(here: Stage, person: Person) -> None:
    # given a trader who enters a token
    connection_id = person.connect()
    # when the check has found the account and the first sync is through
    account_id = person.wait_for_sync(connection_id)
    assert person.wait_until(connection_id, "connected")["error"] is None
    stored = person.trades(account_id)
    assert len(stored) >= 20
    cursor = here.stored.feed(account_id).cursor
    # and the token is revoked, which the next sync finds
    revoked = Fault(path="/v3", token=person.spec.token, status=401, times=None)
    here.control.faults.add(revoked)
    person.ask("POST", f"/trading-accounts/{account_id}/sync")
    # then the trader is told, and nothing is tried again
    shown = person.wait_until(connection_id, "reauth_required")
    assert shown["error"]["code"] == "credentials_rejected"
    assert not here.stored.feed(account_id).on_wheel()
    # when trades go on, and the trader enters a token that works
    here.world.trade(person.spec.account, count=3)
    here.control.faults.clear()
    answer = person.ask("PATCH", f"/connections/{connection_id}", {"credentials": {"token": person.spec.token}})
    assert answer.status_code == 202
    # then the sync goes on from where it was: what is new comes, and nothing twice
    assert person.wait_for_sync(connection_id) == account_id
    here.wait("the new trades", lambda: len(person.trades(account_id)) >= len(stored) + 3)
    now = person.trades(account_id)
    assert len({one["source_trade_id"] for one in now}) == len(now)
    assert int(here.stored.feed(account_id).cursor) > int(cursor)
    last = here.stored.runs(account_id)[-1]
    assert last.stats.fetched < len(stored)
    # when everything is to be erased
    assert versions(here, account_id)
    person.ask("DELETE", f"/connections/{connection_id}", erase="true")
    # then the secrets are gone at once
    assert person.ask("GET", f"/connections/{connection_id}").json()["status"] == "disconnected"
    item = here.evidence.client("dynamodb").get_item(
        TableName=f"{here.stack.outputs['TablePrefix']}connections", Key={"connection_id": {"S": connection_id}}
    )["Item"]
    assert not {"credentials", "session", "fingerprint", "key_id"} & set(item)
    # and soon everything else, but for the receipt, which counts it
    here.wait(
        "the receipt",
        lambda: bool(person.ask("GET", f"/connections/{connection_id}").json()["erasure"]["finished_at"]),
    )
    counts = person.ask("GET", f"/connections/{connection_id}").json()["erasure"]["counts"]
    assert counts["trades"] == len(now)
    assert counts["accounts"] == counts["feeds"] == 1
    assert counts["snapshots"] > 0
    here.wait("the erase feed to go", lambda: connection_id not in rows(here, "feeds"))
    for table in OF_A_TRADER:
        assert account_id not in rows(here, table), table
        assert connection_id not in rows(here, table), table
    assert versions(here, account_id) == []
    assert person.ask("GET", "/trading-accounts").json()["accounts"] == []


def test_an_account_that_is_connected_again_stays_the_same(here: Stage, person: Person) -> None:
    # given a trader who disconnected
    first = person.connect()
    account_id = person.wait_for_sync(first)
    stored = person.trades(account_id)
    person.ask("DELETE", f"/connections/{first}")
    # when the broker's account is connected again
    here.world.trade(person.spec.account, count=2)
    second = person.connect()
    person.wait_until(second, "connected")
    # then it is the same account, which goes on from where it was
    assert person.wait_for_sync(second) == account_id
    assert len(person.trades(account_id)) >= len(stored) + 2
    assert here.stored.runs(account_id)[-1].stats.fetched < len(stored)


def test_a_token_that_never_worked_is_told_by_the_connection(here: Stage, person: Person) -> None:
    # given a wrong token; when it is checked, then the trader learns it, and a right one mends it
    connection_id = person.connect(credentials={"token": f"{SECRET}wrong"})
    assert person.wait_until(connection_id, "reauth_required")["error"]["code"] == "credentials_rejected"
    person.ask("PATCH", f"/connections/{connection_id}", {"credentials": {"token": person.spec.token}})
    person.wait_for_sync(connection_id)
