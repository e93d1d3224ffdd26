"""Usage: how providers' numbers fold into OpenAI's."""

import pytest

from ferrolite import stream_chunk_builder
from ferrolite.types.utils import (
    CacheCreationTokenDetails,
    CompletionTokensDetailsWrapper,
    PromptTokensDetailsWrapper,
    ServerToolUse,
    Usage,
)


def test_counts_are_zero_unless_given():
    usage = Usage(prompt_tokens=5, total_tokens=None)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (5, 0, 0)
    assert usage["prompt_tokens_details"] is None
    assert usage.completion_tokens_details is None


@pytest.mark.parametrize("name", ["cost", "server_tool_use", "cache_read_input_tokens"])
def test_fields_that_do_not_exist_unless_given(name):
    assert not hasattr(Usage(cost=None), name)
    assert name not in Usage()


def test_a_cost_that_is_no_number_is_dropped():
    assert not hasattr(Usage(cost=float("nan")), "cost")
    assert Usage(cost=0.5).cost == 0.5


@pytest.mark.parametrize("name", ["cache_read_input_tokens", "prompt_cache_hit_tokens"])
def test_cache_reads_go_to_cached_tokens(name):
    usage = Usage(prompt_tokens=10, prompt_tokens_details={"cached_tokens": 3, "text_tokens": 1}, **{name: 4})
    assert usage.prompt_tokens_details.cached_tokens == 4
    assert usage.prompt_tokens_details.text_tokens == 1
    assert usage[name] == 4
    assert usage._cache_read_input_tokens == 4


def test_cache_writes_go_to_both_of_their_names():
    usage = Usage(prompt_tokens=10, cache_creation_input_tokens=4)
    assert usage.prompt_tokens_details.cache_write_tokens == 4
    assert usage.prompt_tokens_details.cache_creation_tokens == 4
    assert usage._cache_creation_input_tokens == 4


def test_an_empty_cache_is_known_and_an_absent_one_is_not():
    assert Usage(cache_read_input_tokens=0).prompt_tokens_details.cached_tokens == 0
    absent = Usage(cache_read_input_tokens=None)
    assert absent.prompt_tokens_details is None
    assert absent.model_dump()["cache_read_input_tokens"] is None


@pytest.mark.parametrize(
    ("details", "reasoning", "text"),
    [
        (None, 2, 3),
        ({"text_tokens": 1}, 2, 1),
        ({"reasoning_tokens": 1}, 1, 3),
        ({"audio_tokens": 1, "image_tokens": 1}, 2, 1),
    ],
)
def test_reasoning_tokens_go_to_the_details(details, reasoning, text):
    usage = Usage(completion_tokens=5, reasoning_tokens=2, completion_tokens_details=details)
    assert usage.completion_tokens_details.reasoning_tokens == reasoning
    assert usage.completion_tokens_details.text_tokens == text
    assert "reasoning_tokens" not in usage


def test_text_tokens_are_never_negative():
    assert Usage(completion_tokens=5, reasoning_tokens=9).completion_tokens_details.text_tokens == 0


def test_details_become_instances():
    usage = Usage(
        prompt_tokens_details={"cached_tokens": 1},
        completion_tokens_details={"audio_tokens": 1},
        server_tool_use={"web_search_requests": 1, "unknown": 2},
    )
    assert type(usage.prompt_tokens_details) is PromptTokensDetailsWrapper
    assert type(usage.completion_tokens_details) is CompletionTokensDetailsWrapper
    assert type(usage.server_tool_use) is ServerToolUse
    assert not hasattr(usage.server_tool_use, "unknown")


def test_prompt_details_that_always_exist():
    names = [
        "audio_tokens",
        "cached_tokens",
        "image_tokens",
        "text_tokens",
        "video_tokens",
        "initial_prompt_tokens",
    ]
    assert PromptTokensDetailsWrapper().model_dump() == dict.fromkeys(names)


def test_prompt_details_that_exist_only_when_known():
    details = PromptTokensDetailsWrapper(
        character_count=3,
        web_search_requests=None,
        cache_creation_token_details={"ephemeral_5m_input_tokens": 4},
    )
    assert details.character_count == 3
    assert not hasattr(details, "web_search_requests")
    assert not hasattr(details, "cache_write_tokens")
    assert type(details.cache_creation_token_details) is CacheCreationTokenDetails


@pytest.mark.parametrize("name", ["cache_write_tokens", "cache_creation_tokens"])
def test_the_two_names_of_cache_writes_stay_equal(name):
    made = PromptTokensDetailsWrapper(**{name: 3})
    assert made.cache_write_tokens == made.cache_creation_tokens == 3
    setattr(made, name, 9)
    assert made.cache_write_tokens == made.cache_creation_tokens == 9


def test_other_numbers_stay_attributes():
    usage = Usage(prompt_tokens=1, queue_time=0.5)
    usage["later"] = 4
    assert usage.queue_time == 0.5
    assert usage.model_dump()["later"] == 4


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"cost": 0.5, "speed": "fast"},
        {"cache_read_input_tokens": 3, "cache_creation_input_tokens": 2},
        {
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "prompt_tokens_details": {
                "cached_tokens": 0,
                "cache_write_tokens": 0,
                "cache_creation_tokens": 0,
            },
        },
        {"prompt_cache_hit_tokens": 4},
        {"reasoning_tokens": 2},
        {"server_tool_use": {"web_search_requests": 1}},
        {"prompt_tokens_details": {"cached_tokens": 7}},
        {"prompt_tokens_details": {"cache_write_tokens": 0}},
        {"iterations": [{"input_tokens": 1}]},
    ],
)
def test_the_core_makes_what_the_constructor_makes(more):
    counts = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, **more}
    choices = [{"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}]
    chunks = [{"id": "1", "choices": choices}, {"id": "1", "choices": [], "usage": counts}]
    made, expected = stream_chunk_builder(chunks).usage, Usage(**counts)
    assert made.model_dump() == expected.model_dump()
    assert vars(made).keys() == vars(expected).keys()
    assert made._cache_read_input_tokens == expected._cache_read_input_tokens
    assert made._cache_creation_input_tokens == expected._cache_creation_input_tokens
