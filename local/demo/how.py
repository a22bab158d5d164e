"""The ways in which a demo broker can be broken; a module of its own, so that the command line loads nothing else."""

from enum import StrEnum


class How(StrEnum):
    """What a broken broker does to every request."""

    DOWN = "down"
    REFUSED = "refused"
    GARBLED = "garbled"
