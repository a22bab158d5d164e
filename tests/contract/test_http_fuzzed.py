"""Every route, asked with what its schema allows and with what it forbids: it answers as the document says, always."""

import schemathesis
from hypothesis import HealthCheck, settings

from brokersync.domain.runs import Outcome
from tests.contract.wsgi import TOKEN, as_wsgi
from tests.unit.functions.api_world import ApiWorld, a_run


def world() -> ApiWorld:
    """Alice's, with an account that has everything."""
    made = ApiWorld()
    made.connect()
    made.add(outcome=Outcome.NEEDS_REVIEW)
    made.trade("acc_1", "t1")
    made.runs.put(a_run("run_1"), 30)
    return made


# What a schema can't say is refused with 422: a cursor of another list, a zone that there isn't, what a broker's
# manifest asks for, an Idempotency-Key that came with another body.
VALID = ["2xx", 401, 403, 404, 409, 413, 422, 429]
INVALID = [401, 403, 404, 405, 413, 415, 422, 429]
CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {"expected-statuses": VALID},
            "negative_data_rejection": {"expected-statuses": INVALID},
        }
    }
)

schema = schemathesis.openapi.from_wsgi("/openapi.json", as_wsgi(world(), scope="operator"), config=CONFIG)


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_schemathesis_finds_nothing(case: schemathesis.Case) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"})
