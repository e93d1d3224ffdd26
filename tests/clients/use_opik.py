"""opik: tracked calls, whole and streamed, as spans sent to its server; a judge."""

import os
from typing import Any

import litellm
from _provider import KEY, Json, Provider, done

SPANS: list[dict[str, Any]] = []


def server(path: str, body: dict[str, Any]) -> dict[str, Any]:
    SPANS.extend(body.get("spans", []))
    return {}


with Provider("Hello there", "one two three", Json(score=1.0, reason="fits"), others=server) as provider:
    os.environ["OPIK_URL_OVERRIDE"] = f"{provider.origin}/opik/api"
    import opik
    from opik.evaluation.models import LiteLLMChatModel
    from opik.integrations.litellm import track_completion

    to = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    ask = [{"role": "user", "content": "Hi"}]
    tracked = track_completion(project_name="loopback")(litellm.completion)
    assert tracked(messages=ask, **to).choices[0].message.content == "Hello there"
    stream = tracked(messages=ask, stream=True, stream_options={"include_usage": True}, **to)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == "one two three"

    judge = LiteLLMChatModel("openai/gpt-4o-mini", track=False, api_base=provider.url, api_key=KEY)
    assert "fits" in judge.generate_string("Is it right?")

    opik.flush_tracker()
    ended = [span for span in SPANS if span.get("output")]
    assert len(ended) == 2
    assert "Hello there" in str(ended[0]["output"])
    assert "one two three" in str(ended[1]["output"])
    assert [span["provider"] for span in ended] == ["openai", "openai"]
    assert ended[0]["usage"]["total_tokens"] == 18
    assert ended[0]["total_estimated_cost"] > 0

done(spans=len(SPANS))
