"""An AWS in memory (moto) for the adapters."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from brokersync.aws.session import AwsSession
from tests.unit.aws.tables.made import MODELS

PREFIX = "test-"


@pytest.fixture
def aws() -> Iterator[AwsSession]:
    """A session on an empty AWS; nothing is made in it."""
    with mock_aws():
        yield AwsSession(region="us-east-1", table_prefix=PREFIX)


@pytest.fixture
def tables(aws: AwsSession) -> AwsSession:
    """A session on an AWS with every table of the stack, empty."""
    for model in MODELS:
        aws.table(model).create_table(ignore_update_ttl_errors=False)
    return aws
