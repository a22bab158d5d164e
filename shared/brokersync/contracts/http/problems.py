"""Errors, as RFC 9457 problem documents."""

from pydantic import Field

from brokersync.contracts.http.base import Body
from brokersync.contracts.http.chosen import Limit


class Problem(Body):
    """An error as an RFC 9457 problem document. `code` never changes its meaning; `next_step` is for the trader."""

    type: str = Field(examples=["urn:brokersync:problem:not_found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is nothing under this address."])
    code: str = Field(examples=["not_found"])
    next_step: str = Field(examples=["Check the id: GET /trading-accounts lists your accounts."])
    instance: str = Field(
        description="Names this occurrence: the request id of the log lines.",
        examples=["urn:uuid:5f0c2b1e-8b0a-4a58-9b5c-0d6b6a1f2c3d"],
    )
    errors: tuple["FieldProblem", ...] = Field(default=(), description="Which fields were wrong, and how.")
    limit: Limit | None = Field(default=None, description="The limit that is used up.")


class FieldProblem(Body):
    """One field of a request and what is wrong with its value."""

    field: str = Field(examples=["limit"])
    location: str = Field(examples=["query"])
    problem: str = Field(examples=["Input should be less than or equal to 200"])
