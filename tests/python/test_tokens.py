"""Counting and encoding: what is counted, and that the vocabularies are OpenAI's."""

import sys

import pytest

import ferrolite
from ferrolite.utils import get_token_count, trim_messages

USER = {"role": "user", "content": "hi"}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Gets weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "the city"},
                "unit": {"type": "string", "enum": ["c", "f"]},
                "n": {"type": "array", "items": {"type": "integer"}},
                "o": {"type": "object", "properties": {"a": {"type": "number"}}},
            },
            "required": ["city"],
        },
    },
}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)


def image(**more):
    return {"type": "image_url", "image_url": {"url": PIXEL, **more}}


def user(*parts):
    return [{"role": "user", "content": list(parts)}]


# What LiteLLM 1.109.1 counts.
@pytest.mark.parametrize(
    ("keywords", "expected"),
    [
        ({"text": "hi"}, 1),
        ({"text": ["hello", "world"]}, 2),
        ({"text": "hi there", "count_response_tokens": True}, 2),
        ({"text": ""}, 0),
        ({"messages": []}, 3),
        ({"messages": [USER]}, 8),
        ({"messages": [{**USER, "name": "bob"}]}, 10),
        ({"messages": [{"role": "system", "content": "You are x"}, USER]}, 15),
        ({"messages": [USER], "count_response_tokens": True}, 5),
        ({"messages": [USER], "tools": [TOOL]}, 67),
        ({"messages": [{"role": "system", "content": "x"}, USER], "tools": [TOOL]}, 68),
        ({"messages": [USER], "tools": [TOOL], "tool_choice": "none"}, 68),
        ({"messages": [USER], "tools": [TOOL], "tool_choice": "required"}, 67),
        ({"messages": [USER], "tools": [TOOL], "tool_choice": NAMED}, 76),
        ({"messages": user({"type": "text", "text": "hi"})}, 8),
        ({"messages": user({"type": "text", "text": "hi"}, image())}, 263),
        ({"messages": user({"type": "text", "text": "hi"}, image(detail="low"))}, 93),
        ({"messages": user({"type": "image_url", "image_url": PIXEL})}, 262),
        ({"messages": user(image(detail="high")), "use_default_image_token_count": True}, 257),
        ({"messages": user({"type": "weird"}), "default_token_count": 7}, 14),
        ({"messages": user({"type": "tool_result", "tool_use_id": "x", "content": "sunny day"})}, 10),
        ({"messages": user({"type": "file", "file": {"file_id": "abc"}})}, 7),
        ({"messages": [{"role": "user", "content": "hi", "x": 5}]}, 8),
        (
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": None,
                        "tool_calls": [
                            {
                                "id": "call_1",
                                "type": "function",
                                "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
                            }
                        ],
                    },
                    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
                ]
            },
            26,
        ),
    ],
)
def test_what_is_counted(keywords, expected):
    assert ferrolite.token_counter(model="gpt-4o-mini", **keywords) == expected


def test_message_objects_count_like_dicts():
    message = ferrolite.Message(content="hi", role="assistant")
    assert ferrolite.token_counter(model="gpt-4", messages=[message]) == 8
    assert get_token_count([USER], "gpt-4") == 8


@pytest.mark.parametrize(
    ("model", "chinese"),
    [("gpt-4o-mini", 9), ("azure/gpt-4.1", 9), ("gpt-4", 17), ("gemini/gemini-2.5-pro", 17), ("", 17)],
)
def test_a_model_chooses_the_vocabulary(model, chinese):
    assert ferrolite.token_counter(model=model, text="你好,世界!今天天气怎么样?") == chinese


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({}, "Either text or messages"),
        ({"text": "a", "messages": []}, "cannot both be set"),
        ({"text": "a", "tools": [TOOL]}, "cannot be set if using text"),
        (
            {"messages": user({"type": "input_audio"})},
            r"messages\[0\]: content\[0\]: a part of type 'input_audio'",
        ),
        ({"messages": user(image(detail="huge"))}, "none of low, high and auto"),
        ({"messages": ["text"]}, "a message is an object"),
        ({"messages": "text"}, "messages is not a list"),
    ],
)
def test_what_cannot_be_counted_is_refused(keywords, said):
    with pytest.raises(ValueError, match=said):
        ferrolite.token_counter(model="gpt-4", **keywords)


