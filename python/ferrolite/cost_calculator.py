"""What calls cost, in US dollars.

Prices come from `ferrolite.model_cost`, or from a call's or deployment's own `input_cost_per_token` and the like. What
is known of an answer (its usage, its model, its pictures) is collected here; the core does the sums.
"""

from __future__ import annotations

from ferrolite import _core, _model_cost
from ferrolite._model_info import not_mapped
from ferrolite._stream import CoreReader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.model_info import CostPerToken
    from ferrolite.types.usage import Usage


def cost_per_token(
    model: str = "",
    prompt_tokens: int = 0,
    completion_tokens: int = 0,
    response_time_ms: float | None = 0.0,
    custom_llm_provider: str | None = None,
    region_name: Any = None,
    prompt_characters: int | None = None,
    completion_characters: int | None = None,
    cache_creation_input_tokens: int | None = 0,
    cache_read_input_tokens: int | None = 0,
    custom_cost_per_token: CostPerToken | None = None,
    custom_cost_per_second: float | None = None,
    number_of_queries: int | None = None,
    usage_object: Usage | None = None,
    rerank_billed_units: Any = None,
    call_type: str = "completion",
    audio_transcription_file_duration: float = 0.0,
    service_tier: str | None = None,
    data_residency: str | None = None,
    vertex_location: str | None = None,
    response: Any = None,
    request_model: str | None = None,
    custom_model_info: Any = None,
    bedrock_model_info: Any = None,
) -> tuple[float, float]:
    """What the prompt and the answer of a call cost, in US dollars.

    Args:
        model: "provider/model", or the bare name of a listed model.
        prompt_tokens, completion_tokens: All tokens that went in and came out, cached ones included.
        response_time_ms: Milliseconds that the call took, for models that are paid by time.
        custom_llm_provider: The provider, where the name does not say it.
        region_name: AWS's region, for models with prices of their own there.
        prompt_characters, completion_characters: For models that are paid by character.
        cache_creation_input_tokens, cache_read_input_tokens: Of the prompt, what the cache took.
        custom_cost_per_token, custom_cost_per_second: Prices of your own, in place of the listed ones. Tokens of the
            cache without a price are paid as others; counted in arguments, they are paid beside `prompt_tokens`.
        number_of_queries: Searches of a call of type `search`.
        usage_object: An answer's usage, with its details; in place of the counts above.
        rerank_billed_units: What a ranking was billed for: `search_units`, `total_tokens`.
        call_type: `completion`, `embedding`, `rerank`, `transcription`, `speech` …
        audio_transcription_file_duration: Seconds of sound.
        service_tier: `priority`, `flex` …
        data_residency, vertex_location: Where OpenAI keeps the data, where Google runs the model.
        response: The answer of a call of type `ocr`.
        custom_model_info: Entries of your own in place of the listed ones, as in `model_cost`.
        request_model, bedrock_model_info: Accepted for LiteLLM's sake.

    Raises:
        ModelNotMappedError: The model is not listed.
        BadRequestError: The model's provider cannot be told.
    """
    if custom_cost_per_token is not None:
        read, written = cache_read_input_tokens or 0, cache_creation_input_tokens or 0
        prompt = _prompt_by_own(custom_cost_per_token, prompt_tokens, read, written, _as_dict(usage_object))
        return prompt, completion_tokens * custom_cost_per_token["output_cost_per_token"]
    if custom_cost_per_second is not None:
        return 0.0, custom_cost_per_second * (response_time_ms or 0.0) / 1000
    provider = custom_llm_provider or _core.split_model(model)[0]
    work: dict[str, Any] = {
        "call_type": call_type,
        "provider": provider,
        "service_tier": service_tier,
        "data_residency": data_residency,
        "vertex_location": vertex_location,
        "seconds": (response_time_ms or 0.0) / 1000,
        "audio_seconds": audio_transcription_file_duration,
        "prompt_characters": prompt_characters,
        "completion_characters": completion_characters,
        "queries": number_of_queries or 0,
    }
    if usage_object is not None:
        work["usage"] = _as_dict(usage_object)
    else:
        work["usage"] = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "cache_creation_input_tokens": cache_creation_input_tokens or 0,
            "cache_read_input_tokens": cache_read_input_tokens or 0,
        }
    if rerank_billed_units is not None:
        units = _as_dict(rerank_billed_units)
        work["search_units"] = units.get("search_units") or 0
        work["billed_tokens"] = units.get("total_tokens") or 0
    if call_type in ("ocr", "aocr"):
        work.update(_pages(response))
    prompt, completion, _ = _priced(model, provider, work, region_name, custom_model_info)
    return prompt, completion


