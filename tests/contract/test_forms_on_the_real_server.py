"""Forms of schemas that the real server gives: what a form sends is what the server's run holds."""

from __future__ import annotations

from typing import Any

import httpx

from dashboard.langgraph import get_client
from dashboard.schema_forms import SchemaForm
from tests.contract.langgraph_dev import LangGraphDev
from tests.page_forms import posted


async def test_every_sample_takes_what_its_form_sends(samples: LangGraphDev) -> None:
    async with get_client(samples.url) as client:
        assistants = await client.assistants.search()
        assert len(assistants) >= 6
        for assistant in assistants:
            schemas = await client.assistants.get_schemas(assistant["assistant_id"])
            schema = schemas["input_schema"] or schemas["state_schema"]
            form = SchemaForm(schema, name="input")
            typed = {}
            # Its own example where it has one, as the button in the form fills it in; else something is typed.
            if schema.get("examples"):
                assert form.act("example input 0")
            elif "messages" in schema["properties"]:
                typed = {"input/messages/0/content": "Refund order 12, please"}
            sent = SchemaForm.from_post(schema, posted(str(form), **typed), name="input")
            document = sent.document or {}

            assert sent.is_valid(), (assistant["graph_id"], sent.errors)
            assert await _held(samples.url, assistant["assistant_id"], document) == document, assistant["graph_id"]


async def _held(url: str, assistant_id: str, document: Any) -> Any:
    """The input of the run that the server made."""
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as http:
        thread = (await http.post("/threads", json={})).json()["thread_id"]
        created = await http.post(f"/threads/{thread}/runs", json={"assistant_id": assistant_id, "input": document})
        run = created.raise_for_status().json()["run_id"]
        held = (await http.get(f"/threads/{thread}/runs/{run}")).json()["kwargs"]["input"]
        await http.post(f"/threads/{thread}/runs/{run}/cancel")
        return held
