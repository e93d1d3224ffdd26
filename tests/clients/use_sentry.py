"""sentry-sdk: its integration makes a span of each call, whole, streamed and failed."""

import threading

import litellm
import sentry_sdk
from _provider import KEY, Fail, Provider, done, raised
from sentry_sdk.integrations.litellm import LiteLLMIntegration
from sentry_sdk.transport import Transport

EVENTS: list[dict] = []


class Kept(Transport):
    def capture_envelope(self, envelope: object) -> None:
        EVENTS.extend(item.payload.json for item in envelope.items if item.payload.json)


with Provider("Hello there", "one two three", Fail(400, "a bad request")) as provider:
    sentry_sdk.init(
        dsn="http://key@127.0.0.1:9/1",
        transport=Kept,
        traces_sample_rate=1.0,
        send_default_pii=True,
        integrations=[LiteLLMIntegration(include_prompts=True)],
    )
    to = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    ask = [{"role": "user", "content": "Hi"}]
    called_back = threading.Semaphore(0)

    def succeeded(kwargs: dict, response: object, *times: object) -> None:
        if isinstance(response, litellm.ModelResponse):  # it is called for chunks, too
            called_back.release()

    with sentry_sdk.start_transaction(name="work"):
        # Callbacks run beside the caller: ours comes after sentry's.
        litellm.success_callback.append(succeeded)
        litellm.failure_callback.append(lambda *_: called_back.release())
        litellm.completion(messages=ask, **to)
        for _ in litellm.completion(messages=ask, stream=True, **to):
            pass
        raised(litellm.BadRequestError, litellm.completion, messages=ask, max_retries=0, **to)
        for _ in range(3):
            assert called_back.acquire(timeout=30)
    spans = [span for event in EVENTS for span in event.get("items", [])]
    assert [span["name"] for span in spans] == ["chat gpt-4o-mini"] * 3, EVENTS
    said = {name: value["value"] for name, value in spans[0]["attributes"].items()}
    assert said["gen_ai.request.model"] == "gpt-4o-mini", said
    assert said["gen_ai.usage.total_tokens"] == 18
    assert "Hello there" in said["gen_ai.response.text"]
    assert "Hi" in said["gen_ai.request.messages"]
    assert "gen_ai.response.text" not in spans[2]["attributes"]

done(spans=len(spans))
