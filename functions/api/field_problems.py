"""What is wrong with the fields of a request, in the reader's language; never what was sent, which may be a secret."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_lambda_powertools.event_handler.openapi.exceptions import ValidationException

from brokersync.contracts.http import FieldProblem
from brokersync.domain.messages import Locale
from brokersync.services.backfill import BadRangeError
from brokersync.services.connect_broker import BadConnectionError


def of_field(error: BadConnectionError | BadRangeError) -> Sequence[FieldProblem]:
    """The field of a body that a service refuses."""
    return [FieldProblem(field=error.field, location="body", problem=error.problem)]


def of_request(error: ValidationException, locale: Locale) -> Sequence[FieldProblem]:
    """The fields that are not as the document says."""
    return [
        FieldProblem(
            field=".".join(map(str, item["loc"][1:])), location=str(item["loc"][0]), problem=_problem(item, locale)
        )
        for item in error.errors()
    ]


def _problem(item: Mapping[str, Any], locale: Locale) -> str:
    """Pydantic's own sentence in English; in another language that of the error's type, with its bounds."""
    told = _TOLD.get(locale, {}).get(item["type"])
    return told.format_map(_Bounds(item.get("ctx") or {})) if told else str(item["msg"])


class _Bounds(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "?"


_TOLD: Mapping[Locale, Mapping[str, str]] = {
    Locale.FR: {
        "missing": "Champ obligatoire",
        "extra_forbidden": "Ce champ n'existe pas",
        "json_invalid": "Ce n'est pas du JSON valable",
        "string_type": "Doit être un texte",
        "string_too_long": "Au plus {max_length} caractères",
        "string_too_short": "Au moins {min_length} caractères",
        "string_pattern_mismatch": "Doit correspondre à {pattern}",
        "too_long": "Au plus {max_length} éléments",
        "int_type": "Doit être un nombre entier",
        "int_parsing": "Doit être un nombre entier",
        "bool_type": "Doit être true ou false",
        "bool_parsing": "Doit être true ou false",
        "greater_than_equal": "Au moins {ge}",
        "less_than_equal": "Au plus {le}",
        "literal_error": "Doit être {expected}",
        "enum": "Doit être {expected}",
        "datetime_from_date_parsing": "Doit être une date et une heure",
        "datetime_parsing": "Doit être une date et une heure",
        "timezone_aware": "Doit indiquer son fuseau horaire",
        "date_from_datetime_parsing": "Doit être un jour, comme 2026-11-20",
        "date_parsing": "Doit être un jour, comme 2026-11-20",
        "time_zone": "Doit être un fuseau horaire, comme Europe/Paris",
        "cursor": "Doit être le next_cursor de la page précédente de cette liste",
    },
    Locale.VI: {
        "missing": "Trường bắt buộc",
        "extra_forbidden": "Không có trường này",
        "json_invalid": "Không phải JSON hợp lệ",
        "string_type": "Phải là văn bản",
        "string_too_long": "Nhiều nhất {max_length} ký tự",
        "string_too_short": "Ít nhất {min_length} ký tự",
        "string_pattern_mismatch": "Phải khớp với {pattern}",
        "too_long": "Nhiều nhất {max_length} phần tử",
        "int_type": "Phải là số nguyên",
        "int_parsing": "Phải là số nguyên",
        "bool_type": "Phải là true hoặc false",
        "bool_parsing": "Phải là true hoặc false",
        "greater_than_equal": "Ít nhất {ge}",
        "less_than_equal": "Nhiều nhất {le}",
        "literal_error": "Phải là {expected}",
        "enum": "Phải là {expected}",
        "datetime_from_date_parsing": "Phải là ngày và giờ",
        "datetime_parsing": "Phải là ngày và giờ",
        "timezone_aware": "Phải nêu múi giờ",
        "date_from_datetime_parsing": "Phải là ngày, như 2026-11-20",
        "date_parsing": "Phải là ngày, như 2026-11-20",
        "time_zone": "Phải là múi giờ, như Asia/Ho_Chi_Minh",
        "cursor": "Phải là next_cursor của trang trước trong danh sách này",
    },
}
