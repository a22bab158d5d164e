"""What is deployed on the laptop: the committed template, with its code in a bucket."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from local.stack.packaging import load_template, package, zip_folder

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Greeter:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/greeter/
      Role: !GetAtt Role.Arn
      Environment: {Variables: {TABLE: !Ref Table, NAME: !Sub "${AWS::StackName}-x"}}
  Shared:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: shared/}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "functions" / "greeter" / "__pycache__").mkdir(parents=True)
    (tmp_path / "functions" / "greeter" / "app.py").write_text("def handler(event, context): ...")
    (tmp_path / "functions" / "greeter" / "__pycache__" / "app.pyc").write_bytes(b"compiled here")
    (tmp_path / "shared" / "ours").mkdir(parents=True)
    (tmp_path / "shared" / "ours" / "__init__.py").write_text("")
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path


def names_in(body: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(body)).namelist()


def test_code_lands_in_the_bucket_where_the_template_points_and_a_layer_lies_under_python(project: Path) -> None:
    with mock_aws():
        # given a template with a function and a layer
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="artifacts")
        # when it is packaged
        packaged = json.loads(package(load_template(project / "template.yaml"), project, s3, "artifacts"))
        greeter, shared, role = (packaged["Resources"][name]["Properties"] for name in ("Greeter", "Shared", "Role"))
        bodies = {
            uri: s3.get_object(Bucket="artifacts", Key=uri.removeprefix("s3://artifacts/"))["Body"].read()
            for uri in (greeter["CodeUri"], shared["ContentUri"])
        }
    # then the code is there, as Lambda unpacks it, compiled anew
    tag = sys.implementation.cache_tag
    assert names_in(bodies[greeter["CodeUri"]]) == ["app.py", f"__pycache__/app.{tag}.pyc"]
    assert names_in(bodies[shared["ContentUri"]]) == [
        "python/ours/__init__.py",
        f"python/ours/__pycache__/__init__.{tag}.pyc",
    ]
    # and nothing else of the template has changed but the form of its tags
    assert greeter["Role"] == {"Fn::GetAtt": ["Role", "Arn"]}
    assert greeter["Environment"] == {
        "Variables": {"TABLE": {"Ref": "Table"}, "NAME": {"Fn::Sub": "${AWS::StackName}-x"}}
    }
    assert role["AssumeRolePolicyDocument"]["Version"] == "2012-10-17"


def test_equal_code_gives_equal_bytes(project: Path) -> None:
    # given a folder, packed once
    before = zip_folder(project / "functions")
    # when its files are touched but not changed
    (project / "functions" / "greeter" / "app.py").touch()
    # then it packs the same, and a change packs otherwise
    assert zip_folder(project / "functions") == before
    (project / "functions" / "greeter" / "app.py").write_text("def handler(event, context): return 1")
    assert zip_folder(project / "functions") != before


def test_a_function_starts_without_compiling(project: Path, tmp_path: Path) -> None:
    # given a function's folder, packed with what is compiled and unpacked where its process starts
    greeter, code = project / "functions" / "greeter", tmp_path / "code"
    (greeter / "app.py").write_text("print('the compiled one')")
    zipfile.ZipFile(io.BytesIO(zip_folder(greeter, compiled=True))).extractall(code)
    # when the source is not what it was
    (code / "app.py").write_text("print('the source')")
    started = subprocess.run([sys.executable, "-c", "import app"], cwd=code, capture_output=True, text=True)
    # then the process has not looked at it
    assert started.stdout == "the compiled one\n"


def test_a_folder_without_code_and_a_file_that_is_no_template_are_named(project: Path) -> None:
    (project / "empty").mkdir()
    (project / "notes.yaml").write_text("just: notes")
    with pytest.raises(ValueError, match="empty: there is nothing in it to deploy"):
        zip_folder(project / "empty")
    with pytest.raises(ValueError, match=r"notes\.yaml: not a CloudFormation template"):
        load_template(project / "notes.yaml")
