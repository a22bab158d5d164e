"""Ports of what people choose: schedules, names, plans, languages. Memory and DynamoDB keep them alike."""

from dataclasses import replace

import pytest

from brokersync.domain.messages import Locale
from brokersync.domain.plans import Plan
from brokersync.ports.users import UserSettings
from tests.contract import made
from tests.contract.conftest import World
from tests.contract.test_ports_lease import on_wheel
from tests.contract.test_ports_stored import account


def test_a_schedule_that_somebody_else_changed_is_not_overwritten(world: World):
    # given two who read the same feed
    world.feeds.create(made.feed())
    read = world.stored()
    # when both change its schedule
    assert world.feeds.reschedule(read, made.schedule(Plan.FREE, 60))
    second = world.feeds.reschedule(read, replace(read.schedule, chosen_min=5, interval_min=5))
    # then the second learns that it has to look again, and the downgrade stands
    assert not second
    assert world.stored().schedule == made.schedule(Plan.FREE, 60)


def test_auto_sync_off_takes_the_feed_off_the_wheel_and_on_brings_it_back(world: World):
    # given a feed that owes nothing
    world.feeds.create(made.feed())
    # when its trader switches auto-sync off, then on again with a choice
    off = replace(world.stored().schedule, sync_enabled=False)
    assert world.feeds.reschedule(world.stored(), off)
    assert not on_wheel(world)
    assert world.feeds.reschedule(world.stored(), replace(off, sync_enabled=True, chosen_min=30, interval_min=30))
    # then it is where the choice puts it
    assert on_wheel(world, 30)
    assert world.stored().chosen_min == 30


def test_i11_owed_work_keeps_a_switched_off_feed_on_the_wheel(world: World):
    # given a feed that owes a run
    world.feeds.create(made.feed(wanted=made.wanted()))
    # when auto-sync goes off
    world.feeds.reschedule(world.stored(), replace(world.stored().schedule, sync_enabled=False))
    # then the wheel still finds what is owed
    assert on_wheel(world)


def test_what_a_trader_accepted_is_noted_in_the_feed(world: World):
    # given a feed
    world.feeds.create(made.feed())
    # when its trader accepts that trades are missing
    world.feeds.accept("acc_1", made.NOW)
    # then the next run can see it
    assert world.stored().accepted_through == made.NOW
    with pytest.raises(KeyError):
        world.feeds.accept("nobody", made.NOW)


def test_a_traders_own_name_for_an_account_stays_when_the_brokers_changes(world: World):
    # given an account that its trader named
    world.accounts.ensure(account())
    world.accounts.rename(account().account_id, "Holidays")
    # when the broker gives it another name
    world.accounts.ensure(replace(account(), name="Renamed"))
    # then both are known
    stored = world.accounts.get(account().account_id)
    assert (stored.name, stored.display_name) == ("Renamed", "Holidays")
    # and an empty name takes the trader's away
    world.accounts.rename(account().account_id, "")
    assert world.accounts.get(account().account_id).display_name == ""
    with pytest.raises(KeyError):
        world.accounts.rename("nobody", "Name")


def test_a_new_user_is_free_and_has_chosen_nothing(world: World):
    assert world.users.settings("usr_new") == UserSettings(plan=Plan.FREE, locale=None, time_zone="")


def test_plan_and_preferences_are_kept_apart(world: World):
    # given a user who chose a language before anybody gave them a plan
    assert world.users.prefer("usr_1", locale=Locale.VI) == UserSettings(locale=Locale.VI)
    # when a plan is set and a zone is chosen
    world.users.set_plan("usr_1", Plan.ELITE)
    told = world.users.prefer("usr_1", time_zone="Asia/Ho_Chi_Minh")
    # then nothing is lost
    assert told == UserSettings(plan=Plan.ELITE, locale=Locale.VI, time_zone="Asia/Ho_Chi_Minh")
    # and an empty zone is none
    assert world.users.prefer("usr_1", time_zone="").time_zone == ""
