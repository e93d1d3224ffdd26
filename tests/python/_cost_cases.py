"""Calls whose cost is compared with LiteLLM's: which usages go with which models, and how a cost is asked for.

`scripts/record_costs.py` runs this with LiteLLM, `test_cost_facts.py` with the package; so it imports neither.
"""

import hashlib
import json
from importlib import import_module

# Usage as keyword arguments of `Usage`; "prompt" and "completion" are details.
USAGES = {
    "plain": {"n": (1200, 340)},
    "none": {"n": (0, 0)},
    "cached": {"n": (5000, 250), "prompt": {"cached_tokens": 4096}},
    "written": {"n": (9000, 120), "cache_read_input_tokens": 3000, "cache_creation_input_tokens": 2000},
    "written_1h": {
        "n": (9000, 120),
        "prompt": {
            "cached_tokens": 3000,
            "cache_creation_tokens": 2000,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": 1500,
                "ephemeral_1h_input_tokens": 500,
            },
        },
    },
    "above_128k": {"n": (150_000, 900), "prompt": {"cached_tokens": 1000}},
    "above_200k": {
        "n": (230_000, 1500),
        "cache_read_input_tokens": 50_000,
        "cache_creation_input_tokens": 700,
    },
    "above_272k": {"n": (300_001, 1500), "prompt": {"cached_tokens": 120_000}},
    "above_512k": {"n": (600_000, 1500), "prompt": {"cached_tokens": 120_000}},
    "reasoning": {"n": (800, 900), "completion": {"reasoning_tokens": 650}},
    "reasoning_text": {"n": (800, 900), "completion": {"reasoning_tokens": 650, "text_tokens": 250}},
    "audio": {
        "n": (1000, 500),
        "prompt": {"audio_tokens": 700, "text_tokens": 300},
        "completion": {"audio_tokens": 400, "text_tokens": 100},
    },
    "audio_cached": {"n": (1000, 500), "prompt": {"audio_tokens": 700, "cached_tokens": 200}},
    "image": {"n": (1500, 800), "prompt": {"image_tokens": 1100}, "completion": {"image_tokens": 600}},
    "video": {"n": (1500, 80), "prompt": {"video_tokens": 1100, "text_tokens": 400}},
    "kinds_cached": {
        "n": (1000, 100),
        "prompt": {
            "cached_tokens": 300,
            "text_tokens": 700,
            "audio_tokens": 250,
            "image_tokens": 50,
            "cached_tokens_details": {"text_tokens": 100, "audio_tokens": 150, "image_tokens": 50},
        },
    },
    "searched": {"n": (1000, 100), "prompt": {"web_search_requests": 2}},
    "server_searched": {"n": (1000, 100), "server_tool_use": {"web_search_requests": 3}},
}
CHAT = tuple(USAGES)
TIERS = ("priority", "flex")

IMAGE_USAGE = {
    "input_tokens": 50,
    "output_tokens": 1056,
    "total_tokens": 1106,
    "input_tokens_details": {"text_tokens": 20, "image_tokens": 30},
}


def provider_of(entry):
    """The provider to call a model at."""
    name = entry["litellm_provider"]
    head, _, group = name.partition("-")
    return head if group.endswith("models") else name


PROSE = ("comment", "metadata", "source")
"""What a table of figures does without."""


def digest(entries):
    """A fingerprint of models and their entries, the same for 0 and 0.0."""

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key not in PROSE}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return hashlib.sha256(json.dumps(plain(entries), sort_keys=True).encode()).hexdigest()[:16]


def cases(entry):
    """Names of the cases for a model's entry."""
    mode = entry.get("mode") or "chat"
    if mode in ("chat", "completion", "responses", "realtime"):
        yield from (f"tokens {name}" for name in CHAT if "searched" not in name)
        yield from (f"tokens cached {tier}" for tier in TIERS)
        yield from ("tokens above_272k priority", "response searched", "response server_searched")
        yield from ("response plain", "batch plain", "batch cached", "batch above_272k", "seconds plain")
        if any("multiplier" in key for key in entry):
            yield from ("residency eu", "residency us", "location us-central1", "location global")
    elif mode == "embedding":
        yield from ("embedding plain", "batch plain", "tokens image")
    elif mode == "audio_transcription":
        yield from ("transcription seconds", "transcription tokens", "transcription_response seconds")
    elif mode == "audio_speech":
        yield from ("speech", "tokens audio")
    elif mode == "rerank":
        yield from ("rerank units", "rerank tokens", "rerank_response units")
    elif mode == "search":
        yield from ("search 1", "search 3")
    elif mode in ("image_generation", "image_edit"):
        yield from (f"image {what}" for what in ("1", "2", "1024x1536 high", "usage"))
    elif mode == "video_generation":
        yield from ("video 5", "video 8 1080p")
    else:
        yield "tokens plain"


