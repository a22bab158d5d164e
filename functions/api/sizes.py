"""How large a request may be."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

MOST_CHARACTERS = 16 * 1024


class BodyTooLargeError(Exception):
    """The body is larger than any request of this API needs."""


class SizedEvent(APIGatewayProxyEventV2):
    """A request whose body is looked at only if it isn't too large."""

    @property
    def json_body(self) -> Any:  # noqa: ANN401 (JSON, as Powertools types it)
        """The body's JSON. Raises BodyTooLargeError."""
        if len(self.body or "") > MOST_CHARACTERS:
            raise BodyTooLargeError
        return super().json_body


class SizedResolver(APIGatewayHttpResolver):
    """Powertools validates a body before any middleware is asked, so the limit is in the event that it reads."""

    def _to_proxy_event(self, event: dict[str, Any]) -> SizedEvent:
        return SizedEvent(event)
