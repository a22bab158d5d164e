"""Tables, snapshots and keys: what the laptop's AWS ignores without a word has to be right here."""

import importlib
import pkgutil
from typing import Any

import pytest
from pynamodb.models import Model

import brokersync.aws.tables
from brokersync.contracts.snapshots import Retention
from tests.template.reading import resources, text_of, written

TABLES = {text_of(table["TableName"]): table for table in resources(written(), "AWS::DynamoDB::Table").values()}
KEPT = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"}


def models() -> dict[str, type[Model]]:
    """The pynamodb models by their table's name in the stack."""
    found: dict[str, type[Model]] = {}
    for module in pkgutil.iter_modules(brokersync.aws.tables.__path__, f"{brokersync.aws.tables.__name__}."):
        for thing in vars(importlib.import_module(module.name)).values():
            if isinstance(thing, type) and issubclass(thing, Model) and hasattr(thing, "Meta"):
                found[f"brokersync-{thing.Meta.table_name}"] = thing
    return found


MODELS = models()
each_table = pytest.mark.parametrize("name", sorted(TABLES))


def keys(schema: list[dict[str, str]]) -> dict[str, str]:
    """Attribute by key type (HASH, RANGE)."""
    return {key["KeyType"]: key["AttributeName"] for key in schema}


def shape(properties: dict[str, Any]) -> dict[str, Any]:
    """A table's keys and indexes in CloudFormation's words, without the order in which they are written."""
    return {
        "keys": keys(properties["KeySchema"]),
        "types": {one["AttributeName"]: one["AttributeType"] for one in properties["AttributeDefinitions"]},
        "indexes": {
            index["IndexName"]: (
                keys(index["KeySchema"]),
                index["Projection"]["ProjectionType"],
                sorted(index["Projection"].get("NonKeyAttributes", ())),
            )
            for index in properties.get("GlobalSecondaryIndexes", ())
        },
    }


def shape_of(model: type[Model]) -> dict[str, Any]:
    """The same of a pynamodb model, which says it half in Python's words."""
    schema = model._get_schema()
    indexes = [
        {"IndexName": i["index_name"], "KeySchema": i["key_schema"], "Projection": i["projection"]}
        for i in schema["global_secondary_indexes"]
    ]
    return shape(
        {
            "KeySchema": schema["key_schema"],
            "AttributeDefinitions": schema["attribute_definitions"],
            "GlobalSecondaryIndexes": indexes,
        }
    )


def test_every_table_has_a_model_and_every_model_a_table() -> None:
    # given the template's tables and the code's models; then they are the same
    assert set(MODELS) == set(TABLES)


@each_table
def test_a_table_has_the_keys_and_indexes_of_its_model(name: str) -> None:
    # given a table and its model; then keys, their types, indexes and what these project are the same
    assert shape(TABLES[name]) == shape_of(MODELS[name])


