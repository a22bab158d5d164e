"""`brokersync normalise` as a person calls it: lines of JSON, or one sentence about the file."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from local.cli import main
from tests import extras

TRANSACTIONS = {
    "transactions": [
        {
            "id": "6",
            "time": "2026-03-02T10:00:00.123456789Z",
            "accountID": "101-004-1435156-001",
            "userID": 1435156,
            "batchID": "5",
            "type": "ORDER_FILL",
            "orderID": "5",
            "instrument": "EUR_USD",
            "units": "100",
            "price": "1.10250",
            "reason": "MARKET_ORDER",
            "pl": "0.0000",
            "financing": "0.0000",
            "commission": "0.5000",
            "accountBalance": "99999.5000",
            "tradeOpened": {"tradeID": "6", "units": "100", "price": "1.10250"},
        },
        {
            "id": "7",
            "time": "not a time",
            "accountID": "101-004-1435156-001",
            "type": "TRANSFER_FUNDS",
            "amount": "12.50",
            "fundingReason": "CLIENT_FUNDING",
            "accountBalance": "100012.0000",
        },
    ],
    "lastTransactionID": "7",
}


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


Call = Callable[..., Done]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls `brokersync normalise` as its entry point does."""

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["brokersync", "normalise", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return call


def test_i8_rows_come_as_lines_with_exact_numbers_and_times_and_what_is_not_understood_beside_them(
    tmp_path: Path, call: Call
) -> None:
    # given a saved answer with a fill, and a row that can't be understood
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(TRANSACTIONS))
    # when it is normalised
    done = call("oanda", str(saved))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    # then the fill is there, exactly, and the other row with the reason; both is success
    trade = next(line for line in lines if line["type"] == "trade")
    assert (trade["quantity"], trade["price"], trade["fees"]) == ("100", "1.1025", {"commission": "0.5"})
    assert trade["executed_at"] == {
        "utc": "2026-03-02T10:00:00.123456789Z",
        "ns": 1772445600123456789,
        "raw": "2026-03-02T10:00:00.123456789Z",
        "zone": "offset in the value",
    }
    unmapped = [line for line in lines if line["type"] == "unmapped"]
    assert len(unmapped) == 1
    assert "not a time" in unmapped[0]["reason"]
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gone.json", None, "there is no such file"),
        ("empty.json", b"", "is empty"),
        ("blank.json", b" \n", "is empty"),
        ("binary.json", b"\x89PNG\r\n\x1a\n\x00\xff\xfe", "oanda"),
        ("page.html", b"<html><body>Service unavailable</body></html>", "oanda"),
        ("cut.json", b'{"transactions": [{"id": "6", "ti', "oanda"),
        ("other.json", b'{"holdings": [], "securities": []}', "oanda"),
        ("list.json", b"[1, 2, 3]", "oanda"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_gets_one_sentence(
    tmp_path: Path, name: str, content: bytes | None, expected: str, call: Call
) -> None:
    # given a file that is no answer of the broker
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    # when it is normalised
    done = call("oanda", str(path))
    # then one line names the file and the problem, and nothing is printed as if it were data
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("brokersync: ")
    assert done.stderr.count("\n") == 1
    assert name in done.stderr
    assert expected in done.stderr


def test_a_folder_and_an_unknown_broker_get_one_sentence(tmp_path: Path, call: Call) -> None:
    folder, unknown = call("oanda", str(tmp_path)), call("nobody", str(tmp_path / "any.json"))
    assert (folder.returncode, folder.stderr) == (1, f"brokersync: {tmp_path}: is a folder; name the files in it\n")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("brokersync: broker: 'nobody' is not one of ")


@pytest.mark.parametrize("broker", ["oanda", "ibkr_flex"])
def test_every_recorded_payload_is_read_or_refused_in_one_sentence(broker: str, call: Call) -> None:
    # given every recorded payload of a broker
    for path in sorted(extras.samples(broker).iterdir()):
        # when it is normalised, then it is lines of JSON, or one sentence
        done = call(broker, str(path))
        if done.returncode == 0:
            assert all(json.loads(line)["type"] for line in done.stdout.splitlines())
            assert done.stderr == ""
        else:
            assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), path
