"""Files that a trader takes along."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLink:
    """Where a file can be fetched, without a token and by whoever has the address, until `expires_at` (aware UTC)."""

    url: str
    expires_at: datetime


class Exports(Protocol):
    """Where exports lie until they are fetched; they delete themselves."""

    def put(self, export_id: str, file_name: str, content: bytes) -> ExportLink:
        """Store a CSV file; fetched, it is called `file_name`."""
        ...
