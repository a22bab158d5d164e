"""What the functions are told by their environment: the only reader of os.environ."""

import json
import os
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError


class SettingsError(Exception):
    """The environment lacks a setting or has one that can't be read; names the variable."""


def _read_endpoints(value: object) -> object:
    return json.loads(value) if isinstance(value, str) and value.strip() else {}


class DispatcherSettings(BaseModel):
    """What functions/dispatcher needs."""

    model_config = ConfigDict(frozen=True)

    table_prefix: str = Field(min_length=1)
    sync_queue_url: str = Field(min_length=1)
    backfill_queue_url: str = Field(min_length=1)


class ApiSettings(DispatcherSettings):
    """What functions/api needs. The page signs in at `sign_in_issuer`; `sign_in_origins` are parted by spaces."""

    stage: str = Field(min_length=1)
    kms_key_id: str = Field(min_length=1)
    export_bucket: str = Field(min_length=1)
    sign_in_issuer: str = Field(min_length=1)
    sign_in_client_id: str = Field(min_length=1)
    sign_in_scope: str = Field(min_length=1)
    sign_in_origins: str = ""


class SyncSettings(DispatcherSettings):
    """What functions/sync needs. `broker_endpoints` replaces brokers' addresses, by `slug:environment` (laptop)."""

    snapshot_bucket: str = Field(min_length=1)
    event_bus_name: str = Field(min_length=1)
    kms_key_id: str = Field(min_length=1)
    broker_endpoints: Annotated[dict[str, str], BeforeValidator(_read_endpoints)] = Field(default_factory=dict)


AnySettings = TypeVar("AnySettings", bound=BaseModel)


def load(model: type[AnySettings]) -> AnySettings:
    """Read a function's settings. Raises SettingsError naming each variable that is missing or wrong."""
    values = {name: os.environ[name.upper()] for name in model.model_fields if name.upper() in os.environ}
    try:
        return model.model_validate(values)
    except (ValidationError, json.JSONDecodeError) as error:
        if isinstance(error, ValidationError):
            problems = [f"{str(item['loc'][0]).upper()}: {item['msg']}" for item in error.errors()]
        else:
            problems = [f"BROKER_ENDPOINTS: not JSON ({error.msg})"]
        raise SettingsError(f"environment of {model.__name__}: {'; '.join(problems)}") from None