@each_table
def test_a_table_is_paid_by_request_encrypted_and_can_be_restored(name: str) -> None:
    # given a table; then it has no capacity to plan, is encrypted and can go back to any second
    assert TABLES[name]["BillingMode"] == "PAY_PER_REQUEST"
    assert TABLES[name]["SSESpecification"]["SSEEnabled"] is True
    assert TABLES[name]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    # and nobody deletes production by mistake
    assert TABLES[name]["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}


def test_rows_expire_where_their_model_says_so() -> None:
    # given the tables whose rows expire, and the models that have a time for it
    expiring = {name: t["TimeToLiveSpecification"] for name, t in TABLES.items() if "TimeToLiveSpecification" in t}
    # then they are the same, and trades never expire
    assert set(expiring) == {name for name, model in MODELS.items() if "expires_at" in model.get_attributes()}
    assert set(expiring) == {"brokersync-sync_runs", "brokersync-limits", "brokersync-idempotency"}
    assert all(ttl == {"AttributeName": "expires_at", "Enabled": True} for ttl in expiring.values())


def test_what_holds_data_outlives_the_stack() -> None:
    # given all that holds data, and the keys that it can be read with
    holding = {name: r for name, r in written()["Resources"].items() if r["Type"] in KEPT}
    assert len(holding) == len(TABLES) + 4
    # then deleting or replacing it in the stack leaves it where it is
    assert {resource["DeletionPolicy"] for resource in holding.values()} == {"RetainExceptOnCreate"}
    assert {resource["UpdateReplacePolicy"] for resource in holding.values()} == {"Retain"}


def the_bucket() -> dict[str, Any]:
    return resources(written(), "AWS::S3::Bucket")["SnapshotBucket"]


def test_i1_snapshots_that_nothing_cites_expire_and_the_others_stay() -> None:
    # given the lifecycle rules by their tag
    rules = the_bucket()["LifecycleConfiguration"]["Rules"]
    by_tag = {rule["TagFilters"][0]["Value"]: rule for rule in rules if "TagFilters" in rule}
    assert {rule["TagFilters"][0]["Key"] for rule in by_tag.values()} == {"retention"}
    assert set(by_tag) == {retention.value for retention in Retention}
    assert {rule["Status"] for rule in rules} == {"Enabled"}
    # then short ones go, after a month at the earliest
    assert by_tag["short"]["ExpirationInDays"] == {"Ref": "SnapshotRetentionDays"}
    assert written()["Parameters"]["SnapshotRetentionDays"]["MinValue"] >= 30
    # and long ones only move to cheaper storage
    assert not {"ExpirationInDays", "ExpirationDate"} & by_tag["long"].keys()
    # and what is neither (old versions, aborted uploads) is cleared away, without touching a current object
    (leftovers,) = [rule for rule in rules if "TagFilters" not in rule]
    assert leftovers.keys() - {"Id", "Status"} == {
        "ExpiredObjectDeleteMarker",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
    }


def test_the_bucket_is_private_versioned_and_encrypted_with_our_key() -> None:
    # given the bucket; then nothing in it can be made public
    assert set(the_bucket()["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(the_bucket()["PublicAccessBlockConfiguration"]) == 4
    assert the_bucket()["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert the_bucket()["VersioningConfiguration"] == {"Status": "Enabled"}
    # and it is encrypted with our key, asked once in a while and not for every object
    (encryption,) = the_bucket()["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert text_of(encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]) == "StorageKey.Arn"
    assert encryption["BucketKeyEnabled"] is True


def test_every_bucket_talks_by_tls_only_wherever_there_is_tls() -> None:
    # given the buckets and their policies
    policies = resources(written(), "AWS::S3::BucketPolicy")
    assert {policy["Bucket"]["Ref"] for policy in policies.values()} == set(resources(written(), "AWS::S3::Bucket"))
    # then each denies all that comes without TLS
    for name, policy in policies.items():
        assert written()["Resources"][name]["Condition"] == "HasTls"
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Deny"
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_exports_are_private_and_gone_within_days() -> None:
    # given the bucket of files that traders take along
    bucket = resources(written(), "AWS::S3::Bucket")["ExportBucket"]
    # then nothing in it can be made public, and it is encrypted by S3 itself
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    # and each file goes after a day, without a version that would outlive it
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["exports-go"] == {"Id": "exports-go", "Status": "Enabled", "Prefix": "exports/", "ExpirationInDays": 1}
    assert "VersioningConfiguration" not in bucket


def test_keys_rotate() -> None:
    # given both keys; then AWS changes their material every year
    keys_ = resources(written(), "AWS::KMS::Key")
    assert set(keys_) == {"CredentialsKey", "StorageKey"}
    assert all(key["EnableKeyRotation"] is True for key in keys_.values())


def test_i7_services_can_use_the_storage_key_but_never_that_of_credentials() -> None:
    # given the keys' policies; then the key of credentials is left to the account's own roles
    policies = {n: k["KeyPolicy"]["Statement"] for n, k in resources(written(), "AWS::KMS::Key").items()}
    assert [set(statement["Principal"]) for statement in policies["CredentialsKey"]] == [{"AWS"}]
    # and every service that may use the other one is held to this account
    of_services = [s for s in policies["StorageKey"] if "Service" in s["Principal"]]
    assert len(of_services) == 2
    assert all("Condition" in statement for statement in of_services)
