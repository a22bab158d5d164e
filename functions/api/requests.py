"""What the API reads of a request's body: JSON, and not too much of it."""

from json import JSONDecodeError
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

MOST_CHARACTERS = 16 * 1024
JSON = "application/json"
_CONTENT_TYPE = "content-type"


class BodyTooLargeError(Exception):
    """The body is larger than any request of this API needs."""


class NotJsonError(Exception):
    """The request says that its body is something else than JSON."""


class JsonEvent(APIGatewayProxyEventV2):
    """A request whose body is read as JSON or not at all.

    Powertools would read forms, too, and stumble over some: it doesn't get to see the content type.
    """

    @property
    def headers(self) -> Any:  # noqa: ANN401 (a mapping without regard to case, which Powertools leaves without a type)
        """The headers but the content type."""
        headers = super().headers
        headers.pop(_CONTENT_TYPE, None)
        return headers

    @property
    def json_body(self) -> Any:  # noqa: ANN401 (JSON, as Powertools types it)
        """The body's JSON. Raises NotJsonError and BodyTooLargeError."""
        content_type = str(super().headers.get(_CONTENT_TYPE) or JSON)
        if content_type.partition(";")[0].strip().lower() != JSON:
            raise NotJsonError
        if len(self.body or "") > MOST_CHARACTERS:
            raise BodyTooLargeError
        try:
            return super().json_body
        except JSONDecodeError:
            raise
        except (ValueError, RecursionError):  # no UTF-8, no base64, or nested without end
            raise JSONDecodeError("is not JSON", "", 0) from None


class JsonResolver(APIGatewayHttpResolver):
    """Powertools validates a body before any middleware is asked, so what is allowed is in the event that it reads."""

    def _to_proxy_event(self, event: dict[str, Any]) -> JsonEvent:
        return JsonEvent(event)
