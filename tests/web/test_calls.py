"""Calls that nobody means well, drawn from the server's own OpenAPI."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

pytest.importorskip("gradio", reason="gradio is not installed")
schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

POLITE = {200, 400, 404, 413, 422, 503}


def test_no_call_makes_an_internal_error(server) -> None:
    schema = schemathesis.openapi.from_url(f"{server.url}/gradio_api/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.label.split()[-1] for operation in operations} >= {
        "/gradio_api/upload",
        "/gradio_api/call/v2/make",
        "/gradio_api/call/v2/crop",
        "/gradio_api/call/v2/score",
    }
    told = set()
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            if operation.method == "get" and mode is schemathesis.GenerationMode.NEGATIVE:
                continue  # any text is a valid name of a job

            @settings(
                max_examples=8,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def call(case) -> None:
                answer = case.call(timeout=30)
                told.add(answer.status_code)
                assert answer.status_code in POLITE, answer.text

            call()
    assert 422 in told
