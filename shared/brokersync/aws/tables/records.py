"""Dataclasses as DynamoDB maps: a field of a domain type is stored under its name, exactly, and read back as it was.

What equals its default is left out; what is missing is read as its default. So a field can be added to a domain type
without touching the tables, as long as it has one.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, Subnormal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pynamodb.constants import BOOLEAN, LIST, MAP, NUMBER, STRING

from brokersync.domain.money import MAX_DIGITS, plain

RawValue = dict[str, Any]  # {"S": "text"}: DynamoDB's own form
RawItem = dict[str, RawValue]

T = TypeVar("T")

# DynamoDB rounds beyond 38 digits without a word; here that is an error.
_EXACT = Context(prec=MAX_DIGITS, Emin=-130, Emax=125, traps=[Inexact, InvalidOperation, Overflow, Subnormal])


def utc_text(moment: datetime) -> str:
    """An aware time as fixed-width ISO 8601 in UTC, so that texts compare as times do. Naive ones raise ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone can't be placed")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def number_text(number: Decimal) -> str:
    """A number as DynamoDB tells it: plain, without trailing zeros. Raises ArithmeticError for one it would round.

    MiniStack compares a repeated transaction with the first one after making that one's numbers plain.
    """
    text = str(number)
    if len(text) <= MAX_DIGITS and text.isascii() and text.lstrip("-").replace(".", "").isdigit():
        # Too short to be rounded, like nearly all.
        return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"
    if not number.is_finite():
        raise InvalidOperation(f"{text} is not a number that can be stored")
    return plain(number.normalize(_EXACT))


class _Form(NamedTuple):
    """How values of one type are stored: DynamoDB's type tag, and the two ways."""

    tag: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


class _Column(NamedTuple):
    name: str
    default: object
    tag: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


class Record(Generic[T]):
    """Stores instances of one dataclass as maps."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        hints = get_type_hints(kind)
        # A record is made of one dataclass each: fields() says nothing about T that mypy could check.
        specs: tuple[Field[Any], ...] = fields(kind)  # type: ignore[arg-type]
        self._columns = [_Column(spec.name, _default(spec), *_form_of(hints[spec.name])) for spec in specs]

    def encode(self, value: T) -> RawItem:
        """The map of a dataclass instance. Raises decimal.Inexact for a number that can't be kept exactly."""
        raw: RawItem = {}
        for name, default, tag, encode, _ in self._columns:
            content = getattr(value, name)
            if content is not None and content != default:
                raw[name] = {tag: encode(content)}
        return raw

    def decode(self, raw: Mapping[str, RawValue]) -> T:
        """The instance of such a map."""
        return self._kind(**{name: decode(raw[name][tag]) for name, _, tag, _, decode in self._columns if name in raw})


def _default(spec: "Field[Any]") -> object:
    if spec.default is not MISSING:
        return spec.default
    return spec.default_factory() if spec.default_factory is not MISSING else MISSING


_SIMPLE: dict[object, _Form] = {
    str: _Form(STRING, str, str),
    bool: _Form(BOOLEAN, bool, bool),
    int: _Form(NUMBER, str, lambda text: int(Decimal(text))),
    Decimal: _Form(NUMBER, number_text, Decimal),
    datetime: _Form(STRING, utc_text, datetime.fromisoformat),
}


def _form_of(hint: Any) -> _Form:  # noqa: ANN401 (a type annotation, whatever it is)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _Form(STRING, str, hint)
    if isinstance(hint, type) and is_dataclass(hint):
        nested: Record[Any] = Record(hint)
        return _Form(MAP, nested.encode, nested.decode)
    if isinstance(hint, UnionType):
        options = [option for option in get_args(hint) if option is not NoneType]
        if len(options) == 1:
            return _form_of(options[0])
    elif get_origin(hint) is Mapping:
        return _mapping(_either(get_args(hint)[1]))
    elif get_origin(hint) is tuple:
        element = _form_of(get_args(hint)[0])
        return _Form(
            LIST,
            lambda values: [{element.tag: element.encode(value)} for value in values],
            lambda raw: tuple(element.decode(value[element.tag]) for value in raw),
        )
    raise TypeError(f"no stored form for {hint}")


def _either(hint: Any) -> dict[type, _Form]:  # noqa: ANN401 (a type annotation, whatever it is)
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    return {option: _form_of(option) for option in options}


def _mapping(forms: dict[type, _Form]) -> _Form:
    """Values of one type, or of several that DynamoDB tells apart (`str | int`)."""
    by_tag = {form.tag: form for form in forms.values()}
    only = next(iter(forms.values())) if len(forms) == 1 else None

    def encode(values: Mapping[str, object]) -> RawItem:
        chosen = {key: only or forms[type(value)] for key, value in values.items()}
        return {key: {chosen[key].tag: chosen[key].encode(value)} for key, value in values.items()}

    def decode(raw: RawItem) -> dict[str, object]:
        return {key: by_tag[tag].decode(value) for key, one in raw.items() for tag, value in one.items()}

    return _Form(MAP, encode, decode)
