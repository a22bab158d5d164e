"""How large an item is by DynamoDB's rules: writes are charged by the kilobyte, transactions end at 4 MB."""

from collections.abc import Mapping

from brokersync.aws.tables.records import RawValue


def item_size(raw: Mapping[str, RawValue]) -> int:
    """Bytes of an item: its attributes' names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in raw.items())


def _value_size(value: RawValue) -> int:
    ((tag, content),) = value.items()
    match tag, content:
        case "S", str():
            return len(content.encode())
        case "N", str():
            digits = content.lstrip("-").replace(".", "").strip("0")
            return (len(digits) + 1) // 2 + 1 + content.startswith("-")
        case "B", bytes():
            return len(content)
        case "M", dict():
            return 3 + sum(1 + len(name.encode()) + _value_size(one) for name, one in content.items())
        case "L", list():
            return 3 + sum(1 + _value_size(one) for one in content)
        case "SS", list() | set():
            return sum(len(one.encode()) for one in content)
        case _:
            return 1  # true, false, null
