"""A new connection of a trader to a broker. Secrets come by prompt or from a file, never as arguments."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from brokersync.aws.connections import DynamoConnectionRecords, DynamoConnectionWriter
from brokersync.aws.users import DynamoUsers
from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.errors import UserActionNeededError
from brokersync.domain.feeds import Feed
from brokersync.domain.manifests import Manifest
from brokersync.runtime import RandomIds, SystemClock
from brokersync.services.connect_broker import BadConnectionError
from brokersync.services.connecting import Asked, Connecting
from local.commands.errors import CommandError
from local.commands.stack import Stack

_FIELDS = TypeAdapter(dict[str, str])


def manifest_of(broker: str) -> Manifest:
    """A broker's facts. Raises CommandError naming the brokers there are."""
    try:
        return BrokerCatalog().manifest(broker)
    except ValueError as error:
        raise CommandError(str(error)) from None


def read_credentials(source: Path) -> Mapping[str, str]:
    """Credentials as a JSON object of texts, from a file or (`-`) from stdin. Raises CommandError, quoting nothing."""
    try:
        text = sys.stdin.read() if str(source) == "-" else source.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"credentials: {source} can't be read ({type(error).__name__})") from None
    try:
        return _FIELDS.validate_python(json.loads(text), strict=True)
    except (ValueError, ValidationError):
        raise CommandError(f'credentials: {source} is not a JSON object of texts such as {{"token": "..."}}') from None


def connect(
    stack: Stack,
    manifest: Manifest,
    *,
    user_id: str,
    environment: str,
    credentials: Mapping[str, str],
    broker_account_ids: Sequence[str],
    interval_min: int | None,
) -> Sequence[Feed]:
    """Connect a trader, under the plan on record; returns the new feeds. Raises CommandError for bad input."""
    catalog = BrokerCatalog()
    service = Connecting(
        connections=DynamoConnectionWriter(stack.session, stack.outputs["CredentialsKeyArn"], manifests=catalog),
        records=DynamoConnectionRecords(stack.session),
        feeds=stack.feeds,
        accounts=stack.accounts,
        queue=stack.queue,
        manifests=catalog,
        plans=DynamoUsers(stack.session),
        clock=SystemClock(),
        ids=RandomIds(),
    )
    try:
        return service.connect(
            user_id,
            Asked(
                broker=manifest.slug,
                environment=environment,
                credentials=credentials,
                broker_account_ids=broker_account_ids,
                interval_min=interval_min,
            ),
        )
    except BadConnectionError as error:
        raise CommandError(str(error)) from None
    except UserActionNeededError as error:
        raise CommandError(f"{error.safe_message} {error.next_step}") from None
