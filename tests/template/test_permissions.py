"""Permissions: each function has a role of its own, written out: the verbs that it uses on what it uses them on."""

import json

import pytest

from tests.template.reading import deployed, resources, statements, written

ROLES = resources(deployed(), "AWS::IAM::Role")
FUNCTIONS = resources(written(), "AWS::Serverless::Function")
X_RAY = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}

each_role = pytest.mark.parametrize("name", sorted(ROLES))


def granted(role: str, prefix: str = "") -> set[str]:
    """The actions that a role allows, of one service."""
    return {action for one in statements(ROLES[role]) for action in one["Action"] if action.startswith(prefix)}


def test_each_function_has_a_role_of_its_own() -> None:
    # given the functions' roles
    used = [function["Role"]["Fn::GetAtt"][0] for function in FUNCTIONS.values()]
    # then no two share one, and there is none but these and the schedule's (SAM made none)
    assert sorted([*used, "ScheduleRole"]) == sorted(ROLES)


@each_role
def test_a_role_is_written_out(name: str) -> None:
    # given a role; then no managed policy widens it
    assert "ManagedPolicyArns" not in ROLES[name]
    # and every statement allows named actions, on named things
    for statement in statements(ROLES[name]):
        assert statement["Effect"] == "Allow"
        assert not [action for action in statement["Action"] if "*" in action]
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) == X_RAY, "only X-Ray knows no resources"


@each_role
def test_nobody_scans_and_nobody_deletes(name: str) -> None:
    # given a role; then it can't read a whole table, and data, queues and keys are safe from it
    forbidden = ("Scan", "DeleteItem", "DeleteObject", "DeleteTable", "Purge", "BatchWrite", "PartiQL")
    assert not [action for action in granted(name) if any(word in action for word in forbidden)]


def test_i7_only_the_sync_can_decrypt_credentials() -> None:
    # given all roles; then the right to decrypt, and that on the key of credentials alone, is the sync's
    decrypting = {
        (name, resource)
        for name, role in ROLES.items()
        for statement in statements(role)
        if "kms:Decrypt" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert decrypting == {("SyncRole", "CredentialsKey.Arn")}
    # and who can read the connections and the wrapped keys is the sync alone
    for table in ("ConnectionsTable", "DataKeysTable"):
        assert [name for name, role in ROLES.items() if table in json.dumps(role["Policies"])] == ["SyncRole"]


def test_the_sync_writes_snapshots_and_never_reads_them() -> None:
    # given the sync's rights in S3; then it stores and tags under snapshots/, and does nothing else
    (statement,) = [one for one in statements(ROLES["SyncRole"]) if one["Action"][0].startswith("s3:")]
    assert set(statement["Action"]) == {"s3:PutObject", "s3:PutObjectTagging"}
    assert statement["Resource"] == ["${SnapshotBucket.Arn}/snapshots/*"]


def test_the_dispatcher_writes_nothing_but_its_position() -> None:
    # given the dispatcher's rights in DynamoDB
    by_resource = {
        resource: set(one["Action"])
        for one in statements(ROLES["DispatcherRole"])
        for resource in one["Resource"]
        if one["Action"][0].startswith("dynamodb:")
    }
    # then it reads one index, and moves its position; a feed it can neither read nor write
    assert by_resource == {
        "${FeedsTable.Arn}/index/due": {"dynamodb:Query"},
        "SchedulerTable.Arn": {"dynamodb:GetItem", "dynamodb:UpdateItem"},
    }


def test_feeds_and_connections_are_never_written_as_a_whole() -> None:
    # given everybody's rights on the shared tables; then only updates with a condition are possible
    for table in ("FeedsTable.Arn", "ConnectionsTable.Arn"):
        writes = {
            action
            for role in ROLES.values()
            for one in statements(role)
            if table in one["Resource"]
            for action in one["Action"]
        }
        assert "dynamodb:PutItem" not in writes
        assert "dynamodb:UpdateItem" in writes


def test_the_api_can_read_and_wish_but_not_store() -> None:
    # given the API's rights; then it has none on keys, buckets and buses
    assert {action.split(":")[0] for action in granted("ApiRole")} == {"logs", "xray", "dynamodb", "sqs"}
    # and it writes to feeds alone
    written_to = [
        resource
        for one in statements(ROLES["ApiRole"])
        if {"dynamodb:UpdateItem", "dynamodb:PutItem"} & set(one["Action"])
        for resource in one["Resource"]
    ]
    assert written_to == ["FeedsTable.Arn"]


def test_the_schedule_can_invoke_the_dispatcher_and_nothing_else() -> None:
    # given the schedule's role
    allowed = {
        (action, r) for one in statements(ROLES["ScheduleRole"]) for action in one["Action"] for r in one["Resource"]
    }
    # then it reaches the alias and the DLQ
    assert allowed == {
        ("lambda:InvokeFunction", "${DispatcherFunction.Arn}:live"),
        ("sqs:SendMessage", "ScheduleDlq.Arn"),
    }
    # and only schedules of this account can take it
    (trust,) = ROLES["ScheduleRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