def test_texts_and_tokens_lead_to_each_other():
    for text in ["hello", "naïve café 😀", "", "你好世界", "<|endoftext|>"]:
        tokens = ferrolite.encode(model="gpt-4o", text=text)
        assert ferrolite.decode(model="gpt-4o", tokens=tokens) == text
        assert tokens == ferrolite.encoding.encode(text, disallowed_special=())
    assert ferrolite.encode(text="hello") == [15339]
    assert ferrolite.decode(tokens=ferrolite.encode(text="😀")[:1]) == "\ufffd"
    with pytest.raises(ValueError, match="no token 4000000"):
        ferrolite.decode(tokens=[4_000_000])


class Words:
    """A tokenizer of the caller's: a token for each word."""

    def encode(self, text):
        if "stop" in text:
            raise KeyError(text)
        return text.split()

    def decode(self, tokens):
        return " ".join(tokens)


def test_a_tokenizer_of_the_caller_counts_in_place_of_the_vocabulary():
    own = {"type": "own", "tokenizer": Words()}
    assert ferrolite.token_counter(custom_tokenizer=own, text="one two three") == 3
    messages = [{"role": "user", "content": "one two three"}]
    assert ferrolite.token_counter(custom_tokenizer=own, messages=messages) == 3 + 3 + 1 + 3
    assert ferrolite.encode(text="a b", custom_tokenizer=own) == ["a", "b"]
    assert ferrolite.decode(tokens=["a", "b"], custom_tokenizer=own) == "a b"
    with pytest.raises(KeyError, match="stop"):
        ferrolite.token_counter(custom_tokenizer=own, messages=[{"role": "user", "content": "stop"}])


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ImportError, match="pip install tokenizers"):
        ferrolite.create_tokenizer("{}")


# Trimming

WORDS = " ".join(f"w{number}" for number in range(60))
SYSTEM = {"role": "system", "content": "be nice"}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "c", "content": f"result {WORDS}"}


def count(messages):
    return ferrolite.token_counter(model="gpt-4", messages=messages)


@pytest.mark.parametrize("limit", [20, 50, 60, 100])
@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": WORDS}],
        [SYSTEM, {"role": "user", "content": WORDS}],
        [{"role": "system", "content": WORDS}, {"role": "user", "content": WORDS}],
        [SYSTEM, USER, {"role": "system", "content": WORDS}, {"role": "user", "content": WORDS}],
        [{"role": "user", "content": f"m{number} {WORDS[:60]}"} for number in range(10)],
        [USER, {"role": "user", "content": [{"type": "text", "text": WORDS}]}, USER],
    ],
)
def test_what_is_left_fits_and_is_of_the_end(messages, limit):
    before = [dict(message) for message in messages]
    kept = trim_messages(messages, model="gpt-4", max_tokens=limit)
    assert kept
    assert count(kept) <= limit
    assert messages == before
    if len(messages) > 1 and messages[0]["role"] == "system":
        assert kept[0]["role"] == "system"
    if count(messages) > limit and kept[-1]["role"] != "system":
        head, _, tail = kept[-1]["content"].partition("..")
        assert messages[-1]["content"].startswith(head)
        assert messages[-1]["content"].endswith(tail)


def test_what_fits_stays_as_it_is():
    messages = [SYSTEM, USER]
    assert trim_messages(messages, model="gpt-4", max_tokens=50) == messages
    assert trim_messages(messages, model="gpt-4") == messages
    assert trim_messages(messages, model="nobody-knows-it") == messages


def test_a_model_has_its_own_limit():
    long = [{"role": "user", "content": WORDS * 200}]
    kept = trim_messages(long, model="gpt-4", trim_ratio=0.5)
    assert 3_900 < count(kept) <= 4_096


def test_results_of_tools_at_the_end_are_kept_whole():
    kept = trim_messages([{"role": "user", "content": WORDS}, CALL, RESULT], model="gpt-4", max_tokens=60)
    assert kept[-2:] == [CALL, RESULT]
    assert ".." in kept[0]["content"]


def test_the_room_for_an_answer_is_returned_on_request():
    kept, left = trim_messages([USER], model="gpt-4", max_tokens=50, return_response_tokens=True)
    assert (kept, left) == ([USER], 42)
