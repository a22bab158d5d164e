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
def test_nobody_scans_and_only_the_sync_deletes(name: str) -> None:
    # given a role; then it can't read a whole table, and data, queues and keys are safe from it
    forbidden = ("Scan", "DeleteItem", "DeleteObject", "DeleteTable", "Purge", "BatchWrite", "PartiQL")
    found = {action for action in granted(name) if any(word in action for word in forbidden)}
    # but for what a removed connection left, which its trader wants erased
    erasing = {"dynamodb:DeleteItem", "s3:DeleteObject", "s3:DeleteObjectVersion"}
    # and for the memory of a request that failed
    forgetting = {"dynamodb:DeleteItem"}
    assert found == {"SyncRole": erasing, "ApiRole": forgetting}.get(name, set())
    if name == "ApiRole":
        (statement,) = [one for one in statements(ROLES[name]) if forgetting & set(one["Action"])]
        assert statement["Resource"] == ["IdempotencyTable.Arn"]


def test_what_says_how_an_erasure_went_can_not_be_deleted() -> None:
    # given what the sync may delete; then connections with their receipts, keys, limits and plans are not among it
    deletable = {
        resource
        for one in statements(ROLES["SyncRole"])
        if "dynamodb:DeleteItem" in one["Action"]
        for resource in one["Resource"]
    }
    assert deletable == {
        f"{name}Table.Arn"
        for name in ("Trades", "CashEvents", "Portfolios", "SyncRuns", "KnownTrades", "Accounts", "Feeds")
    }


def test_i7_only_the_sync_can_decrypt_credentials() -> None:
    # given all roles; then the right to decrypt, and that on the key of credentials alone, is the sync's
    decrypting = {
        (name, resource)
        for name, role in ROLES.items()
        for statement in statements(role)
        if "kms:Decrypt" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert decrypting == {("SyncRole", "CredentialsKey.Arn"), ("SyncRole", "StorageKey.Arn")}
    # but for what lies in buckets, which it decrypts through S3 alone
    (storage,) = [one for one in statements(ROLES["SyncRole"]) if "StorageKey.Arn" in one["Resource"]]
    assert storage["Condition"] == {"StringEquals": {"kms:ViaService": {"Fn::Sub": "s3.${AWS::Region}.amazonaws.com"}}}
    # and the API, which writes credentials, may wrap keys with it and nothing else
    assert granted("ApiRole", "kms:") == {"kms:Encrypt"}
    # and nobody else comes near the connections and the wrapped keys
    for table in ("ConnectionsTable", "DataKeysTable"):
        near = {name for name, role in ROLES.items() if table in json.dumps(role["Policies"])}
        assert near == {"ApiRole", "SyncRole"}


def test_the_sync_writes_and_erases_snapshots_and_reads_only_what_entries_may_cite() -> None:
    # given the sync's rights in S3; then it stores, tags and deletes under snapshots/, and finds what is there; what it
    # reads again is what is kept for good, and that it finds under its prefix alone
    rights = {
        (action, resource)
        for one in statements(ROLES["SyncRole"])
        for action in one["Action"]
        for resource in one["Resource"]
        if action.startswith("s3:")
    }
    verbs = ("PutObject", "PutObjectTagging", "DeleteObject", "DeleteObjectVersion")
    assert rights == {
        *((f"s3:{verb}", "${SnapshotBucket.Arn}/snapshots/*") for verb in verbs),
        ("s3:GetObject", "${SnapshotBucket.Arn}/snapshots/long/*"),
        ("s3:ListBucketVersions", "SnapshotBucket.Arn"),
        ("s3:ListBucket", "SnapshotBucket.Arn"),
    }
    listing = {
        action: one["Condition"]["StringLike"]["s3:prefix"]
        for one in statements(ROLES["SyncRole"])
        for action in one["Action"]
        if action.startswith("s3:List")
    }
    assert listing == {"s3:ListBucketVersions": "snapshots/*", "s3:ListBucket": "snapshots/long/*"}


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


def test_connections_are_never_written_as_a_whole_and_feeds_only_when_they_are_made() -> None:
    # given everybody's rights on the shared tables
    def who_may(action: str, table: str) -> set[str]:
        return {
            name
            for name, role in ROLES.items()
            for one in statements(role)
            if table in one["Resource"] and action in one["Action"]
        }

    # then connections take only updates with a condition
    assert who_may("dynamodb:PutItem", "ConnectionsTable.Arn") == set()
    assert who_may("dynamodb:UpdateItem", "ConnectionsTable.Arn") == {"ApiRole", "SyncRole"}
    # and feeds are put by who makes them: under a condition, which tests/unit/aws/tables holds
    assert who_may("dynamodb:PutItem", "FeedsTable.Arn") == {"ApiRole", "SyncRole"}


def test_only_the_sync_says_that_a_broker_has_trouble() -> None:
    # given the rights on the breakers; then the API tells how brokers are, and the sync finds it out
    rights = {
        (name, action)
        for name, role in ROLES.items()
        for one in statements(role)
        if "BreakersTable.Arn" in one["Resource"]
        for action in one["Action"]
    }
    assert rights == {
        ("ApiRole", "dynamodb:BatchGetItem"),
        ("SyncRole", "dynamodb:BatchGetItem"),
        ("SyncRole", "dynamodb:UpdateItem"),
    }


def test_the_api_can_connect_and_wish_but_not_store_what_brokers_say() -> None:
    # given the API's rights; then it has none on buses, and of buckets it writes and reads exports alone
    assert {action.split(":")[0] for action in granted("ApiRole")} == {"logs", "xray", "dynamodb", "sqs", "kms", "s3"}
    in_s3 = [one for one in statements(ROLES["ApiRole"]) if one["Action"][0].startswith("s3:")]
    assert [(set(one["Action"]), one["Resource"]) for one in in_s3] == [
        ({"s3:PutObject", "s3:GetObject"}, ["${ExportBucket.Arn}/exports/*"])
    ]
    # and it writes what a connection is made of and what a user chose or used, and nothing that comes from a broker
    written_to = {
        resource
        for one in statements(ROLES["ApiRole"])
        if {"dynamodb:UpdateItem", "dynamodb:PutItem"} & set(one["Action"])
        for resource in one["Resource"]
    }
    connection = {"FeedsTable.Arn", "AccountsTable.Arn", "ConnectionsTable.Arn", "DataKeysTable.Arn"}
    assert written_to == connection | {"UsersTable.Arn", "LimitsTable.Arn", "IdempotencyTable.Arn"}


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
