"""What tests need beyond the locked packages: a browser, another Python, SAM, recorded payloads.

A test finds it here, and is skipped where it is missing. The last lines of the run say so; with --require-extras such
a test fails.
"""

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT.parent / "shared" / "samples"

# Payloads of real accounts lie beside the project where they may be read; a clone elsewhere has none. A test that is
# skipped for lack of them says so with this word.
NOT_AN_EXTRA = "samples"


def chromium() -> str:
    """Path of a Chromium or Chrome; skips the test where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("needs Chromium (Debian: apt-get install chromium)")


def python_3_13() -> str:
    """Path of a Python 3.13 that runs; skips the test where there is none."""
    of_pyenv = sorted(Path.home().glob(".pyenv/versions/3.13.*/bin/python3.13"))
    for candidate in ("python3.13", *map(str, of_pyenv)):  # a pyenv shim is found but may not run
        if (found := shutil.which(candidate)) and not subprocess.run([found, "-V"], capture_output=True).returncode:
            return found
    pytest.skip("needs Python 3.13 on PATH (or under ~/.pyenv)")


def sam() -> str:
    """Path of the SAM command line; skips the test where there is none."""
    found = shutil.which(str(ROOT / ".tools" / "sam" / "bin" / "sam")) or shutil.which("sam")
    return found or pytest.skip("needs the SAM CLI (make build installs it)")


def samples(*parts: str) -> Path:
    """A folder of recorded payloads; skips the test where there are none."""
    folder = SAMPLES.joinpath(*parts)
    if not folder.is_dir():
        pytest.skip(f"no samples in {folder}")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-extras",
        action="store_true",
        help="a test that would be skipped fails, unless it lacks payloads only",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report: pytest.TestReport = yield
    return _strict(report, item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report: pytest.CollectReport = yield
    return _strict(report, collector.config)


def _strict(report, config: pytest.Config):
    if config.getoption("--require-extras") and report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason(report)
        if NOT_AN_EXTRA not in reason:
            report.outcome, report.longrepr = "failed", f"skipped where nothing may be missing: {reason}"
    return report


def _reason(report) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter) -> None:
    counts = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if counts:
        terminalreporter.section("NOT TESTED ON THIS MACHINE", yellow=True)
        for reason, count in counts.most_common():
            terminalreporter.line(f"{count} skipped: {reason}")
