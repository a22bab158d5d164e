"""JSON as brokers send it, read without losing a digit: numbers become Decimal, and nothing odd passes unseen.

NaN and Infinity are no JSON, a key that is there twice would hide a value, and a cut answer is no answer: each raises
BrokerChangedError saying what was read and where it broke.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from brokersync.domain.errors import BrokerChangedError

JsonObject = dict[str, object]
_Model = TypeVar("_Model", bound=BaseModel)
_CONSTANT = re.compile(r'(?:"((?:[^"\\]|\\.)*)"\s*:|[\[,])\s*(NaN|-?Infinity)')
_SHOWN_PROBLEMS = 3


class _TwiceError(ValueError):
    """A key is there twice: one of its values would be lost."""


class _ConstantError(ValueError):
    """NaN or an infinity, which Python's decoder takes for numbers."""


def decode(body: bytes, what: str) -> object:
    """The value of a JSON text; `what` names the answer in the error. Raises BrokerChangedError."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(what, f"is not UTF-8 text: {error.reason} at byte {error.start}") from None
    if not text.strip():
        raise _broken(what, "is empty")
    try:
        value: object = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_refuse_twice
        )
    except json.JSONDecodeError as error:
        raise _broken(what, _place(text, error)) from None
    except _ConstantError as error:
        raise _broken(what, f"has {error}, which is not a number{_constant_place(text)}") from None
    except _TwiceError as error:
        raise _broken(what, f"has the key {error} twice in one object") from None
    except (ValueError, RecursionError) as error:
        raise _broken(what, f"can't be read: {error}") from None
    return value


def an_object(value: object, what: str) -> JsonObject:
    """The value, which has to be a JSON object. Raises BrokerChangedError."""
    if not isinstance(value, dict):
        raise _broken(what, f"is {_kind(value)}, not an object")
    return value


def a_list(value: object, what: str) -> list[object]:
    """The value, which has to be a JSON array. Raises BrokerChangedError."""
    if not isinstance(value, list):
        raise _broken(what, f"is {_kind(value)}, not a list")
    return value


def validated(model: type[_Model], value: object, what: str) -> _Model:
    """The value as a model. Raises BrokerChangedError naming the fields and what is wrong with them."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _broken(what, problems(error)) from None


def problems(error: ValidationError) -> str:
    """The fields of a failed validation and what is wrong with each, in one line."""
    found = error.errors(include_url=False, include_context=False)
    shown = [f"{'.'.join(map(str, one['loc'])) or 'value'}: {_without_prefix(one['msg'])}" for one in found]
    more = f" (and {len(shown) - _SHOWN_PROBLEMS} more)" if len(shown) > _SHOWN_PROBLEMS else ""
    return "; ".join(shown[:_SHOWN_PROBLEMS]) + more


def _without_prefix(message: str) -> str:
    return message.removeprefix("Value error, ")


def _refuse_constant(name: str) -> NoReturn:
    raise _ConstantError(name)


def _refuse_twice(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _TwiceError(repr(twice[:60]))
    return made


def _place(text: str, error: json.JSONDecodeError) -> str:
    if text.lstrip().startswith("<"):
        return "is HTML or XML, not JSON"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"is cut off: the JSON ends in the middle, after {len(text)} characters"
    return f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}"


def _constant_place(text: str) -> str:
    match = _CONSTANT.search(text)
    if match is None:
        return ""
    line = text.count("\n", 0, match.start(2)) + 1
    column = match.start(2) - text.rfind("\n", 0, match.start(2))
    named = f" in {match.group(1)[:60]!r}" if match.group(1) else ""
    return f"{named} at line {line} column {column}"


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "a text"
        case int() | Decimal():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"


def _broken(what: str, problem: str) -> BrokerChangedError:
    return BrokerChangedError(f"{what} {problem}.")
