"""Messages as a conversation: exact where a person or a tool wrote them, and nothing of them is out of reach."""

from __future__ import annotations

from typing import Any

from dashboard.runs.state.document import Document
from dashboard.runs.state.messages import Turn, conversation, is_conversation

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


def turns_of(*messages: dict[str, Any]) -> list[Turn]:
    place = Document.of(list(messages)).root
    assert is_conversation(place)
    return conversation(place).turns


def test_what_a_person_wrote_is_shown_as_it_is_and_the_assistants_markdown_is_rendered() -> None:
    text = 'one\ntwo __init__.py "a\\b"\n3. three ![x](http://e.x/i.png)'
    user, assistant = turns_of({"type": "human", "content": text}, {"type": "ai", "content": "**b**\nc"})

    assert user.blocks[0].html == text.replace('"', "&quot;")
    assert assistant.blocks[0].html == "<p><strong>b</strong><br>\nc</p>\n"


def test_a_call_is_next_to_its_result_and_a_failed_one_says_so() -> None:
    call = {"id": "1", "name": "look", "args": {"at": "tides"}}
    turns = turns_of(
        {
            "type": "ai",
            "content": "",
            "tool_calls": [call],
            "invalid_tool_calls": [{"name": "bad", "error": "no JSON"}],
        },
        {"type": "tool", "tool_call_id": "1", "content": "  timed\nout", "status": "error"},
        {"type": "tool", "tool_call_id": "other", "content": "nobody asked"},
    )

    looked, bad = turns[0].calls
    assert looked.result is not None
    assert (looked.is_failed, looked.result.blocks[0].html) == (True, "  timed\nout")
    assert (bad.is_invalid, bad.error) == (True, "no JSON")
    assert [turn.role for turn in turns] == ["Assistant", "Tool"]


def test_nothing_that_is_not_empty_is_out_of_reach() -> None:
    message = {
        "type": "ChatMessage",
        "role": "critic",
        "content": "",
        "additional_kwargs": {"refusal": "I will not.", "reasoning_content": "Let me think."},
        "response_metadata": {"finish_reason": "length"},
        "artifact": 0,
        "flag": False,
        "nothing": None,
        "empty": [],
    }
    (turn,) = turns_of(message)

    assert turn.role == "Critic"
    assert [(block.kind, str(block.html)) for block in turn.blocks] == [
        ("text", "I will not."),
        ("reasoning", "Let me think."),
    ]
    assert [place.key for place in turn.more] == ["additional_kwargs", "response_metadata", "artifact", "flag"]


def test_media_are_named_and_the_blocks_after_them_stay() -> None:
    content = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "image_url", "image_url": {"url": "https://elsewhere.example/x.png"}},
        {"type": "audio", "mime_type": "audio/wav", "data": "AAAA" * 1_000_000},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,AAAA"}},
        {"type": "hologram", "depth": 3},
        {"type": "text", "text": "after"},
    ]
    (turn,) = turns_of({"type": "human", "content": content})

    shown = [
        (b.media.kind, b.media.mime, b.media.is_drawn, b.media.address) for b in turn.blocks if b.media is not None
    ]
    assert shown == [
        ("image", "image/png", True, ""),
        ("image", "image/png", True, ""),
        ("image", "", False, "https://elsewhere.example/x.png"),
        ("audio", "audio/wav", False, ""),
        ("image", "image/svg+xml", False, ""),
    ]
    assert turn.blocks[-2].label == "hologram"
    assert turn.blocks[-1].html == "after"


def test_any_list_is_a_conversation_or_is_none() -> None:
    for value in ([], ["a"], [{"content": "x"}], [{"type": "ai"}], {"type": "ai", "content": ""}, [None], 5):
        assert not is_conversation(Document.of(value).root)
    assert is_conversation(Document.of([{"role": "user", "content": None}]).root)
