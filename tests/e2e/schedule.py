"""The stack's schedule, stopped: then ticks come from the test alone."""

from local.stack.laptop import Laptop


def stop_schedule(laptop: Laptop) -> None:
    """Switch the schedule off. Laptop.tick still invokes what it would invoke, with its payload."""
    emulator = laptop.emulator
    scheduler = emulator.session.client("scheduler", endpoint_url=emulator.endpoint)
    schedule = scheduler.get_schedule(Name=laptop.deployed.resources["DispatcherFunctionTick"])
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{name: schedule[name] for name in kept}, State="DISABLED")
