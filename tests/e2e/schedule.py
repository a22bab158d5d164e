"""The stack's own drives, stopped: its schedule, and its function's appetite for messages."""

from local.stack.laptop import Laptop


def stop_schedule(laptop: Laptop) -> None:
    """Switch the schedule off. Laptop.tick still invokes what it would invoke, with its payload."""
    emulator = laptop.emulator
    scheduler = emulator.session.client("scheduler", endpoint_url=emulator.endpoint)
    schedule = scheduler.get_schedule(Name=laptop.deployed.resources["DispatcherFunctionTick"])
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{name: schedule[name] for name in kept}, State="DISABLED")


def consume(laptop: Laptop, queue: str, enabled: bool) -> None:
    """Let the sync function take a queue's messages, or not; `queue` is the end of its name (empty: all queues)."""
    functions = laptop.emulator.session.client("lambda", endpoint_url=laptop.emulator.endpoint)
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        if mapping["EventSourceArn"].endswith(queue):
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)
