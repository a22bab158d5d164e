"""Where answers are kept for requests that are sent again: Powertools' own layout, in our table."""

from typing import TYPE_CHECKING

from brokersync.aws.session import AwsSession
from brokersync.aws.tables.idempotency import IdempotencyItem

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer


def idempotency_store(session: AwsSession) -> "DynamoDBPersistenceLayer":
    """A store over the table `idempotency`. Loads boto3, so only who needs it asks."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return DynamoDBPersistenceLayer(
        table_name=session.table(IdempotencyItem).Meta.table_name,
        key_attr=IdempotencyItem.idempotency_key.attr_name,
        expiry_attr=IdempotencyItem.expires_at.attr_name,
        boto3_client=session.client("dynamodb"),
    )
