"""The benchmark: `python -m tests.bench` (make bench). docs/performance.md says what is measured and how."""
