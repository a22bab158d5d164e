"""Amounts: Decimal from the broker's text to the table, never through a float."""

from decimal import Decimal, InvalidOperation

MAX_DIGITS = 38  # what a DynamoDB number holds
MAX_EXPONENT, MIN_EXPONENT = 125, -130


class BadNumberError(ValueError):
    """A number that can't be kept exactly; names the field and what is wrong with its value."""

    def __init__(self, field: str, value: object, problem: str) -> None:
        self.field, self.value, self.problem = field, value, problem
        super().__init__(f"{field}: {str(value)[:60]!r} {problem}")


def decimal_from(value: object, field: str) -> Decimal:
    """The exact Decimal of a broker's text, int or Decimal. Raises BadNumberError for anything that isn't one."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise BadNumberError(field, value, f"is a {type(value).__name__}, not an exact number")
    if isinstance(value, str) and "_" in value:
        raise BadNumberError(field, value, "is not a number")  # Python's own separator, no broker's
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise BadNumberError(field, value, "is not a number") from None
    if not number.is_finite():
        raise BadNumberError(field, value, "is not a finite number")
    # A short text has no room for too many digits, and counting them costs more than all the rest.
    short = isinstance(value, str) and len(value) <= MAX_DIGITS
    if not (short or _digits(number) <= MAX_DIGITS) or not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise BadNumberError(field, value, f"has more than the {MAX_DIGITS} digits that can be stored exactly")
    return number


def _digits(number: Decimal) -> int:
    """Significant digits. Not by number.normalize(): it rounds to the context's 28 digits."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def plain(number: Decimal) -> str:
    """A number as text, without exponent and without trailing zeros: equal numbers give equal texts."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
