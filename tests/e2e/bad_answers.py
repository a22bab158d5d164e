"""What an OANDA account can answer that it should not, as fault plans, and what has to come of each."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from brokersync.domain.errors import ErrorCode
from brokersync.domain.runs import Outcome
from brokersync.domain.status import AccountStatus
from local.simulators.faults import Fault
from local.simulators.oanda_world import AccountSpec

MEGABYTE = 2**20
OTHERS_NUMBER = "101-004-9999999-001"


class Broker:
    """The true answers of an account, to be spoiled."""

    def __init__(self, base_url: str, spec: AccountSpec) -> None:
        self._base_url, self.spec = base_url, spec

    def summary(self) -> dict[str, Any]:
        """The body of GET summary."""
        return _json(self._ask("summary", {}))

    def transactions(self) -> dict[str, Any]:
        """The body of the one page of transactions that a first load asks for."""
        return _json(self.raw_transactions())

    def raw_transactions(self) -> bytes:
        """The page as it comes, perhaps spoiled."""
        return self._ask("transactions/idrange", {"from": "1", "to": self.summary()["lastTransactionID"]})

    def _ask(self, path: str, params: Mapping[str, str]) -> bytes:
        url = f"{self._base_url}/v3/accounts/{self.spec.account}/{path}"
        headers = {"Authorization": f"Bearer {self.spec.token}", "Accept-Datetime-Format": "RFC3339"}
        return httpx.get(url, params=params, headers=headers).raise_for_status().content


def _json(body: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(body)
    return document


Plan = Callable[[Broker], Sequence[Fault]]


@dataclass(frozen=True, slots=True)
class Case:
    """What an account answers, and how its first sync ends. `stored` says whether anything of it may be in the ledger.

    `keeps` is whether the spoiled answer is among the snapshots: not one that was asked for again, and not one that is
    larger than what we take.
    """

    plan: Plan
    outcome: Outcome
    code: ErrorCode | None
    status: AccountStatus
    action: str = ""
    keeps: bool = True
    stored: bool = False
    spec: Mapping[str, object] = field(default_factory=dict)


def on(path: str, **fault: Any) -> Plan:
    """The same fault for each request of a path."""
    return lambda _: [Fault(path=path, **({"times": None} | fault))]


def summary(change: Callable[[dict[str, Any]], None]) -> Plan:
    """A summary that was changed."""

    def plan(broker: Broker) -> Sequence[Fault]:
        body = broker.summary()
        change(body["account"])
        return [Fault(path="/summary", body=json.dumps(body), times=None)]

    return plan


def transactions(change: Callable[[list[dict[str, Any]]], None]) -> Plan:
    """A page of transactions that was changed."""

    def plan(broker: Broker) -> Sequence[Fault]:
        body = broker.transactions()
        change(body["transactions"])
        return [Fault(path="/idrange", body=json.dumps(body), times=None)]

    return plan


def first_fill(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The first order that was filled."""
    return next(row for row in rows if row["type"] == "ORDER_FILL")


def new_kind(rows: list[dict[str, Any]]) -> None:
    """A type that nobody has met yet, with money in it."""
    first_fill(rows).update(type="CARBON_CREDIT", accountBalance="1.00")


def _unexpected(plan: Plan, **changes: Any) -> Case:
    return Case(plan, Outcome.FAILED, ErrorCode.UNEXPECTED_ANSWER, AccountStatus.FAILED, "try_again", **changes)


def _partly(plan: Plan) -> Case:
    return Case(plan, Outcome.PARTIAL, ErrorCode.UNEXPECTED_ANSWER, AccountStatus.PARTIAL, "try_again", stored=True)


def _locked_out(plan: Plan, code: ErrorCode) -> Case:
    return Case(plan, Outcome.FAILED, code, AccountStatus.FAILED, "reconnect")


def _healthy(plan: Plan, **changes: Any) -> Case:
    return Case(plan, Outcome.SUCCEEDED, None, AccountStatus.SYNCED, keeps=False, stored=True, **changes)


CASES: Mapping[str, Case] = {
    # in good order, or healed within the run
    "healthy": _healthy(lambda _: []),
    "no transaction ever": _healthy(lambda _: [], spec={"blank": True}),
    "503 twice, then well": _healthy(on("/transactions$", status=503, times=2)),
    "cut off, then well": _healthy(on("/idrange", drop_after=500, times=1)),
    # to be asked again later
    "fails half way": Case(
        on("/idrange", nth=2, status=502, retry_after=300),
        Outcome.FAILED,
        ErrorCode.BROKER_UNAVAILABLE,
        AccountStatus.PENDING,
        "try_again",
        keeps=False,
        stored=True,
        spec={"executions": 900},
    ),
    "down": Case(
        on("/summary", status=503, retry_after=300),
        Outcome.FAILED,
        ErrorCode.BROKER_UNAVAILABLE,
        AccountStatus.PENDING,
        "try_again",
        keeps=False,
    ),
    # for the trader to mend
    "refuses the credential": _locked_out(
        on("/summary", status=401, body='{"errorMessage": "Insufficient authorization"}'),
        ErrorCode.CREDENTIALS_REJECTED,
    ),
    "is gone": _locked_out(on("/summary", status=404, body='{"errorMessage": "no"}'), ErrorCode.ACCOUNT_CLOSED),
    "another's figures": _locked_out(
        summary(lambda account: account.update(id=OTHERS_NUMBER)), ErrorCode.WRONG_ACCOUNT
    ),
    "another's transactions": _locked_out(
        transactions(lambda rows: rows[3].update(accountID=OTHERS_NUMBER)), ErrorCode.WRONG_ACCOUNT
    ),
    # for us to look into
    "no JSON": _unexpected(on("/summary", body="<html><body>Maintenance</body></html>")),
    "malformed": _unexpected(on("/summary", body='{"account": {"id": 1,,}}')),
    "cut short": _unexpected(on("/idrange", keep_bytes=700)),
    "empty": _unexpected(on("/summary", body="")),
    "huge": _unexpected(on("/summary", body='{"account": "' + "x" * (6 * MEGABYTE) + '"}')),
    "larger than we take": _unexpected(on("/summary", body=" " * (65 * MEGABYTE)), keeps=False),
    "wrong type": _unexpected(on("/summary", body='{"account": ["not", "one"], "lastTransactionID": "7"}')),
    "wrong type inside": _unexpected(summary(lambda account: account.update(balance={"amount": "1.00"}))),
    "NaN": _unexpected(summary(lambda account: account.update(balance=float("nan")))),
    "NaN as text": _unexpected(summary(lambda account: account.update(NAV="NaN"))),
    "calls us invalid": _unexpected(on("/summary", status=400, body='{"errorMessage": "Invalid value"}')),
    "a gap in the ids": _unexpected(transactions(lambda rows: rows.pop(5))),
    "an id twice": _unexpected(transactions(lambda rows: rows.insert(5, rows[5]))),
    # what can be understood is kept, and what can't is told
    "unknown type": _partly(transactions(new_kind)),
    "a fill of NaN units": _partly(transactions(lambda rows: first_fill(rows).update(units="NaN"))),
    "a time that is none": _partly(transactions(lambda rows: first_fill(rows).update(time="yesterday"))),
}

SENT_AWAY = Case(
    on("/summary", status=429, retry_after=300),
    Outcome.DEFERRED,
    ErrorCode.RATE_LIMITED,
    AccountStatus.PENDING,
    keeps=False,
)
"""After this nobody asks the broker for a while, whoever's account it is."""
