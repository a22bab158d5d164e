"""dlt, tuned as its documentation advises: parquet between its steps, upsert by key, parallel extraction, few workers.

Runs in an environment of its own, which has dlt[duckdb,parquet] and not this project. Arguments: base URL, token,
account, copies, folder. Prints one JSON object.
"""

import json
import os
import sys
import time

base_url, token, account, copies, folder = sys.argv[1:]
os.environ.update(
    RUNTIME__DLTHUB_TELEMETRY="false",
    RUNTIME__LOG_LEVEL="ERROR",
    DLT_DATA_DIR=folder,
    DLT_PROJECT_DIR=folder,
    EXTRACT__WORKERS="8",
    EXTRACT__MAX_PARALLEL_ITEMS="40",
    NORMALIZE__WORKERS="1",
    LOAD__WORKERS="2",
    DATA_WRITER__BUFFER_MAX_ITEMS="20000",
)

import dlt  # noqa: E402 (reads the environment when it is imported)
import duckdb  # noqa: E402
import requests  # noqa: E402
from peer_rows import pages  # noqa: E402


@dlt.resource(
    name="entries",
    primary_key="id",
    write_disposition={"disposition": "merge", "strategy": "upsert"},
    parallelized=True,
)
def entries():
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        yield from pages(lambda path: session.get(base_url + path).json(), account, int(copies))


begun = time.process_time()
pipeline = dlt.pipeline(
    pipeline_name="bench",
    destination=dlt.destinations.duckdb(f"{folder}/dlt.duckdb"),
    dataset_name="loaded",
    pipelines_dir=f"{folder}/pipelines",
)
pipeline.run(entries(), loader_file_format="parquet")
cpu = time.process_time() - begun
(stored,) = duckdb.connect(f"{folder}/dlt.duckdb").execute("select count(distinct id) from loaded.entries").fetchone()
print(json.dumps({"entries": stored, "cpu": cpu}))
