"""curl against the gateway: each format, whole and streamed, a form, errors, headers."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from _gateway import KEY, done, gateway, skip

if not shutil.which("curl"):
    skip("curl is not on this machine")


def curl(*arguments: str) -> str:
    command = ["curl", "--silent", "--show-error", "--max-time", "20", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


JSON = ("-H", "content-type: application/json")
BEARER = ("-H", f"authorization: Bearer {KEY}")
HI = [{"role": "user", "content": "Hi"}]
HELLO = 'Hello from ferrolite mock: you said "Hi"'

with gateway() as (base, mock):
    chat = json.dumps({"model": "claude", "messages": HI})
    reply = json.loads(curl(f"{base}/v1/chat/completions", *BEARER, *JSON, "-d", chat))
    assert reply["choices"][0]["message"]["content"] == HELLO
    # curl says the type of a form where none is given; JSON it is all the same.
    reply = json.loads(curl(f"{base}/chat/completions", *BEARER, "-d", chat))
    assert reply["choices"][0]["message"]["content"] == HELLO
    streamed = curl(
        "-N",
        f"{base}/v1/chat/completions",
        *BEARER,
        *JSON,
        "-d",
        json.dumps({**json.loads(chat), "stream": True}),
    )
    assert streamed.endswith("data: [DONE]\n\n")
    message = json.dumps({"model": "gpt-4o", "max_tokens": 20, "messages": HI})
    reply = json.loads(curl(f"{base}/v1/messages", "-H", f"x-api-key: {KEY}", *JSON, "-d", message))
    assert reply["content"][0]["text"] == HELLO
    contents = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
    address = f"{base}/v1beta/models/gpt-4o:generateContent?key={KEY}"
    reply = json.loads(curl(address, *JSON, "-d", contents))
    assert reply["candidates"][0]["content"]["parts"][0]["text"] == HELLO
    address = f"{base}/v1beta/models/gpt-4o:streamGenerateContent?alt=sse&key={KEY}"
    assert curl("-N", address, *JSON, "-d", contents).startswith("data: {")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "batch.jsonl")
        path.write_text("{}\n")
        form = ("-F", "purpose=batch", "-F", f"file=@{path}")
        assert json.loads(curl(f"{base}/v1/files", *BEARER, *form))["bytes"] == 3
    told = curl("-i", f"{base}/v1/chat/completions", *BEARER, *JSON, "-d", json.dumps({"model": "cluade"}))
    assert told.startswith("HTTP/1.1 400")
    assert "Did you mean 'claude'?" in told
    told = curl("-i", f"{base}/v1/chat/completions", *JSON, "-d", chat)
    assert told.startswith("HTTP/1.1 401")
    assert curl("-i", "-X", "PUT", f"{base}/v1/models", *BEARER).startswith("HTTP/1.1 405")
    assert "ferrolite" in curl(f"{base}/")
    assert curl(f"{base}/health/liveliness") == '"I\'m alive!"'
    sent = json.loads(curl(f"{mock}/_mock/requests"))
    assert all(request["headers"].get("authorization") != f"Bearer {KEY}" for request in sent["requests"])

done(requests=sent["seen"])
