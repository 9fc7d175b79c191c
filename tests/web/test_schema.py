"""The API against its own OpenAPI document, by requests that schemathesis makes up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .serving import Served, serving

pytest.importorskip("fastapi", reason="needs the extra [web]")
schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis (extra [dev])")
hypothesis = pytest.importorskip("hypothesis")


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service whose queue takes all that is made up, and whose jobs end at once."""
    options = ("--workers", "1", "--queue", "100000", "--job-seconds", "0.5")
    with serving(tmp_path_factory.mktemp("patient"), *options) as made:
        yield made


@pytest.fixture(scope="module")
def api(patient: Served) -> Any:
    return schemathesis.openapi.from_url(f"{patient.url}api/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@hypothesis.settings(max_examples=8, deadline=None, derandomize=True, database=None)
def test_no_made_up_request_breaks_the_service(case: Any) -> None:
    if case.path.endswith("/events"):
        case.path_parameters = {"job": "A" * 24}  # a stream lasts as long as its job
    answer = case.call(timeout=30)
    assert answer.status_code not in (500, 502, 504), answer.text
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error"}, "every refusal says what was wrong"
