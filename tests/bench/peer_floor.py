"""The floor: what loading the same rows costs a script without any concern but speed (urllib3, json, sqlite).

Arguments: base URL, token, account, copies, folder. Prints one JSON object.
"""

import json
import sqlite3
import sys
import time
from pathlib import Path

import urllib3

from tests.bench.peer_rows import pages


def main(base_url: str, token: str, account: str, copies: str, folder: str) -> None:
    pool = urllib3.PoolManager(headers={"Authorization": f"Bearer {token}"})
    begun = time.process_time()
    database = sqlite3.connect(Path(folder) / "floor.db", isolation_level=None)
    database.execute("pragma journal_mode = wal")
    found = pages(lambda path: json.loads(pool.request("GET", base_url + path).data), account, int(copies))
    columns = 0
    for rows in found:
        if rows and not columns:
            columns = len(rows[0])
            names = ", ".join(f"{name} primary key" if name == "id" else name for name in rows[0])
            database.execute(f"create table entries ({names}) without rowid")
        database.execute("begin")
        marks = ", ".join("?" * columns)
        database.executemany(f"insert or ignore into entries values ({marks})", [tuple(row.values()) for row in rows])  # noqa: S608
        database.execute("commit")
    cpu = time.process_time() - begun
    (stored,) = database.execute("select count(*) from entries").fetchone()
    print(json.dumps({"entries": stored, "cpu": cpu}))


if __name__ == "__main__":
    main(*sys.argv[1:])
