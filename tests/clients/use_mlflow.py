"""mlflow: autolog makes a trace of each call, whole, streamed and async, and of a failure."""

import asyncio
import tempfile

import litellm
import mlflow
from _provider import KEY, Fail, Provider, done, raised

with Provider("Hello there", "one two three", "async", Fail(400, "a bad request")) as provider:
    folder = tempfile.mkdtemp()
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    experiment = mlflow.set_experiment("loopback")
    mlflow.litellm.autolog()
    to = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    ask = [{"role": "user", "content": "Hi"}]

    assert litellm.completion(messages=ask, temperature=0.5, **to).choices[0].message.content == "Hello there"
    text = "".join(
        chunk.choices[0].delta.content or "" for chunk in litellm.completion(messages=ask, stream=True, **to)
    )
    assert text == "one two three"

    async def call() -> None:
        await litellm.acompletion(messages=ask, **to)
        await asyncio.sleep(1)  # callbacks of async calls run in the loop

    asyncio.run(call())
    error = raised(litellm.BadRequestError, litellm.completion, messages=ask, max_retries=0, **to)
    assert "a bad request" in str(error)

    mlflow.flush_trace_async_logging()
    traces = mlflow.search_traces(return_type="list")
    traces.sort(key=lambda trace: trace.info.request_time)
    assert len(traces) == 4, [
        (trace.data.spans[0].name, str(trace.data.spans[0].outputs)[:300]) for trace in traces
    ]
    whole, streamed, other, failed = traces
    (span,) = whole.data.spans
    assert span.inputs["messages"] == ask
    assert span.outputs["choices"][0]["message"]["content"] == "Hello there"
    assert span.attributes["mlflow.chat.tokenUsage"]["total_tokens"] == 18, span.attributes
    assert "one two three" in str(streamed.data.spans[0].outputs)
    assert "async" in str(other.data.spans[0].outputs)
    assert failed.info.state.value == "ERROR"

    # Taken off, it makes no more.
    mlflow.litellm.autolog(disable=True)
    assert litellm.success_callback == []
    assert not litellm.callbacks

done(traces=len(traces), span=span.name)
