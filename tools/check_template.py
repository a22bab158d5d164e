"""Check template.yaml with SAM CLI (which runs cfn-lint) and checkov; .checkov.yaml says what is skipped, and why."""

import os
import subprocess
import sys

from tools.environments import environment
from tools.setup import ROOT, UnfitError

CHECKS = (
    ("sam", ("validate", "--lint", "--region", "us-east-1")),
    ("checkov", ("--config-file", ".checkov.yaml")),
)


def main() -> int:
    """Run every check, also after one that failed; the exit status is 1 if one did."""
    failed = []
    for tool, arguments in CHECKS:
        try:
            program = environment(tool) / tool
        except UnfitError as unfit:
            print(f"brokersync: {unfit}", file=sys.stderr)
            return 1
        print(f"{tool} {' '.join(arguments)}", flush=True)
        quiet = os.environ | {"SAM_CLI_TELEMETRY": "0"}
        if subprocess.run((program, *arguments), cwd=ROOT, env=quiet, stdin=subprocess.DEVNULL).returncode:
            failed.append(tool)
    if failed:
        print(f"template.yaml: {' and '.join(failed)} found something (see above)", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