def completion_cost(
    completion_response: Any = None,
    model: str | None = None,
    prompt: str = "",
    messages: list[Any] = [],  # noqa: B006 - LiteLLM's own default; it is only read
    completion: str = "",
    total_time: float | None = 0.0,
    call_type: str | None = None,
    custom_llm_provider: str | None = None,
    region_name: Any = None,
    size: str | None = None,
    quality: str | None = None,
    n: int | None = None,
    custom_cost_per_token: CostPerToken | None = None,
    custom_cost_per_second: float | None = None,
    optional_params: dict[str, Any] | None = None,
    custom_pricing: bool | None = None,
    base_model: str | None = None,
    standard_built_in_tools_params: Any = None,
    litellm_model_name: str | None = None,
    router_model_id: str | None = None,
    litellm_logging_obj: Any = None,
    pricing_provider: str | None = None,
    service_tier: str | None = None,
    data_residency: str | None = None,
    vertex_location: str | None = None,
) -> float:
    """What an answer cost, in US dollars: prompt, answer, and the provider's own tools.

    A cost that the provider reports in `usage.cost` is taken as it is.

    Args:
        completion_response: An answer of any call, or a dict in its form.
        model: The model, where the answer does not say it. The answer's own model counts first.
        prompt, messages, completion: Texts whose tokens are counted, where there is no answer.
        total_time: Milliseconds that the call took, for models that are paid by time.
        call_type: `completion`, `embedding` …; by default what the answer's class tells.
        custom_llm_provider: The provider, where neither the model nor the answer says it.
        region_name: AWS's region, for models with prices of their own there.
        size, quality: Of pictures.
        n: How many pictures were asked for; by default as many as the answer has.
        custom_cost_per_token, custom_cost_per_second: Prices of your own, in place of the listed ones.
        optional_params: Parameters of the call, of which `service_tier`, `size`, `quality` and `max_results` count.
        base_model: The model behind a deployment with a name of its own; goes before the answer's.
        custom_pricing: Whether `model` or `router_model_id` is an entry of your own in `model_cost`.
        standard_built_in_tools_params: `web_search_options` with a `search_context_size`.
        litellm_model_name: Another name to look for, last.
        router_model_id: The id of a deployment whose prices are in `model_cost`.
        pricing_provider: The provider whose prices count, in place of the one that was called.
        service_tier, data_residency, vertex_location: As for `cost_per_token`.
        litellm_logging_obj: Accepted for LiteLLM's sake.

    Raises:
        ModelNotMappedError: The model is not listed.
        BadRequestError: The model's provider cannot be told.
        ValueError: There is no model at all, or a stream whose cost only its chunks can tell.
    """
    if isinstance(completion_response, CoreReader):
        return _cost_of_stream(completion_response)
    hidden = _hidden(completion_response)
    response = _as_dict(completion_response)
    usage = _as_dict(response.get("usage"))
    call_type = call_type or _call_type_of(completion_response)
    params = optional_params or {}
    names = [
        name
        for name in (
            router_model_id if custom_pricing else None,
            model if custom_pricing else None,
            base_model,
            response.get("model"),
            hidden.get("model"),
            model,
            hidden.get("litellm_model_name"),
            litellm_model_name,
        )
        if name
    ]
    if not names:
        raise ValueError("there is no model: neither the call nor the answer names one")
    if not usage and completion_response is None and call_type in _COUNTED:
        usage = _count_tokens(names[0], prompt, messages, completion)
    if custom_cost_per_token is not None or custom_cost_per_second is not None:
        return sum(
            cost_per_token(
                usage_object=usage,  # pyright: ignore[reportArgumentType]
                prompt_tokens=usage.get("prompt_tokens") or 0,
                completion_tokens=usage.get("completion_tokens") or 0,
                response_time_ms=total_time,
                custom_cost_per_token=custom_cost_per_token,
                custom_cost_per_second=custom_cost_per_second,
            )
        )
    told = pricing_provider or custom_llm_provider or hidden.get("custom_llm_provider")
    if not told:
        told = _core.split_model(model or names[0])[0]
    reported = _reported_cost(usage, told)
    if reported is not None:
        return reported
    work: dict[str, Any] = {
        "call_type": call_type,
        "usage": usage,
        "service_tier": _first(
            service_tier, params.get("service_tier"), response.get("service_tier"), usage.get("service_tier")
        ),
        "data_residency": data_residency,
        "vertex_location": vertex_location,
        "seconds": (total_time or 0.0) / 1000,
        "search_context_size": _search_size(standard_built_in_tools_params, params),
        "cited": _searched(response),
        "by_size": call_type in ("completion", "acompletion"),
        **_extent(call_type, response, hidden, usage, params, prompt),
    }
    if told == "vertex_ai" and call_type in ("completion", "acompletion"):
        work |= {"prompt_characters": len(prompt), "completion_characters": _letters(response)}
    if call_type in _PICTURES:
        size = size or params.get("size") or response.get("size")
        quality = quality or params.get("quality") or response.get("quality")
        if n and told not in _PAID_BY_ANSWER:
            work["images"] = n
        return _images(names, told, work, size, quality)
    region = region_name or hidden.get("region_name")
    failed: Exception | None = None
    for name in names:
        try:
            return sum(_priced(name, told, {**work, "provider": told}, region, None))
        except Exception as error:
            failed = failed or error
    raise failed or not_mapped(names[0], told)


