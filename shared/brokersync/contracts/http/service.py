"""What the service says of itself."""

from pydantic import Field

from brokersync.contracts.http.base import Body


class Health(Body):
    """That the function answers; it asks no other service."""

    status: str = Field(examples=["ok"])
    stage: str = Field(examples=["prod"])
