"""openinference: spans of calls, whole, streamed, async and failed, then taken off again."""

import asyncio

import litellm
from _provider import KEY, Call, Fail, Provider, done, raised
from openinference.instrumentation.litellm import LiteLLMInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

with Provider(
    "Hello there", "one two three", Call("add", a=2, b=3), "async", Fail(400, "a bad request"), "plain"
) as provider:
    exporter = InMemorySpanExporter()
    tracing = TracerProvider()
    tracing.add_span_processor(SimpleSpanProcessor(exporter))
    original = litellm.completion
    LiteLLMInstrumentor().instrument(tracer_provider=tracing)
    assert litellm.completion is not original

    to = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    ask = [{"role": "user", "content": "Hi"}]
    litellm.completion(messages=ask, temperature=0.5, **to)
    pieces = list(litellm.completion(messages=ask, stream=True, **to))
    litellm.completion(messages=ask, **to)
    asyncio.run(litellm.acompletion(messages=ask, **to))
    raised(litellm.BadRequestError, litellm.completion, messages=ask, max_retries=0, **to)
    litellm.embedding("openai/text-embedding-3-small", ["a b"], api_base=provider.url, api_key=KEY)

    spans = exporter.get_finished_spans()
    assert len(spans) == 6, [span.name for span in spans]
    whole, streamed, called, other, failed, embedded = (dict(span.attributes) for span in spans)
    said = "llm.output_messages.0.message.content"
    assert whole["openinference.span.kind"] == "LLM"
    assert whole["llm.model_name"] == "openai/gpt-4o-mini"
    assert whole["llm.input_messages.0.message.content"] == "Hi"
    assert whole[said] == "Hello there"
    assert whole["llm.token_count.total"] == 18
    assert streamed[said] == "one two three"
    assert len(pieces) > 2
    arguments = "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments"
    assert called[arguments] == '{"a": 2, "b": 3}'
    assert other[said] == "async"
    assert spans[4].status.is_ok is False
    assert embedded["openinference.span.kind"] == "EMBEDDING"

    LiteLLMInstrumentor().uninstrument()
    assert litellm.completion is original
    litellm.completion(messages=ask, **to)
    assert len(exporter.get_finished_spans()) == 6

done(spans=[span.name for span in spans])