def _cost_of_stream(stream: CoreReader) -> float:
    known = stream._hidden_params.get("response_cost")  # pyright: ignore[reportPrivateUsage]
    if known is None:
        raise ValueError(
            "a stream does not keep its chunks: pass stream_chunk_builder(chunks, messages=messages), or ask for the "
            'usage (stream_options={"include_usage": True}) and read it to its end'
        )
    return known


def response_cost_calculator(
    response_object: Any,
    model: str,
    custom_llm_provider: str | None,
    call_type: str,
    optional_params: dict[str, Any],
    cache_hit: bool | None = None,
    base_model: str | None = None,
    custom_pricing: bool | None = None,
    prompt: str = "",
    standard_built_in_tools_params: Any = None,
    litellm_model_name: str | None = None,
    router_model_id: str | None = None,
    litellm_logging_obj: Any = None,
    pricing_provider: str | None = None,
    service_tier: str | None = None,
    data_residency: str | None = None,
    vertex_location: str | None = None,
    region_name: str | None = None,
    custom_cost_per_token: CostPerToken | None = None,
    custom_cost_per_second: float | None = None,
) -> float:
    """What an answer cost, nothing if it came from the cache. Arguments are those of `completion_cost`."""
    if cache_hit:
        return 0.0
    known = get_response_cost_from_hidden_params(_hidden(response_object))
    if known is not None:
        return known
    return completion_cost(
        response_object,
        model,
        prompt=prompt,
        call_type=call_type,
        custom_llm_provider=custom_llm_provider,
        region_name=region_name,
        optional_params=optional_params,
        base_model=base_model,
        custom_pricing=custom_pricing,
        custom_cost_per_token=custom_cost_per_token,
        custom_cost_per_second=custom_cost_per_second,
        standard_built_in_tools_params=standard_built_in_tools_params,
        litellm_model_name=litellm_model_name,
        router_model_id=router_model_id,
        pricing_provider=pricing_provider,
        service_tier=service_tier,
        data_residency=data_residency,
        vertex_location=vertex_location,
    )


