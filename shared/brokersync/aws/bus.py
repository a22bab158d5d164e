"""The event bus for what somebody acts on. Events may come twice: consumers go by `event_id`."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from brokersync.aws.batches import send_in_batches
from brokersync.aws.session import AwsSession
from brokersync.contracts.events import SOURCE
from brokersync.domain.errors import ErrorCode, RetryLaterError
from brokersync.domain.feeds import Announcement

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


class EventBridgeBus:
    """ports.Bus. Needs events:PutEvents on the bus."""

    def __init__(self, session: AwsSession, bus_name: str) -> None:
        self._session = session
        self._bus_name = bus_name

    def send(self, announcements: Sequence[Announcement]) -> None:
        """Send events; those that the bus refuses are sent again. Raises RetryLaterError (internal) if one was not.

        Ten of them stay far under the bus's 256 KB a request: a feed holds them in its 1 KB until they are sent.
        """
        try:
            left = send_in_batches(announcements, self._put)
        except (BotoCoreError, ClientError) as error:
            raise RetryLaterError(
                ErrorCode.INTERNAL, "The event bus can't be reached.", detail=f"PutEvents: {type(error).__name__}"
            ) from error
        if left:
            raise RetryLaterError(
                ErrorCode.INTERNAL,
                "Some events could not be sent.",
                detail=f"{len(left)} of {len(announcements)} not sent",
            )

    @property
    def _events(self) -> "EventBridgeClient":
        return self._session.client("events")

    def _put(self, batch: Sequence[Announcement]) -> Sequence[Announcement]:
        answer = self._events.put_events(
            Entries=[
                {
                    "EventBusName": self._bus_name,
                    "Source": SOURCE,
                    "DetailType": one.detail_type,
                    "Detail": json.dumps({"event_id": one.event_id, **one.detail}),
                }
                for one in batch
            ]
        )
        if not answer["FailedEntryCount"]:
            return []
        return [one for one, result in zip(batch, answer["Entries"], strict=True) if "ErrorCode" in result]
