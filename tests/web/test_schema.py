"""The API against its own OpenAPI document, by requests that schemathesis makes up."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
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


def _operations() -> list[str]:
    from earwitness.web.app import make_app
    from earwitness.web.limits import Limits
    from earwitness.web.service import Service

    with tempfile.TemporaryDirectory() as folder:
        document = make_app(Service(Path(folder), Limits())).openapi()
    return [f"{m.upper()} {path}" for path, ways in document["paths"].items() for m in ways]


@pytest.fixture(scope="module")
def api(patient: Served) -> Any:
    return schemathesis.openapi.from_url(f"{patient.url}api/openapi.json")


@pytest.mark.parametrize("operation", _operations())
def test_no_made_up_request_breaks_the_service(api: Any, operation: str) -> None:
    method, _, path = operation.partition(" ")
    seen: list[int] = []

    @hypothesis.given(case=api[path][method].as_strategy())
    @hypothesis.settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def ask(case: Any) -> None:
        answer = case.call(timeout=60)
        seen.append(answer.status_code)
        assert answer.status_code not in (500, 502, 504), answer.text
        if answer.status_code >= 400:
            assert set(answer.json()) == {"error"}, "every refusal says what was wrong"

    ask()
    assert seen
