"""Cursors of paged lists: where a page starts, opaque to clients and good for one kind of list only."""

import base64
import binascii
from collections.abc import Callable
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

MAX_LIMIT = 200
_MAX_POSITION_BYTES = 1024  # of a DynamoDB sort key

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many entries a page has.")]


def encode(kind: str, position: str) -> str | None:
    """The cursor of a position in a list of that kind; None for the empty position at the end."""
    return base64.urlsafe_b64encode(f"{kind}:{position}".encode()).decode().rstrip("=") if position else None


def decoder(kind: str) -> Callable[[str], str]:
    """A reader of that kind's cursors; it returns the position."""

    def decode(cursor: str) -> str:
        if not cursor:
            return ""  # from the beginning
        try:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        found, _, position = text.partition(":")
        if found != kind or not 0 < len(position.encode()) <= _MAX_POSITION_BYTES:
            raise PydanticCustomError("cursor", "Input should be the next_cursor of this list's page before")
        return position

    return decode


_DESCRIPTION = "Where the page starts: `next_cursor` of the page before."
TradesCursor = Annotated[str, Query(description=_DESCRIPTION), AfterValidator(decoder("trades"))]
RoundTripsCursor = Annotated[str, Query(description=_DESCRIPTION), AfterValidator(decoder("round-trips"))]
RunsCursor = Annotated[str, Query(description=_DESCRIPTION), AfterValidator(decoder("runs"))]