def get_response_cost_from_hidden_params(hidden_params: Any) -> float | None:
    """The cost that a LiteLLM proxy told in its headers, or None."""
    headers = _as_dict(_as_dict(hidden_params).get("additional_headers"))
    cost = headers.get("llm_provider-x-litellm-response-cost")
    try:
        return None if cost is None else float(cost)
    except ValueError:
        return None


def batch_cost_calculator(
    usage: Usage,
    model: str,
    custom_llm_provider: str | None = None,
    model_info: Any = None,
    data_residency: str | None = None,
    *,
    vertex_location: str | None = None,
) -> tuple[float, float]:
    """What prompt and answer of a batch's call cost: half of the usual price where the batch has none of its own."""
    provider = custom_llm_provider or _core.split_model(model)[0]
    work = {
        "provider": provider,
        "call_type": "batch",
        "usage": _as_dict(usage),
        "data_residency": data_residency,
        "vertex_location": vertex_location,
    }
    prompt, completion, _ = _priced(model, provider, work, None, model_info)
    return prompt, completion


def fireworks_ai_cost_per_token(model: str, usage: Usage, current_time: Any = None) -> tuple[float, float]:
    """`cost_per_token` for a model of Fireworks; unlisted ones cost what their size does."""
    return cost_per_token(model, custom_llm_provider="fireworks_ai", usage_object=usage)


def rerank_cost(model: str, custom_llm_provider: str | None, billed_units: Any = None) -> tuple[float, float]:
    """What a ranking cost."""
    return cost_per_token(
        model, custom_llm_provider=custom_llm_provider, rerank_billed_units=billed_units, call_type="rerank"
    )


def transcription_cost(model: str, custom_llm_provider: str | None, duration: float) -> tuple[float, float]:
    """What a transcription of so many seconds cost."""
    return cost_per_token(
        model,
        custom_llm_provider=custom_llm_provider,
        audio_transcription_file_duration=duration,
        call_type="transcription",
    )


def default_image_cost_calculator(
    model: str,
    custom_llm_provider: str | None = None,
    quality: str | None = None,
    n: int | None = 1,
    size: str | None = "1024-x-1024",
    optional_params: dict[str, Any] | None = None,
    model_info: Any = None,
) -> float:
    """What pictures cost by their number, size and quality."""
    params = optional_params or {}
    provider = custom_llm_provider or _core.split_model(model)[0]
    work: dict[str, Any] = {"call_type": "image_generation", "images": 1 if n is None else n}
    return _images([model], provider, work, size or params.get("size"), quality or params.get("quality"))


def default_video_cost_calculator(
    model: str,
    duration_seconds: float,
    custom_llm_provider: str | None = None,
    model_info: Any = None,
    video_resolution: str | None = None,
) -> float:
    """What a film of so many seconds cost."""
    provider = custom_llm_provider or _core.split_model(model)[0]
    work = {
        "call_type": "video_generation",
        "provider": provider,
        "video_seconds": duration_seconds,
        "resolution": video_resolution,
    }
    return sum(_priced(model, provider, work, None, model_info))


# How an answer's cost gets into its `_hidden_params`


def cost_of_answer(answer: Any, meta: _core.CallMeta) -> float | None:
    """What an answer of the core cost; None where no price is known."""
    return cost_by_facts(answer, meta.cost_facts(), meta.response_ms)


def cost_by_facts(answer: Any, facts: dict[str, Any], milliseconds: float) -> float | None:
    """The same by the facts of its call; None where no price is known."""
    try:
        # Its fields, and not itself: what is known of its call is what is being found out.
        # Only the outermost ones: there may be thousands of vectors below.
        fields = _outermost(answer)
        paid = facts.get("paid_tokens")
        if paid is not None:
            # From a cache, all of it or all but these.
            if paid == 0:
                return 0.0
            fields = {
                **fields,
                "usage": {"prompt_tokens": paid, "completion_tokens": 0, "total_tokens": paid},
            }
        return _cost_by_facts(fields, facts, milliseconds)
    except Exception:
        return None


