"""The commands that look after a running stack: what they do, and what they print."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import typer
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from brokersync.aws.key_rotation import KeyRotation
from brokersync.aws.runs import DynamoRuns
from brokersync.aws.scheduler import DynamoScheduler
from brokersync.aws.users import DynamoUsers
from brokersync.aws.vault import VaultError
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.errors import NEXT_STEPS
from brokersync.domain.manifests import AuthField
from brokersync.domain.plans import Plan
from brokersync.ports.storage import ConflictError
from brokersync.runtime import RandomIds, SystemClock
from brokersync.services.operate import SetPlan
from brokersync.services.owe_sync import OweSync, ReconnectNeededError
from brokersync.services.own_accounts import AccountNotFoundError, OwnAccounts
from brokersync.services.read_status import AccountState
from local.commands import connect as connecting
from local.commands import dead_letters, report
from local.commands.errors import CommandError
from local.commands.stack import Stack
from local.console import make_console, make_table

P = ParamSpec("P")
ALL_BROKERS = "*"


def on_stack(command: Callable[Concatenate[Stack, P], None]) -> Callable[Concatenate[str, P], None]:
    """Give a command its stack by name, and say in one line when AWS refuses or can't be reached."""

    @wraps(command)
    def run(stack_name: str, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(Stack.named(stack_name), *args, **kwargs)
        except (BotoCoreError, ClientError, PynamoDBException) as error:
            raise CommandError(f"stack {stack_name or 'of this machine'}: {error}") from None

    return run


@on_stack
def show_status(stack: Stack, user: str) -> None:
    """A trader's accounts; without one the stack as a whole and, where they have names, all traders'."""
    if not user:
        _show_overview(report.overview(stack, DynamoScheduler(stack.session)))
    for name in [user] if user else stack.traders:
        _show_accounts(name, report.accounts(stack, stack.user_id(name)))


def _show_overview(seen: report.Overview) -> None:
    behind = "never ran" if seen.behind is None else f"{seen.behind} minutes behind"
    typer.echo(f"dispatcher: {behind}; paused: {', '.join(seen.paused) or 'nothing'}")
    for queue in dead_letters.JobQueue:
        typer.echo(f"{queue.value}: {seen.waiting[queue]} waiting, {seen.dead[queue]} dead letters")
    counts = ", ".join(f"{count} {status.value}" for status, count in sorted(seen.feeds.items()))
    typer.echo(f"feeds: {counts or 'none'}")


def _show_accounts(name: str, states: Sequence[AccountState]) -> None:
    table = make_table("Account", "At the broker", "Status")
    for state in states:
        status, account = state.status, state.own.account
        success = (
            f"{status.last_successful_sync_at:%Y-%m-%d %H:%M:%S} UTC" if status.last_successful_sync_at else "never"
        )
        told = [
            f"{status.badge} (last success: {success})",
            status.error_message,
            status.next_step,
            report.told_load(state.own.feed.load),
        ]
        at_broker = f"{account.broker} {account.masked_number}"
        table.add_row(account.account_id, at_broker, "\n".join(filter(None, told)))
    typer.echo(f"\n{name}")
    make_console().print(table)


@on_stack
def show_failures(stack: Stack) -> None:
    """Feeds whose last run failed, and dead letters."""
    letters = report.dead_letters(stack)
    failed = report.failures(stack, DynamoRuns(stack.session), letters)
    unreadable = [letter for letter in letters if letter.job is None]
    if not failed and not unreadable:
        typer.echo("no feed's last run failed, and there are no dead letters")
    for failure in failed:
        feed, code = failure.feed, failure.feed.error_code
        typer.echo(f"{feed.feed_id}  {feed.broker}  {failure.status.badge}  {code.value if code else ''}")
        typer.echo(f"    {feed.safe_message} {NEXT_STEPS[code] if code else ''}".rstrip())
        typer.echo(f"    last run: {failure.job_id}; dead letters: {failure.dead}")
    for letter in unreadable:
        typer.echo(f"dead letter {letter.message_id} is no job: {letter.body[:200]}")


@on_stack
def redrive(stack: Stack, queue_name: str) -> None:
    """Send a queue's dead letters to work again."""
    try:
        queue = dead_letters.JobQueue(queue_name)
    except ValueError:
        known = " or ".join(dead_letters.JobQueue)
        raise CommandError(f"queue: {queue_name!r} is not {known}") from None
    work, dlq = (stack.outputs[output] for output in queue.outputs)
    count = 0
    for letter in dead_letters.redrive(stack.session.client("sqs"), dlq, work):
        count += 1
        typer.echo(f"sent again: {letter.job.job_id if letter.job else letter.message_id}")
    typer.echo(f"{count} dead letters of {queue.value} sent to work again")


@on_stack
def sync_now(stack: Stack, account_id: str) -> None:
    """Owe a sync to the account's feed and wake a worker."""
    account = stack.accounts.get(account_id)
    if account is None:
        raise CommandError(f"account: there is no {account_id!r}; `brokersync status USER` lists a trader's accounts")
    try:
        feed = OwnAccounts(stack.accounts, stack.feeds).with_feed(account.user_id, account_id).feed
        asked = OweSync(stack.feeds, stack.queue, RandomIds(), SystemClock()).run(feed, account_id)
    except AccountNotFoundError:
        raise CommandError(f"account: {account_id} has no feed any more") from None
    except ReconnectNeededError as error:
        raise CommandError(f"{account_id}: {error.safe_message} {error.next_step}") from None
    typer.echo(f"{asked.job_id} is {asked.state}")


@on_stack
def pause(stack: Stack, broker: str) -> None:
    """Stop scheduled syncs of a broker, or of all."""
    DynamoScheduler(stack.session).pause(_known(broker))
    typer.echo(f"scheduled syncs of {_spoken(broker)} are paused; `brokersync resume '{broker}'` starts them again")


@on_stack
def resume(stack: Stack, broker: str) -> None:
    """Start them again."""
    DynamoScheduler(stack.session).resume(_known(broker))
    typer.echo(f"scheduled syncs of {_spoken(broker)} go on")


@on_stack
def set_plan(stack: Stack, user: str, plan: Plan) -> None:
    """Move a trader to another plan."""
    service = SetPlan(DynamoUsers(stack.session), stack.feeds, BrokerCatalog())
    for feed in service.run(stack.user_id(user), plan):
        typer.echo(f"{feed.feed_id} ({feed.broker}): every {feed.interval_min} minutes")
    typer.echo(f"{user} is on the plan {plan.value}")


@on_stack
def connect(
    stack: Stack,
    user: str,
    broker: str,
    *,
    broker_account_ids: Sequence[str],
    environment: str,
    credentials_file: Path | None,
    interval_min: int | None,
) -> None:
    """Connect a trader to a broker."""
    manifest = connecting.manifest_of(broker)
    credentials = connecting.read_credentials(credentials_file) if credentials_file else _ask(manifest.auth_fields)
    feeds = connecting.connect(
        stack,
        manifest,
        user_id=stack.user_id(user),
        environment=environment or manifest.environments[0].name,
        credentials=credentials,
        broker_account_ids=broker_account_ids,
        interval_min=interval_min,
    )
    for feed in feeds:
        typer.echo(
            f"{feed.connection_id} ({broker}): {feed.feed_id} is checked by {feed.wanted.job_id if feed.wanted else ''}"
        )


@on_stack
def rotate_keys(stack: Stack) -> None:
    """Move every connection to new keys; traders and syncs notice nothing."""
    try:
        rotated = KeyRotation(stack.session, stack.outputs["CredentialsKeyArn"]).run()
    except (ConflictError, VaultError) as error:
        raise CommandError(f"{error}; what was moved stays moved: run it again") from None
    typer.echo(f"{rotated.moved} connections were moved; all are under key generation {rotated.generation} now")


def _ask(fields: Sequence[AuthField]) -> Mapping[str, str]:
    for field in fields:
        typer.echo(f"{field.label}: {field.help}", err=True)
    return {
        field.name: typer.prompt(
            field.label, hide_input=field.secret, err=True, default=None if field.required else field.default
        )
        for field in fields
    }


def _known(broker: str) -> str:
    if broker != ALL_BROKERS:
        connecting.manifest_of(broker)
    return broker


def _spoken(broker: str) -> str:
    return "all brokers" if broker == ALL_BROKERS else broker
