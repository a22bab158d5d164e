"""How the tests are shared out among the processes of `make test`: by file, and what takes longest begins first."""

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files, or folders whose tests share what is dear to start, so that one process runs them all.
LONGEST = (
    "tests/chaos",
    "tests/crash/test_crash_ibkr_flex.py",
    "tests/e2e/test_run.py",
    "tests/browser",
    "tests/crash/test_crash_tradovate.py",
    "tests/crash",
    "tests/e2e",
    "tests/template",
)
TOGETHER = ("tests/chaos",)


class _ByFile(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if path.startswith(f"{folder}/")), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # xdist's own order is by the number of tests
    return _ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    matching = (rank for rank, start in enumerate(LONGEST) if item.nodeid.startswith(start))
    return next(matching, len(LONGEST))