def _cost_by_facts(answer: dict[str, Any], facts: dict[str, Any], milliseconds: float) -> float:
    """The same by the facts of the call. A caller's own prices go before the listed ones, and only for this call."""
    provider, asked, call_type = facts["provider"], facts["asked"], facts["call_type"]
    own = facts["prices"]
    prompt = asked["input"] if isinstance(asked.get("input"), str) else ""
    if not own:
        return completion_cost(
            answer,
            f"{provider}/{facts['model']}",
            prompt=prompt,
            total_time=milliseconds,
            call_type=call_type,
            custom_llm_provider=provider,
            optional_params=asked,
            base_model=facts["base_model"],
            vertex_location=asked.get("vertex_location"),
        )
    usage = _as_dict(answer.get("usage"))
    name = facts["base_model"] or facts["model"]
    found = _core.find_model(name, provider, _model_cost.own())
    listed = found[1] if found and not any(key.endswith("_cost_per_second") for key in own) else {}
    work: dict[str, Any] = {
        "call_type": call_type,
        "provider": provider,
        "usage": usage,
        "service_tier": _first(asked.get("service_tier"), answer.get("service_tier")),
        "seconds": milliseconds / 1000,
        **_extent(call_type, answer, {}, usage, asked, prompt),
    }
    return sum(_core.price_work({**listed, **own}, work))


def add_to_usage(
    chunk: Any, meta: _core.CallMeta, parts: list[tuple[str, Any, _core.CallMeta]]
) -> float | None:
    """Put the cost of a stream where its last chunk reports the usage; returns it.

    `parts` are the attempts of a stream that was continued: model, usage and facts of each. They have their own prices.
    """
    usage = chunk.usage
    if parts:
        costs = [cost_of_answer({"model": model, "usage": used}, facts) for model, used, facts in parts]
        known = [cost for cost in costs if cost is not None]
        cost = sum(known) if len(known) == len(costs) else None
    else:
        cost = cost_of_answer(chunk, meta)
    if cost is not None:
        if parts or getattr(usage, "cost", None) is None:
            usage.cost = cost
        chunk._hidden_params = {"response_cost": cost}
    return cost


def cost_of_chunks(answer: Any) -> float | None:
    """What the stream cost whose chunks make an answer; None where no price is known."""
    try:
        return completion_cost(answer)
    except Exception:
        return None


def _prompt_by_own(
    prices: CostPerToken, prompt: int, read: int, written: int, usage: dict[str, Any]
) -> float:
    """What a prompt costs by a caller's own prices.

    As LiteLLM has it: what of the cache is told only in the prompt's details is part of the prompt, what has a field of
    its own is beside it.
    """
    details = _as_dict(usage.get("prompt_tokens_details"))
    read = read or usage.get("cache_read_input_tokens") or 0
    written = written or usage.get("cache_creation_input_tokens") or 0
    if not read and not written:
        read = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
        written = details.get("cache_creation_tokens") or 0
        prompt = max(prompt - read - written, 0)
    price = prices["input_cost_per_token"]
    of_read = prices.get("cache_read_input_token_cost")
    of_written = prices.get("cache_creation_input_token_cost")
    return (
        prompt * price
        + read * (price if of_read is None else of_read)
        + written * (price if of_written is None else of_written)
    )


# What an answer tells


