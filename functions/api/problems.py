"""Problem documents (RFC 9457): what each says to the caller, without anything of the inside."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from aws_lambda_powertools.event_handler import Response

from brokersync.contracts.http import FieldProblem, Limit, Problem
from brokersync.domain.messages import Locale

from .problem_codes import STATUS, ProblemCode
from .wordings import WORDINGS

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """What one problem says beyond its code. Empty: as always."""

    detail: str = ""
    next_step: str = ""
    errors: Sequence[FieldProblem] = ()
    limit: Limit | None = None
    headers: dict[str, str] = field(default_factory=dict)


AS_ALWAYS = Occurrence()


def respond(code: ProblemCode, instance: str, locale: Locale, occurrence: Occurrence = AS_ALWAYS) -> Response[str]:
    """The answer with a problem document. `instance` is the request's id, by which its log lines are found."""
    wording = WORDINGS[locale][code]
    body = Problem(
        type=f"urn:brokersync:problem:{code}",
        title=wording.title,
        status=STATUS[code],
        detail=occurrence.detail or wording.detail,
        code=code,
        next_step=occurrence.next_step or wording.next_step,
        instance=f"urn:uuid:{instance}",
        errors=tuple(occurrence.errors),
        limit=occurrence.limit,
    )
    return Response(
        status_code=STATUS[code],
        content_type=CONTENT_TYPE,
        body=body.model_dump_json(exclude_defaults=True),
        headers={"Cache-Control": "no-store", "Content-Language": locale.value, **occurrence.headers},
    )


def retry_after(moment: datetime, now: datetime) -> dict[str, str]:
    """The header that says when to ask again: whole seconds, at least one."""
    return {"Retry-After": str(max(1, math.ceil((moment - now).total_seconds())))}