def evaluate(package, model, provider, case):
    """The cost of a case as a list of numbers."""
    types = import_module(f"{package.__name__}.types.utils")
    kind, _, rest = case.partition(" ")
    name, _, more = rest.partition(" ")
    usage = usage_of(types, name) if name in USAGES else None
    shared = {"model": model, "custom_llm_provider": provider}
    if kind in ("tokens", "embedding"):
        result = package.cost_per_token(
            usage_object=usage,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            service_tier=more or None,
            call_type="embedding" if kind == "embedding" else "completion",
            **shared,
        )
    elif kind == "seconds":
        result = package.cost_per_token(
            prompt_tokens=10, completion_tokens=20, response_time_ms=2500.0, **shared
        )
    elif kind in ("residency", "location"):
        where = {"data_residency" if kind == "residency" else "vertex_location": name}
        result = package.cost_per_token(prompt_tokens=1000, completion_tokens=100, **where, **shared)
    elif kind == "batch":
        calculator = import_module(f"{package.__name__}.cost_calculator")
        result = calculator.batch_cost_calculator(usage, model, custom_llm_provider=provider)
    elif kind == "response":
        message = types.Message(content="hi")
        response = types.ModelResponse(model=model, choices=[types.Choices(message=message)], usage=usage)
        result = package.completion_cost(response, **shared)
    elif kind == "transcription":
        usage = usage_of(types, "audio") if name == "tokens" else None
        counts = {"usage_object": usage, "prompt_tokens": 1000, "completion_tokens": 500} if usage else {}
        result = package.cost_per_token(
            call_type="transcription", audio_transcription_file_duration=73.5, **counts, **shared
        )
    elif kind == "transcription_response":
        response = types.TranscriptionResponse(text="hi")
        response.duration = 12.25
        result = package.completion_cost(response, call_type="atranscription", **shared)
    elif kind == "speech":
        result = package.cost_per_token(
            call_type="speech", prompt_characters=1234, prompt_tokens=300, completion_tokens=900, **shared
        )
    elif kind == "rerank":
        units = {"search_units": 3} if name == "units" else {"total_tokens": 5000}
        result = package.cost_per_token(call_type="rerank", rerank_billed_units=units, **shared)
    elif kind == "rerank_response":
        rerank = import_module(f"{package.__name__}.types.rerank").RerankResponse
        response = rerank(id="x", results=[], meta={"billed_units": {"search_units": 2}})
        result = package.completion_cost(response, call_type="arerank", **shared)
    elif kind == "search":
        result = package.cost_per_token(call_type="search", number_of_queries=int(name), **shared)
    elif kind == "video":
        calculator = import_module(f"{package.__name__}.cost_calculator")
        result = calculator.default_video_cost_calculator(
            model, float(name), provider, video_resolution=more or None
        )
    elif kind == "image":
        count = int(name) if name.isdigit() else 1
        pictures = [types.ImageObject(url="u")] * count
        given = {"size": name, "quality": more} if more else {}
        told = {"usage": IMAGE_USAGE} if name == "usage" else {}
        response = types.ImageResponse(created=1, data=pictures, **told)
        result = package.completion_cost(response, call_type="image_generation", **given, **shared)
    else:
        raise ValueError(case)
    return list(result) if isinstance(result, tuple) else [result]


def usage_of(types, name):
    """A usage object by its name."""
    given = dict(USAGES[name])
    prompt, completion = given.pop("n")
    details = given.pop("prompt", None)
    answer = given.pop("completion", None)
    if "server_tool_use" in given:
        given["server_tool_use"] = types.ServerToolUse(**given["server_tool_use"])
    return types.Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=details and types.PromptTokensDetailsWrapper(**details),
        completion_tokens_details=answer and types.CompletionTokensDetailsWrapper(**answer),
        **given,
    )