_COUNTED = ("completion", "acompletion", "text_completion", "atext_completion", "embedding", "aembedding")
_PICTURES = ("image_generation", "aimage_generation", "image_edit", "aimage_edit", "image_variation")
_PAID_BY_ANSWER = (
    "aiml",
    "bedrock",
    "cometapi",
    "fal_ai",
    "gemini",
    "recraft",
    "runwayml",
    "vertex_ai",
)
"""Where the pictures that came are paid, however many were asked for."""
_CALL_TYPES = {
    "EmbeddingResponse": "embedding",
    "HttpxBinaryResponseContent": "speech",
    "ImageResponse": "image_generation",
    "OpenAIModerationResponse": "moderation",
    "RerankResponse": "rerank",
    "ResponsesAPIResponse": "responses",
    "TextCompletionResponse": "text_completion",
    "TranscriptionResponse": "transcription",
}


def _call_type_of(response: Any) -> str:
    for cls in type(response).__mro__:
        if cls.__name__ in _CALL_TYPES:
            return _CALL_TYPES[cls.__name__]
    return "completion"


def _as_dict(value: Any) -> dict[str, Any]:
    """The fields of a dict or a model; nothing for anything else."""
    if value is None:
        return {}
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    dump = getattr(value, "model_dump", None)
    return dump() if dump else dict(getattr(value, "__dict__", {}))


def _outermost(value: Any) -> dict[str, Any]:
    """The same without a copy of what is below."""
    return dict(iter(value)) if hasattr(value, "model_dump") else _as_dict(value)


def _hidden(response: Any) -> dict[str, Any]:
    if isinstance(response, dict):
        return _as_dict(response.get("_hidden_params"))  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
    return _as_dict(getattr(response, "_hidden_params", None))


def _first(*values: Any) -> Any:
    return next((value for value in values if value), None)


def _reported_cost(usage: dict[str, Any], provider: str) -> float | None:
    """What the provider says that the call cost. opencode's figure is no price."""
    cost = usage.get("cost")
    if isinstance(cost, dict):
        cost = cost.get("total_cost")  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return float(cost) if isinstance(cost, (int, float)) and provider != "opencode_go" else None


def _search_size(tools: Any, params: dict[str, Any]) -> str | None:
    options = _as_dict(_as_dict(tools).get("web_search_options") or params.get("web_search_options"))
    return options.get("search_context_size")


def _searched(response: dict[str, Any]) -> bool:
    """Whether an answer cites pages, or says that it searched."""
    for item in response.get("output") or ():
        if _as_dict(item).get("type") == "web_search_call":
            return True
    for choice in response.get("choices") or ():
        for note in _as_dict(_as_dict(choice).get("message")).get("annotations") or ():
            if _as_dict(note).get("type") == "url_citation":
                return True
    return False


def _letters(response: dict[str, Any]) -> int:
    """Characters of the answer's texts."""
    messages = (_as_dict(_as_dict(choice).get("message")) for choice in response.get("choices") or ())
    return sum(len(message.get("content") or "") for message in messages)


def _extent(
    call_type: str,
    response: dict[str, Any],
    hidden: dict[str, Any],
    usage: dict[str, Any],
    params: dict[str, Any],
    prompt: str,
) -> dict[str, Any]:
    """How much was done in calls that are not paid by token."""
    kind = call_type.removeprefix("a") if call_type.removeprefix("a") in _KINDS else call_type
    if kind == "transcription":
        seconds = _first(
            response.get("duration"), hidden.get("audio_transcription_duration"), usage.get("seconds")
        )
        return {"audio_seconds": seconds or 0.0}
    if kind == "speech":
        return {"prompt_characters": len(prompt)}
    if kind == "rerank":
        units = _as_dict(_as_dict(response.get("meta")).get("billed_units"))
        tokens = _as_dict(_as_dict(response.get("meta")).get("tokens"))
        return {
            "search_units": units.get("search_units") or 0,
            "billed_tokens": units.get("total_tokens") or tokens.get("input_tokens") or 0,
        }
    if kind == "search":
        return {"queries": 1, "max_results": params.get("max_results")}
    if kind == "ocr":
        return _pages(response)
    if kind in _PICTURES:
        return {"images": len(response.get("data") or ()) or 1}
    return {}


_KINDS = ("ocr", "rerank", "search", "speech", "transcription", "image_generation", "image_edit")


