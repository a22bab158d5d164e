"""What the API keeps for its users besides their data, in memory: files to take along, answers to repeated requests."""

from datetime import timedelta

from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from brokersync.ports.exports import ExportLink
from brokersync.ports.world import Clock


class FakeExports:
    """Files by the id of their export."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.files: dict[str, bytes] = {}

    def put(self, export_id: str, file_name: str, content: bytes) -> ExportLink:
        self.files[export_id] = content
        url = f"https://files.test/{export_id}.csv"
        return ExportLink(url=url, expires_at=self._clock.now() + timedelta(minutes=15))


class FakeRepeats(BasePersistenceLayer):
    """Powertools' records by their key."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, DataRecord] = {}

    def _get_record(self, idempotency_key: str) -> DataRecord:
        if idempotency_key not in self.records:
            raise IdempotencyItemNotFoundError
        return self.records[idempotency_key]

    def _put_record(self, data_record: DataRecord) -> None:
        known = self.records.setdefault(data_record.idempotency_key, data_record)
        if known is not data_record:
            self._validate_payload(data_record, known)
            raise IdempotencyItemAlreadyExistsError(old_data_record=known)

    def _update_record(self, data_record: DataRecord) -> None:
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        self.records.pop(data_record.idempotency_key, None)
