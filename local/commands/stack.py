"""The running stack that a command works on, and the ports to it."""

import os
from collections.abc import Mapping
from functools import cached_property

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from brokersync.aws.accounts import DynamoAccounts
from brokersync.aws.feeds import DynamoFeeds
from brokersync.aws.queue import SqsSyncQueue
from brokersync.aws.session import AwsSession
from local.commands.errors import CommandError
from local.stack.emulator import forget_machine_settings
from local.stack.running import find


class Stack:
    """A stack's outputs and adapters. All of it goes to the laptop's AWS, or all of it to the real one."""

    def __init__(self, name: str, traders: Mapping[str, str]) -> None:
        """`traders` are user ids by a name that is easier to type; only the laptop has such names."""
        self.name = name
        self.traders = traders

    @classmethod
    def named(cls, name: str) -> "Stack":
        """The stack of that name on AWS, by the ordinary credentials; without a name the one of `make run`.

        Raises CommandError when there is none.
        """
        if name:
            return cls(name, {})
        running = find()
        if running is None:
            raise CommandError("no stack runs on this machine: start one by `make run`, or name one on AWS by --stack")
        forget_machine_settings()
        os.environ.update(running.environment)
        return cls(running.name, running.traders)

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs. Raises CommandError when there is no such stack or no right to look."""
        try:
            answer = boto3.client("cloudformation").describe_stacks(StackName=self.name)
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"stack {self.name}: {error}") from None
        return {output["OutputKey"]: output["OutputValue"] for output in answer["Stacks"][0].get("Outputs", [])}

    @cached_property
    def session(self) -> AwsSession:
        """The way to the stack's tables, queues and key, for the adapters."""
        return AwsSession(table_prefix=self.outputs["TablePrefix"])

    @cached_property
    def feeds(self) -> DynamoFeeds:
        """The feeds."""
        return DynamoFeeds(self.session)

    @cached_property
    def accounts(self) -> DynamoAccounts:
        """The trading accounts."""
        return DynamoAccounts(self.session)

    @cached_property
    def queue(self) -> SqsSyncQueue:
        """The job queues."""
        return SqsSyncQueue(self.session, self.outputs["SyncJobsQueueUrl"], self.outputs["SyncBackfillQueueUrl"])

    def user_id(self, text: str) -> str:
        """A trader's user id, from the id itself or from the laptop's name for it."""
        return self.traders.get(text, text)
