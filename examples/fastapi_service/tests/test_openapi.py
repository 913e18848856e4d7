"""Whatever a client sends, the service keeps to its OpenAPI description: schemathesis invents the requests."""

from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import allow_header_conformance

from service.app import create_app

# the schema cannot say that an instant must lie in the years 1 to 9999 of UTC
instants = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(datetime.isoformat)
schemathesis.openapi.format("date-time", instants)
schema = schemathesis.pytest.from_fixture("described")
# Starlette answers a wrong method with the methods of one of a path's routes, not of all
checked = {"excluded_checks": [allow_header_conformance]}
thorough = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


@pytest.fixture
def described(desk):
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(desk))


@schema.parametrize()
@thorough
def test_every_request_is_answered_as_described(case):
    case.call_and_validate(**checked)


@schema.include(path_regex="case_id").parametrize()
@thorough
def test_every_request_about_a_case_that_exists_is_answered_as_described(case, desk):
    case.path_parameters["case_id"] = desk.open("Dispute")
    case.call_and_validate(**checked)


def test_the_description_names_every_kind_of_event_that_people_may_report(client):
    described = client.get("/openapi.json").json()
    body = described["paths"]["/api/cases/{case_id}/events"]["post"]["requestBody"]
    kinds = body["content"]["application/json"]["schema"]["discriminator"]["mapping"]
    assert {"CustomerReplied", "ItemAnswered", "Resolved"} < set(kinds)
    assert not {"ActionTaken", "Reconciled", "Opened"} & set(kinds)
