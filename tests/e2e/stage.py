"""The whole stack with simulated brokers, for tests that use it as traders and operators do."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from brokersync.aws.scheduler import DynamoScheduler
from brokersync.aws.users import DynamoUsers
from brokersync.domain.feeds import Feed
from brokersync.domain.identity import user_id
from brokersync.domain.plans import Plan
from brokersync.domain.times import minute_of
from brokersync.ports.dispatching import Position
from brokersync.runtime import SystemClock
from local.commands.connect import connect, manifest_of
from local.commands.stack import Stack
from local.simulators.control import Control
from local.simulators.faults import Fault
from local.simulators.oanda_http import make_app
from local.simulators.oanda_world import AccountSpec, World
from local.simulators.serving import serve_in_thread
from local.simulators.truth import AccountTruth
from local.stack.laptop import Laptop, laptop
from tests.e2e.evidence import Evidence
from tests.e2e.schedule import stop_schedule
from tests.e2e.stored import Stored

PATIENCE_SECONDS = 60.0
LOOK_SECONDS = 0.1
LAST_SECOND = 54
SECRET = "secret-"  # what every broker token here begins with
INTERVAL = 5  # minutes between two scheduled syncs, the shortest there is


@dataclass(frozen=True, slots=True)
class Trader:
    """Somebody with one account at OANDA: the broker's side, and ours."""

    subject: str
    user_id: str
    spec: AccountSpec
    feed_id: str

    @property
    def account_id(self) -> str:
        """Ours; a feed of one account has the account's id."""
        return self.feed_id


class Stage:
    """A deployed stack whose schedule ticks when the test says so."""

    def __init__(self, here: Laptop, broker_url: str, world: World, control: Control) -> None:
        self.here, self.broker_url, self.world, self.control = here, broker_url, world, control
        self.stack = Stack(here.deployed.name, {})
        self.stored, self.evidence = Stored(self.stack), Evidence(here)
        self.scheduler = DynamoScheduler(self.stack.session)
        self.api = httpx.Client(base_url=here.api_url, timeout=30)
        self.told: list[str] = []
        self._numbers = iter(range(1, 1_000))

    # --- traders ----------------------------------------------------------------------------------------------------

    def connect(
        self, *, faults: Callable[[AccountSpec], Sequence[Fault]] = lambda _: (), wrong_token: str = "", **spec: object
    ) -> Trader:
        """A new trader with a new account; its first sync is on its way. `faults` are those of this account alone."""
        number = next(self._numbers)
        usual: dict[str, object] = {
            "account": f"101-004-{number:07d}-001",
            "token": f"{SECRET}{uuid.uuid4().hex}",
            "seed": number,
            "executions": 20,
            "days": 3,
        }
        account = AccountSpec(**(usual | spec))  # type: ignore[arg-type]
        self.world.open_account(account)
        self.control.faults.add(*(fault.model_copy(update={"token": account.token}) for fault in faults(account)))
        subject = f"trader-{uuid.uuid4().hex[:8]}"
        user = user_id(self.here.issuer.issuer, subject)
        DynamoUsers(self.stack.session).set_plan(user, Plan.ELITE)
        (feed,) = connect(
            self.stack,
            manifest_of("oanda"),
            user_id=user,
            environment="practice",
            credentials={"token": wrong_token or account.token},
            broker_account_ids=[account.account],
            interval_min=INTERVAL,
        )
        return Trader(subject, user, account, feed.feed_id)

    def break_down(self, trader: Trader, *faults: Fault) -> None:
        """Let the trader's account meet these faults from now on."""
        self.control.faults.add(*(fault.model_copy(update={"token": trader.spec.token}) for fault in faults))

    def heal(self, trader: Trader) -> None:
        """Take the faults off the trader's account."""
        left = [fault for fault, _ in self.control.faults.state() if fault.token != trader.spec.token]
        self.control.faults.clear()
        self.control.faults.add(*left)

    def as_trader(self, trader: Trader, method: str, path: str, **params: str | int) -> httpx.Response:
        """A request to the API with the trader's token."""
        headers = {"Authorization": f"Bearer {self.here.issuer.token(trader.subject)}"}
        answer = self.api.request(method, path, params=params, headers=headers)
        self.told.append(answer.text)
        return answer

    # --- time and waiting -------------------------------------------------------------------------------------------

    def dispatcher_is_up_to_date(self, minutes_ago: int = 0) -> None:
        """Put its position to some minutes ago, as if it had ticked until then."""
        if (second := SystemClock().now().second) > LAST_SECOND:
            time.sleep(60 - second)  # the tick that follows has to come in the same minute
        position = self.scheduler.state().position or Position(done_minute=0)
        done = minute_of(SystemClock().now()) - minutes_ago
        self.scheduler.move(replace(position, done_minute=done, target_minute=0, key_index=0, start=""))

    def an_interval_ago(self, traders: Sequence[Trader]) -> None:
        """Make the last syncs and ticks older by an interval, so that the next tick finds the feeds due."""
        self.dispatcher_is_up_to_date(minutes_ago=INTERVAL)
        for trader in traders:
            self.evidence.client("dynamodb").update_item(
                TableName=f"{self.stack.outputs['TablePrefix']}feeds",
                Key={"feed_id": {"S": trader.feed_id}},
                UpdateExpression="ADD served :interval",
                ExpressionAttributeValues={":interval": {"N": str(-INTERVAL)}},
            )

    def wait(self, what: str, ready: Callable[[], bool]) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not ready():
            assert time.monotonic() < deadline, f"waited in vain: {what}\n{self.here.emulator.log_tail(40)}"
            time.sleep(LOOK_SECONDS)

    def wait_for_runs(self, traders: Sequence[Trader], count: int) -> None:
        """Wait until each of these feeds has had so many runs, and nobody holds it."""

        def ended(feed: Feed) -> bool:
            return feed.epoch >= count and feed.lease is None

        for trader in traders:
            self.wait(f"run {count} of {trader.feed_id}", lambda: ended(self.stored.feed(trader.feed_id)))  # noqa: B023 (called at once)

    # --- what there is ----------------------------------------------------------------------------------------------

    def truth(self, trader: Trader) -> Mapping[str, Any]:
        """The account by the broker's own books."""
        seen: Any = self.world.truth({"account": trader.spec.account})
        account: Mapping[str, Any]
        (account,) = seen["accounts"]
        return account

    def true_entries(self, trader: Trader) -> Mapping[str, Mapping[str, Any]]:
        """Its executions and cash events, by their ids."""
        return AccountTruth.model_validate(self.truth(trader)).by_id()


@contextmanager
def surroundings(here: Laptop) -> Iterator[None]:
    """This process's environment is that of this stack, until the `with` block ends."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in here.emulator.environment.items():
            environment.setenv(name, value)
        yield


@contextmanager
def stage(*, enforce_iam: bool) -> Iterator[Stage]:
    """The stack with an OANDA without accounts, until the `with` block ends."""
    world = World()
    app, control = make_app(world)
    with (
        serve_in_thread(app) as server,
        laptop({"oanda:practice": f"{server.base_url}/v3"}, enforce_iam=enforce_iam) as here,
        surroundings(here),
    ):
        stop_schedule(here)
        made = Stage(here, server.base_url, world, control)
        with made.api:
            yield made
