"""What a trader can ask for, and what becomes of it: the words that API, services and files share."""

from enum import StrEnum


class AskedState(StrEnum):
    """What became of a wish for a sync: a job waits or runs, none is needed, or none could succeed."""

    QUEUED = "queued"
    RUNNING = "running"
    FRESH = "fresh"
    RECONNECT_NEEDED = "reconnect_needed"


class ReviewDecision(StrEnum):
    """What the trader says of an answer that contradicts what we hold: it is true, or it is to be read again."""

    ACCEPT = "accept"
    READ_AGAIN = "read_again"


class ExportKind(StrEnum):
    """What an exported file has a row of."""

    TRADES = "trades"
    ROUND_TRIPS = "round_trips"
