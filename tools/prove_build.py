"""Build with SAM, then import every handler from what was built, and from nothing else.

The laptop's AWS runs functions in the project's own environment, where a package that the layer lacks is found all the
same. So here each handler is started as on AWS: by Lambda's runtime client, in an environment that has only that
client, with the function's folder and its layers on the path. The build is for this machine's processor and lies in
.aws-sam/proof, where no deployment takes it from.
"""

import os
import platform
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.stack.packaging import Template, load_template
from tools.environments import environment, find_python, version_of
from tools.runtime_api import READY, RuntimeApi, serve
from tools.setup import ROOT, UnfitError, run

BUILD = ROOT / ".aws-sam" / "proof"
INIT_SECONDS = 30.0
LAYERS_BYTES = 250_000_000  # Lambda's limit for a function and its layers, unzipped
CLOSED_PORT = "http://127.0.0.1:9"  # a call to AWS while importing fails, as it should not be made


class ProofError(Exception):
    """A handler can't be imported from what was built; says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A function as it was built: its folder, its layers' folders, its handler and its environment."""

    name: str
    folder: Path
    layers: tuple[Path, ...]
    handler: str
    environment: Mapping[str, str]


def build(python: str, architecture: str) -> Path:
    """Run `sam build`; returns the built template. Raises UnfitError with SAM's output when it fails."""
    parameters = {
        "RuntimeVersion": f"python{version_of(python)}",
        "Architecture": architecture,
        "JwtIssuer": "https://issuer.example.com",
        "JwtAudience": "brokersync",
    }
    with tempfile.TemporaryDirectory() as first_on_path:
        # SAM calls the interpreter by its name; where pyenv's shims come first, they answer for another version.
        (Path(first_on_path) / f"python{version_of(python)}").symlink_to(python)
        run(
            "sam build",
            *(str(environment("sam") / "sam"), "build", "--build-dir", str(BUILD)),
            *("--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())),
            PATH=f"{first_on_path}{os.pathsep}{os.environ['PATH']}",
            SAM_CLI_TELEMETRY="0",
        )
    return BUILD / "template.yaml"


def functions(built: Template, folder: Path) -> Iterator[Built]:
    """The functions of a built template, with what Globals gives all of them."""
    defaults = built["Globals"]["Function"]
    for name, resource in built["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            own = resource["Properties"]
            layers = [built["Resources"][layer["Ref"]] for layer in defaults["Layers"]]
            variables = defaults["Environment"]["Variables"] | own["Environment"]["Variables"]
            yield Built(
                name=name,
                folder=(folder / own["CodeUri"]).resolve(),
                layers=tuple((folder / layer["Properties"]["ContentUri"]).resolve() for layer in layers),
                handler=own.get("Handler", defaults["Handler"]),
                environment={variable: plausible(value) for variable, value in variables.items()},
            )


def plausible(value: object) -> str:
    """A variable's value off AWS: itself, the last branch of a condition, or a stand-in for what AWS would fill in."""
    if isinstance(value, Mapping):
        return plausible(value["Fn::If"][-1]) if "Fn::If" in value else "stand-in"
    return str(value)


def import_handler(function: Built, python: str) -> None:
    """Start the function until it asks for work. Raises ProofError when it does not get that far."""
    given = {
        **function.environment,
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_ENDPOINT_URL": CLOSED_PORT,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "LAMBDA_TASK_ROOT": str(function.folder),
        "PYTHONPATH": os.pathsep.join(str(layer / "python") for layer in function.layers),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
    }
    with serve() as api, tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            (python, "-m", "awslambdaric", function.handler),
            cwd=function.folder,
            env=given | {"AWS_LAMBDA_RUNTIME_API": api.address},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            report = wait_for_report(process, api)
        finally:
            process.kill()
            process.wait()
        if report != READY:
            output.seek(0)
            raise ProofError(f"{function.name}: {function.handler} can't be imported: {report}\n{output.read()}")


def wait_for_report(process: "subprocess.Popen[bytes]", api: RuntimeApi) -> str:
    """What the runtime client reports, or what became of it instead."""
    deadline = time.monotonic() + INIT_SECONDS
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        try:
            return api.reports.get(timeout=0.05)
        except queue.Empty:
            if ended:
                return f"it ended with exit status {process.returncode}"
    return f"it did not ask for work within {INIT_SECONDS:.0f} s"


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prove(version: str) -> None:
    """Build for this Python and import every handler. Raises UnfitError or ProofError."""
    python = find_python(version)
    architecture = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    shutil.rmtree(BUILD, ignore_errors=True)
    template = build(python, architecture)
    clean = str(environment("runtime", python=python) / "python")
    for function in functions(load_template(template), template.parent):
        size = sum(map(size_of, (function.folder, *function.layers)))
        if size > LAYERS_BYTES:
            raise ProofError(f"{function.name}: {size / 1e6:.0f} MB with its layers, Lambda takes 250 MB")
        import_handler(function, clean)
        print(f"{function.name}: {function.handler} imports on Python {version}, {architecture}, {size / 1e6:.0f} MB")


def main() -> int:
    """Prove the build for the Python version that the first argument names (default: the template's)."""
    default = load_template(ROOT / "template.yaml")["Parameters"]["RuntimeVersion"]["Default"].removeprefix("python")
    try:
        prove(sys.argv[1] if len(sys.argv) > 1 else default)
    except (UnfitError, ProofError) as failed:
        print(f"brokersync: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
