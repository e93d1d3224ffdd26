"""weave: its patch makes a call of each completion, whole and streamed."""

import os
import tempfile

os.environ["WANDB_MODE"] = "offline"
os.environ["WF_TRACE_SERVER_URL"] = "http://127.0.0.1:9"
os.chdir(tempfile.mkdtemp())

import litellm  # noqa: E402
from _provider import KEY, Provider, done  # noqa: E402
from weave.integrations.litellm.litellm import get_litellm_patcher  # noqa: E402

with Provider("Hello there", "one two three", "plain") as provider:
    original = litellm.completion
    patcher = get_litellm_patcher()
    patcher.attempt_patch()
    assert litellm.completion is not original
    to = {"model": "openai/gpt-4o-mini", "api_base": provider.url, "api_key": KEY}
    ask = [{"role": "user", "content": "Hi"}]
    assert litellm.completion(messages=ask, **to).choices[0].message.content == "Hello there"
    pieces = litellm.completion(messages=ask, stream=True, **to)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "one two three"
    patcher.undo_patch()
    assert litellm.completion is original
    assert litellm.completion(messages=ask, **to).choices[0].message.content == "plain"

done(calls=len(provider.chats))
