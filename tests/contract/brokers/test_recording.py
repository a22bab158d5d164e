"""Recording a broker's real answers: of every broker, here from its simulator, as the command does it."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from brokersync.brokers.catalog import BrokerCatalog
from brokersync.domain.errors import BrokerChangedError
from brokersync.domain.feeds import FetchScope
from brokersync.domain.money import plain
from brokersync.domain.pages import Normalised
from brokersync.domain.trades import Execution
from local.simulators.faults import Fault
from local.simulators.kit import BrokerKit, KitClock, Login, Past, Scene, kit_of
from tests.extras import ROOT
from tools.record_answers import CantRecordError, Wish, record

DAYS = 3650  # more than any scene's past


def a_wish(kit: BrokerKit, scene: Scene, **changes: object) -> Wish:
    by_account = BrokerCatalog().manifest(kit.slug).fetch_scope is FetchScope.ACCOUNT
    usual = {
        "environment": kit.environment,
        "base_url": scene.base_url,
        "credentials": scene.logins[Login.GOOD],
        "account": scene.accounts[0] if by_account else "",
        "days": DAYS,
    }
    return Wish(**(usual | changes))


def test_recorded_answers_say_the_same_and_name_nobody(kit: BrokerKit, tmp_path: Path) -> None:
    # given a broker with accounts, and credentials
    clock, provider = KitClock(), BrokerCatalog().provider(kit.slug)
    with kit.start(clock, Past.SHORT) as scene:
        wish = a_wish(kit, scene)
        truth = scene.truth()
        # when its answers are recorded
        done = record(provider, wish, tmp_path / "out", clock)
        issued = scene.issued()
    # then files were written, and nothing in them tells whose they are
    assert done.files
    assert done.problem == ""
    secret = {wish.credentials[field.name] for field in provider.manifest.auth_fields if field.secret}
    for file in done.files:
        text = file.read_text()
        assert [number for number in truth if number in text] == []
        assert [one for one in (*secret, *issued) if one and one in text] == []
    # and read again, together as they came, they hold the accounts' executions, number by number
    said = _read(kit, done.files)
    numbers = scene.accounts[:1] if wish.account else scene.accounts
    expected = {
        (one["source_trade_id"], one["quantity"], one["price"])
        for number in numbers
        for one in truth[number].entries.values()
        if "source_trade_id" in one
    }
    assert {_figures(one) for one in said.executions} == expected
    # and an account has one number in all files
    assert len({one.broker_account_id for one in said.executions}) == len(numbers)


def test_nothing_is_overwritten(kit: BrokerKit, tmp_path: Path) -> None:
    # given a folder with recorded answers
    clock, provider = KitClock(), BrokerCatalog().provider(kit.slug)
    with kit.start(clock, Past.EMPTY) as scene:
        done = record(provider, a_wish(kit, scene), tmp_path, clock)
        before = {file: file.read_bytes() for file in done.files}
        # when somebody records there again
        with pytest.raises(CantRecordError, match=r"is in .* already"):
            record(provider, a_wish(kit, scene), tmp_path, clock)
    # then the first answers are as they were
    assert {file: file.read_bytes() for file in done.files} == before


def test_refused_credentials_are_told_and_nothing_secret_is_saved(kit: BrokerKit, tmp_path: Path) -> None:
    # given credentials that the broker refuses
    clock, provider = KitClock(), BrokerCatalog().provider(kit.slug)
    with kit.start(clock, Past.SHORT) as scene:
        wish = a_wish(kit, scene, credentials=scene.logins[Login.REJECTED])
        # when somebody records with them
        try:
            problem = record(provider, wish, tmp_path, clock).problem
        except CantRecordError as error:
            problem = str(error)
    # then it says what is wrong and what to do, and no file holds a credential
    assert re.match(r"(credentials_rejected|consent_expired|setup_incomplete): .+\. .+", problem)
    for file in tmp_path.glob("*"):
        assert [value for value in wish.credentials.values() if value in file.read_text()] == []


def test_an_account_has_to_be_chosen_where_there_are_several(tmp_path: Path) -> None:
    # given credentials that open several accounts
    kit, clock = kit_of("oanda"), KitClock()
    with kit.start(clock, Past.SHORT) as scene:
        # when none is named
        with pytest.raises(CantRecordError) as refused:
            record(BrokerCatalog().provider("oanda"), a_wish(kit, scene, account=""), tmp_path, clock)
        # then the choice is told
        assert all(number in str(refused.value) for number in scene.accounts)


def test_what_is_personal_is_replaced_and_the_rest_is_not(tmp_path: Path) -> None:
    # given an answer with names in the places where brokers put them
    kit, clock = kit_of("oanda"), KitClock()
    number = "101-004-7300001-001"
    body = json.dumps(
        {
            "account": {
                "id": number,
                "alias": "Jane Doe",
                "currency": "EUR",
                "balance": "1234.5678",
                "userID": 7300001,
                "email": "jane@doe.test",
                "comment": "for the boat",
                "openTradeCount": 0,
                "lastTransactionID": "0",
            },
            "note": "Jane Doe's",
            "market": "two words",
            "lastTransactionID": "0",
        }
    )
    with kit.start(clock, Past.EMPTY) as scene:
        scene.control.faults.add(Fault(path="/summary", status=200, body=body, times=None))
        # when it is recorded
        done = record(BrokerCatalog().provider("oanda"), a_wish(kit, scene, also=["boat"]), tmp_path, clock)
    saved = next(file for file in done.files if "summary" in file.name).read_text()
    # then no name is left
    assert [word for word in ("Jane", "Doe", "boat", "7300001", number) if word in saved] == []
    # and everything else is
    account = json.loads(saved)["account"]
    assert (account["currency"], account["balance"]) == ("EUR", "1234.5678")
    assert re.fullmatch(r"\d{3}-\d{3}-\d{7}-\d{3}", account["id"])
    assert str(account["userID"]) == account["id"].split("-")[2]
    # and who recorded it is shown the texts that were left
    assert done.free_texts == ["two words"]


def test_the_command_records_from_an_address_and_explains_bad_input(tmp_path: Path) -> None:
    # given a simulator, and credentials in a file
    kit, clock = kit_of("oanda"), KitClock()
    with kit.start(clock, Past.SHORT) as scene:
        credentials = tmp_path / "credentials.json"
        credentials.write_text(json.dumps(scene.logins[Login.GOOD]))
        usual = ("--credentials", str(credentials), "--endpoint", scene.base_url, "--out", str(tmp_path / "out"))
        # when the command is run, well and badly
        well = _command("oanda", "--account", scene.accounts[0], *usual)
        nobody = _command("nobody", *usual)
        in_the_clear = _command("oanda", "--endpoint", "http://broker.test", "--credentials", str(credentials))
    # then it tells what it saved, and what it replaced
    assert well.returncode == 0, well.stderr
    assert "recorded_summary_01.json" in well.stdout
    assert "account numbers" in well.stdout
    # and what is wrong
    assert (nobody.returncode, "BROKER: broker: 'nobody' is not one of" in nobody.stderr) == (1, True)
    assert (in_the_clear.returncode, "in the clear" in in_the_clear.stderr) == (1, True)


def _command(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "tools.record", *arguments]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)


def _read(kit: BrokerKit, files: Sequence[Path]) -> Normalised:
    provider = BrokerCatalog().provider(kit.slug)
    pages = []
    for file in files:
        with suppress(BrokerChangedError):  # an answer that leads to others and holds nothing
            pages.append(provider.read_saved(file.name, file.read_bytes()))
    return provider.normalise(pages, ())


def _figures(one: Execution) -> tuple[str, str, str]:
    return one.source_trade_id, plain(one.quantity), plain(one.price)
