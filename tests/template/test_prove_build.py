"""The proof of a build can fail: what a layer lacks is found, although the project's own environment has it."""

import sys
from pathlib import Path

import pytest

from tests.template.reading import written
from tools.prove_build import Built, ProofError, functions, import_handler

WORKS = "def lambda_handler(event, context): ..."


def built(folder: Path, source: str) -> Built:
    """A function as SAM leaves it, with one layer that has the module `from_the_layer`."""
    (folder / "function").mkdir()
    (folder / "function" / "app.py").write_text(source)
    (folder / "layer" / "python").mkdir(parents=True)
    (folder / "layer" / "python" / "from_the_layer.py").touch()
    return Built(
        name="AFunction",
        folder=folder / "function",
        layers=(folder / "layer",),
        handler="app.lambda_handler",
        environment={"GIVEN": "value"},
    )


def test_a_handler_with_its_layer_and_its_environment_is_imported(tmp_path: Path) -> None:
    # given a function that needs its layer and a variable
    function = built(tmp_path, f"import os, from_the_layer; os.environ['GIVEN']\n{WORKS}")
    # then it gets as far as asking for work
    import_handler(function, sys.executable)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (f"import missing_from_the_layer\n{WORKS}", "missing_from_the_layer"),
        (f"import os; os.environ['NOT_GIVEN']\n{WORKS}", "NOT_GIVEN"),
        ("lambda_handler = None + 1", "TypeError"),
        ("", "lambda_handler"),
        (f"import boto3; boto3.client('sqs').list_queues()\n{WORKS}", "EndpointConnectionError"),
        ("raise SystemExit(3)", "exit status 3"),
    ],
)
def test_a_handler_that_can_not_be_imported_is_named_with_the_reason(tmp_path: Path, source: str, reason: str) -> None:
    # given a function that fails while it is imported
    # then the proof says which, and why
    with pytest.raises(ProofError, match=f"(?s)AFunction.*{reason}"):
        import_handler(built(tmp_path, source), sys.executable)


def test_every_function_is_proved_with_both_layers_and_its_variables() -> None:
    # given the template; then all three functions are found, with what Globals gives them
    found = {function.name: function for function in functions(written(), Path("/built"))}
    assert set(found) == {"DispatcherFunction", "SyncFunction", "ApiFunction"}
    assert all(len(function.layers) == 2 for function in found.values())
    # and their variables are such as the functions can read
    assert found["SyncFunction"].environment["BROKER_ENDPOINTS"] == "{}"
    assert found["ApiFunction"].environment["POWERTOOLS_SERVICE_NAME"] == "api"
