"""The committed template with its code as objects in a bucket, as `sam package` would leave it, but without a build.

MiniStack runs the functions on this machine's interpreter, where the dependencies are installed already: the layer of
dependencies stays as it is. `make build` proves the real one.
"""

import hashlib
import io
import json
import py_compile
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]  # it ships no types

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Template = dict[str, Any]  # CloudFormation's own document, whose shape its schema says and not ours

_CODE_PROPERTIES = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
_SAME_DATE = (1980, 1, 1, 0, 0, 0)  # zip's first; equal code gives equal bytes


def load_template(path: Path) -> Template:
    """A template with its short tags (`!Ref`, `!Sub`, ...) in their long form. Raises ValueError if it is none."""
    template: Template | None = yaml_parse(path.read_text())
    if not template or "Resources" not in template:
        raise ValueError(f"{path}: not a CloudFormation template, it has no Resources")
    return template


def package(template: Template, root: Path, s3: "S3Client", bucket: str) -> str:
    """Put the code that the template names into the bucket; returns the template's text, pointing there."""
    for resource in template["Resources"].values():
        if property_name := _CODE_PROPERTIES.get(resource["Type"]):
            folder = root / resource["Properties"][property_name]
            body = zip_folder(folder, prefix="python/" if property_name == "ContentUri" else "", compiled=True)
            key = f"{hashlib.sha256(body).hexdigest()}.zip"
            s3.put_object(Bucket=bucket, Key=key, Body=body)
            resource["Properties"][property_name] = f"s3://{bucket}/{key}"
    return json.dumps(template, default=str)


def zip_folder(folder: Path, *, prefix: str = "", compiled: bool = False) -> bytes:
    """A folder as a zip file, the same bytes for the same contents. Raises ValueError for an empty one.

    `compiled` adds what this interpreter makes of each module, which may differ in bytes from time to time: else every
    process of a function makes it anew.
    """
    names = list(_files(folder))
    if not names:
        raise ValueError(f"{folder}: there is nothing in it to deploy")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in names:
            name, body = prefix + path.relative_to(folder).as_posix(), path.read_bytes()
            _write(archive, name, body)
            if compiled and path.suffix == ".py":
                _write(archive, _cached(PurePosixPath(name)), _compiled(path, name))
    return buffer.getvalue()


def _write(archive: zipfile.ZipFile, name: str, body: bytes) -> None:
    entry = zipfile.ZipInfo(name, _SAME_DATE)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, body, zipfile.ZIP_DEFLATED)


def _cached(module: PurePosixPath) -> str:
    return str(module.parent / "__pycache__" / f"{module.stem}.{sys.implementation.cache_tag}.pyc")


def _compiled(module: Path, name: str) -> bytes:
    """A module's .pyc that is not checked against its source when it is loaded."""
    with TemporaryDirectory() as folder:
        made = Path(folder, "module.pyc")
        py_compile.compile(
            str(module), str(made), name, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
        return made.read_bytes()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
