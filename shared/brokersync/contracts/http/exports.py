"""Files to take along."""

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from brokersync.contracts.http.base import Body, Instant
from brokersync.domain.asked import ExportKind


class ExportRequest(Body):
    """What goes into the file: trades by their time, round trips by that of their exit."""

    what: ExportKind
    since: AwareDatetime | None = Field(default=None, alias="from", description="From then on, with its zone.")
    until: AwareDatetime | None = Field(default=None, alias="to", description="Before then, with its zone.")
    symbol: Annotated[str, StringConstraints(max_length=64)] = Field(default="", description="Only this one.")


class Export(Body):
    """A CSV file in UTF-8. Whoever has the address can fetch it, without a token, until `expires_at`."""

    export_id: str
    file_name: str = Field(examples=["oanda-trades-2026-11-20.csv"])
    rows: int
    url: str
    expires_at: Instant