def _pages(response: Any) -> dict[str, Any]:
    usage = _as_dict(_as_dict(response).get("usage_info"))
    if not usage:
        raise ValueError("an answer of an OCR call with its usage_info is needed")
    return {"pages": usage.get("pages_processed") or 0}


def _count_tokens(model: str, prompt: str, messages: list[Any], completion: str) -> dict[str, Any]:
    from ferrolite._tokens import token_counter

    counted: int = token_counter(model, messages=messages) if messages else token_counter(model, text=prompt)
    answered: int = token_counter(model, text=completion) if completion else 0
    return {"prompt_tokens": counted, "completion_tokens": answered, "total_tokens": counted + answered}


# Look-ups


def _priced(
    model: str, provider: str, work: dict[str, Any], region: str | None, own_entry: Any
) -> tuple[float, float, float]:
    """Prompt, answer and tools by the entry of a model."""
    if own_entry:
        return _core.price_work(dict(own_entry), work)
    own = _model_cost.own()
    names = [model]
    if region and provider.startswith("bedrock"):
        names.insert(0, f"bedrock/{region}/{model.removeprefix('bedrock/')}")
    if provider == "fireworks_ai":
        names.append(_fireworks_size(model))
    elif provider == "together_ai" and work.get("by_size"):
        names.append(_together_size(model))
    for name in names:
        cost = _core.price_model(name, provider, work, own)
        # A listed model of Together's may have no price of its own, but that of its size.
        if cost is not None and (any(cost) or provider != "together_ai" or name == names[-1]):
            return cost
    if provider in ("huggingface", "ollama", "ollama_chat"):
        return 0.0, 0.0, 0.0
    raise not_mapped(model, provider)


def _together_size(model: str) -> str:
    """The entry for a model of its size, or the model's own name where that does not tell it."""
    import re

    found = re.search(r"(\d+(?:\.\d+)?)b", model.lower())
    bounds = ((4, "up-to-4b"), (8, "4.1b-8b"), (21, "8.1b-21b"), (41, "21.1b-41b"), (80, "41.1b-80b"))
    if not found:
        return model
    billions = float(found[1])
    return "together-ai-" + next((name for most, name in bounds if billions <= most), "81.1b-110b")


def _fireworks_size(model: str) -> str:
    """The entry for a model of its size: "…-8b", or "…-8x7b" for a mixture of experts."""
    import re

    found = re.search(r"(?:(\d+)x)?(\d+(?:\.\d+)?)b(?![a-z])", model.lower())
    if not found:
        return "fireworks-ai-default"
    experts, size = found.groups()
    billions = float(size) * int(experts or 1)
    if experts:
        return "fireworks-ai-moe-up-to-56b" if billions <= 56 else "fireworks-ai-56b-to-176b"
    if billions <= 4:
        return "fireworks-ai-up-to-4b"
    return "fireworks-ai-4.1b-to-16b" if billions <= 16 else "fireworks-ai-above-16b"


def _images(
    names: list[str], provider: str, work: dict[str, Any], size: str | None, quality: str | None
) -> float:
    """Pictures: their size and quality may stand before the model's name."""
    shape = (size or "1024x1024").replace("-x-", "x")
    width, _, height = shape.partition("x")
    if width.isdigit() and height.isdigit():
        work |= {"width": int(width), "height": int(height)}
    work["provider"] = provider
    shape = shape.replace("x", "-x-")
    own = _model_cost.own()
    for name in names:
        bare = name.removeprefix(f"{provider}/")
        levels = [quality] if quality else ["standard", "high"]
        listed = [f"{level}/{shape}/{bare}" for level in levels]
        listed += [f"{provider}/{level}/{shape}/{bare}" for level in levels]
        listed += [f"{shape}/{bare}", f"{shape}/50-steps/{bare}", name, bare]
        if work.get("usage"):
            listed.insert(0, name)
        for key in listed:
            cost = _core.price_model(key, provider, work, own)
            if cost is not None:
                return sum(cost)
    raise not_mapped(names[0], provider)
