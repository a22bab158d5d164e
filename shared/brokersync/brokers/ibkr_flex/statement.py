"""The XML of a statement, read as a stream: one call per element, and no tree. DTDs and entities are refused."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NoReturn
from xml.parsers import expat

from brokersync.domain.errors import BrokerChangedError

_HEAD: Final = 64 * 1024  # bytes within which a document's first element stands

TakeElement = Callable[[list[str]], None]
"""Takes an element by its attributes: name, value, name, value, ..."""


class _RootFound(Exception):  # noqa: N818 (ends the reading, is no error)
    pass


def root_name(body: bytes) -> str:
    """The root element's name; empty when the bytes don't begin like one of IBKR's documents, which have no DOCTYPE."""
    found = ""

    def take(name: str, _: dict[str, str]) -> NoReturn:
        nonlocal found
        found = name
        raise _RootFound

    def stop(*_: object) -> NoReturn:
        raise _RootFound

    parser = expat.ParserCreate()
    parser.StartElementHandler = take
    parser.StartDoctypeDeclHandler = stop
    with suppress(_RootFound, expat.ExpatError):
        parser.Parse(body[:_HEAD], False)
    return found


def read_elements(body: bytes, takers: Mapping[str, TakeElement], otherwise: Callable[[str, list[str]], None]) -> None:
    """Hand every element, in order, to its name's taker, or to `otherwise`.

    Raises BrokerChangedError, saying where, when the document is not whole or has a DTD; the elements before are handed
    over by then.
    """
    parser = expat.ParserCreate()
    parser.ordered_attributes = True

    def take(name: str, attributes: list[str]) -> None:
        taker = takers.get(name)
        if taker is None:
            otherwise(name, attributes)
        else:
            taker(attributes)

    def refuse(*_: object) -> NoReturn:
        raise BrokerChangedError(
            "The statement has a document type declaration, which no statement of IBKR has.",
            detail=f"XML: a document type declaration at line {parser.CurrentLineNumber}; it could expand without end",
        )

    parser.StartElementHandler = take
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code)
        raise BrokerChangedError(
            "The statement is not whole: its XML breaks off or is damaged.",
            detail=f"XML: {problem} at line {error.lineno}, column {error.offset + 1}, of {len(body)} bytes",
        ) from None
