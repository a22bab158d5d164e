"""The process's way to AWS: one botocore session, one client per service, one connection for all tables."""

import gzip
import json
import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from types import new_class
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, overload

from botocore.client import BaseClient
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import MapShape
from botocore.serialize import JSONSerializer
from botocore.session import Session
from pynamodb.connection import Connection, TableConnection
from pynamodb.models import Model

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

TableModel = TypeVar("TableModel", bound=Model)

# The time limits leave room for one lost answer and its repetition inside a run's reserve. Parameters are typed by the
# stubs; checking them again at run time is half the work of a large request. botocore's own user agent is put together
# anew for each request, which is an eighth of a small one's work.
CONFIG = Config(
    connect_timeout=3,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=32,
    parameter_validation=False,
    user_agent="brokersync",
)
CONFLICT_TRIES = 6
CONFLICTS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


def _retry_conflicts(response: tuple[object, Mapping[str, Any]] | None, attempts: int, **_: object) -> float | None:
    """Seconds until a write that met another transaction is tried again; botocore's own retries leave it out.

    The same request goes again, so a transaction keeps its token and can't take effect twice.
    """
    if response is None or attempts >= CONFLICT_TRIES:
        return None
    answer = response[1]
    code = answer.get("Error", {}).get("Code")
    if code == "TransactionCanceledException":
        codes = {reason["Code"] for reason in answer.get("CancellationReasons", ())} - {"None"}
        conflict = bool(codes) and codes <= CONFLICTS
    else:
        conflict = code == "TransactionConflictException"
    return random.uniform(0.0, 0.02 * 2**attempts) if conflict else None  # noqa: S311 (spreads retries, no secret)


class _JsonFiles(JSONFileLoader):
    """Reads botocore's models into plain dicts: building OrderedDicts takes a seventh of the time of three clients.

    Each file once per process, as botocore does per session: it reads them, and what it adds is the same each time.
    """

    def load_file(self, file_path: str) -> object:
        return _load_json(file_path)


@cache
def _load_json(file_path: str) -> object:
    plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
    if plain.is_file():
        return json.loads(plain.read_bytes())
    return json.loads(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


class _ServiceModels(Loader):
    """Takes every folder of the data path for a service; botocore looks through all 400 of them to know."""

    def __init__(self) -> None:
        super().__init__(file_loader=_JsonFiles())
        paths = [Path(path) for path in self.search_paths]
        self._services = [folder.name for path in paths if path.is_dir() for folder in path.iterdir()]

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 (botocore's signature)
        return self._services

    def load_service_model(self, service_name: str, type_name: str, api_version: str | None = None) -> dict[str, Any]:
        """The model, but that of DynamoDB doesn't search requests for tables that are named by ARN.

        Ours are named by name, and searching a large transaction takes as long as sending it.
        """
        model: dict[str, Any] = super().load_service_model(service_name, type_name, api_version)
        if service_name == "dynamodb":
            for operation in model.get("operations", {}).values():
                operation.pop("operationContextParams", None)
        return model


class _DynamoSerializer(JSONSerializer):
    """Takes items and values as they are, `{"id": {"S": "text"}}`: walking them again is half of a large request."""

    def _serialize_type_map(
        self, serialized: dict[str, object], value: Mapping[str, Mapping[str, object]], shape: MapShape, key: str
    ) -> None:
        if shape.value.name == "AttributeValue" and not any("B" in one for one in value.values()):
            serialized[key] = value
        else:
            super()._serialize_type_map(serialized, value, shape, key)  # type: ignore[misc]  # the stubs lack it


class AwsSession:
    """One per process, made at its start and shared by all threads. It honours AWS_ENDPOINT_URL, as botocore does."""

    def __init__(self, *, region: str | None = None, table_prefix: str = "") -> None:
        """`region` None takes the process's own (AWS_REGION); `table_prefix` starts every table's name."""
        self._region = region
        self._table_prefix = table_prefix
        self._session = Session()
        self._session.register_component("data_loader", _ServiceModels())
        self._clients: dict[str, BaseClient] = {}
        self._making = Lock()  # botocore makes clients one at a time only
        self._tables = _SharedConnection(self)
        self._bound: dict[type[Model], type[Model]] = {}  # pynamodb looks through a new model at length

    @overload
    def client(self, name: Literal["dynamodb"]) -> "DynamoDBClient": ...
    @overload
    def client(self, name: Literal["events"]) -> "EventBridgeClient": ...
    @overload
    def client(self, name: Literal["kms"]) -> "KMSClient": ...
    @overload
    def client(self, name: Literal["s3"]) -> "S3Client": ...
    @overload
    def client(self, name: Literal["sqs"]) -> "SQSClient": ...
    def client(self, name: str) -> object:
        """The client of a service, made when it is first asked for; safe to use from several threads.

        Ask for it where it is used: most syncs need DynamoDB only, and S3's models alone take as long as such a sync.
        """
        with self._making:
            if name not in self._clients:
                self._clients[name] = self._make(name)
            return self._clients[name]

    def _make(self, name: str) -> BaseClient:
        made = self._session.create_client(name, region_name=self._region, config=CONFIG)
        if name == "dynamodb":
            made.meta.events.register("needs-retry.dynamodb", _retry_conflicts)  # type: ignore[arg-type]  # it answers
            made._serializer = _DynamoSerializer()  # type: ignore[attr-defined]  # there is no other way in
        return made

    def table(self, model: type[TableModel]) -> type[TableModel]:
        """The model bound to its table of this session, under the prefix: the model itself stays as it is."""
        if model not in self._bound:
            self._bound[model] = self._bind(model)
        return cast("type[TableModel]", self._bound[model])

    def _bind(self, model: type[TableModel]) -> type[TableModel]:
        name = self._table_prefix + model.Meta.table_name
        meta = type("Meta", (cast("type", model.Meta),), {"table_name": name})
        bound = cast(
            "type[TableModel]", new_class(model.__name__, (model,), exec_body=lambda body: body.update(Meta=meta))
        )
        bound._connection = self._tables.of(bound)
        return bound


class _SharedConnection(Connection):
    """pynamodb's connection on the session's client; left to itself it makes a session and a client per model."""

    def __init__(self, owner: AwsSession) -> None:
        super().__init__()
        self._owner = owner

    @property
    def client(self) -> "DynamoDBClient":  # type: ignore[override]  # pynamodb declares its private protocol
        return self._owner.client("dynamodb")

    def of(self, model: type[Model]) -> TableConnection:
        """The view of one table through this connection."""
        view = model._get_connection()
        self._tables.setdefault(view.table_name, view.get_meta_table())
        view.connection = self
        return view
