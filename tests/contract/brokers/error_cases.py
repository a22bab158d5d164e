"""What every broker can answer, whatever its documentation says, and what has to follow."""

from collections.abc import Sequence

from brokersync.domain.errors import ErrorCode
from local.simulators.faults import Fault
from local.simulators.kit import BrokerKit, ErrorCase, Intent

FOREVER = None

COMMON: Sequence[ErrorCase] = (
    *(
        ErrorCase(
            name=f"{status} for good",
            faults=(Fault(status=status, body="", times=FOREVER),),
            intent=Intent.RETRIES,
            code=ErrorCode.BROKER_UNAVAILABLE,
        )
        for status in (500, 502, 503, 504)
    ),
    ErrorCase(name="503 once", faults=(Fault(status=503, body=""),), intent=Intent.HEALS, code=None),
    ErrorCase(
        name="503 half way",
        faults=(Fault(status=503, body="", nth=2, times=FOREVER),),
        intent=Intent.RETRIES,
        code=ErrorCode.BROKER_UNAVAILABLE,
    ),
    ErrorCase(
        name="429 for good",
        faults=(Fault(status=429, body="", times=FOREVER),),
        intent=Intent.RETRIES,
        code=ErrorCode.RATE_LIMITED,
    ),
    ErrorCase(
        name="429 with Retry-After",
        faults=(Fault(status=429, body="", retry_after=600, times=FOREVER),),
        intent=Intent.RETRIES,
        code=ErrorCode.RATE_LIMITED,
    ),
    ErrorCase(name="429 once", faults=(Fault(status=429, body="", retry_after=1),), intent=Intent.HEALS, code=None),
    ErrorCase(
        name="connections reset for good",
        faults=(Fault(reset=True, times=FOREVER),),
        intent=Intent.RETRIES,
        code=ErrorCode.BROKER_UNAVAILABLE,
    ),
    ErrorCase(name="a connection reset once", faults=(Fault(reset=True),), intent=Intent.HEALS, code=None),
    ErrorCase(
        name="hung up in the middle, for good",
        faults=(Fault(drop_after=20, times=FOREVER),),
        intent=Intent.RETRIES,
        code=ErrorCode.BROKER_UNAVAILABLE,
    ),
    ErrorCase(
        name="a cut answer in valid HTTP",
        faults=(Fault(keep_bytes=30, times=FOREVER),),
        intent=Intent.ALARMS,
        code=ErrorCode.UNEXPECTED_ANSWER,
    ),
    ErrorCase(
        name="an HTML page",
        faults=(Fault(status=200, body="<html><body>Maintenance</body></html>", times=FOREVER),),
        intent=Intent.ALARMS,
        code=ErrorCode.UNEXPECTED_ANSWER,
    ),
    ErrorCase(
        name="an empty answer",
        faults=(Fault(status=200, body="", times=FOREVER),),
        intent=Intent.ALARMS,
        code=ErrorCode.UNEXPECTED_ANSWER,
    ),
    ErrorCase(
        name="a status that nobody knows",
        faults=(Fault(status=418, body="{}", times=FOREVER),),
        intent=Intent.ALARMS,
        code=ErrorCode.UNEXPECTED_ANSWER,
    ),
)


def cases_of(kit: BrokerKit) -> Sequence[ErrorCase]:
    """The broker's table and what is common, of which the table may have its own reading."""
    own = {case.name for case in kit.errors}
    return (*kit.errors, *(case for case in COMMON if case.name not in own))
