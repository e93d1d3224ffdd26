"""Hooks of the gateway in Python, over real HTTP: each as a configuration of LiteLLM's would name it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from ferrolite.gateway import Gateway
from ferrolite.testing import MockServer

DOCS = Path(__file__).parents[2] / "docs" / "gateway-hooks.md"
CHAT = {"model": "gpt", "messages": [{"role": "user", "content": "Say hi"}]}


def send(base, path="/v1/chat/completions", body=None, key="sk-1234", method=None, timeout=30):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    request = urllib.request.Request(base + path, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()


def text_of(answer):
    status, _, body = answer
    assert status == 200, body
    return json.loads(body)["choices"][0]["message"]["content"]


def error_of(answer):
    return answer[0], json.loads(answer[2])["error"]["message"]


def chunks_of(answer):
    assert answer[0] == 200, answer[2]
    frames = [line[6:] for line in answer[2].splitlines() if line.startswith("data: ")]
    assert frames[-1] == "[DONE]"
    return [json.loads(frame) for frame in frames[:-1]]


def said(chunks):
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c.get("choices"))


def wait_for(check, seconds=10.0):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def config(folder, upstream, extra="", model="openai/gpt-4o"):
    file = folder / "config.yaml"
    file.write_text(
        textwrap.dedent(f"""
        model_list:
          - model_name: gpt
            litellm_params: {{model: {model}, api_base: "{upstream}", api_key: x}}
        """)
        + textwrap.dedent(extra)
    )
    return file


@contextmanager
def gateway(folder, module, extra, name="hooks_module", **mock):
    """A gateway with a module beside its configuration; the module's name is its folder's own."""
    (folder / f"{name}.py").write_text(textwrap.dedent(module))
    with MockServer(record=True, **mock) as upstream:
        file = config(folder, upstream.base_url, extra)
        with Gateway(config=str(file), port=0) as running:
            running.upstream = upstream
            yield running


def asked_last(running):
    """The body that the provider was last sent."""
    base = running.upstream.base_url.removesuffix("/v1")
    return json.loads(send(base, "/_mock/requests")[2])["requests"][-1]["body"]


def logger_of(folder, name="hooks_module"):
    from ferrolite import _gateway_hooks

    return _gateway_hooks.find(f"{name}.handler", str(folder))


CALLBACKS = """
litellm_settings:
  callbacks: hooks_module.handler
"""

PRE_CALL = """
from ferrolite.integrations.custom_logger import CustomLogger
from ferrolite.proxy.proxy_server import DualCache, UserAPIKeyAuth

class Refused(Exception):
    def __init__(self, status_code, detail):
        self.status_code, self.detail = status_code, detail

class Handler(CustomLogger):
    def __init__(self):
        super().__init__()
        self.seen = []

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        assert isinstance(user_api_key_dict, UserAPIKeyAuth) and isinstance(cache, DualCache)
        self.seen.append((call_type, dict(data)))
        text = str(data.get("messages") or data.get("input"))
        if "change" in text:
            data["messages"] = [{"role": "user", "content": "something else"}]
            data["max_tokens"] = 7
        if "reject" in text:
            return "not with me"
        if "raise" in text:
            raise Refused(403, {"error": "forbidden words"})
        if "break" in text:
            raise ValueError("out of order")
        return data

handler = Handler()
"""


def ask(text, **more):
    return {**CHAT, "messages": [{"role": "user", "content": text}], **more}


def test_a_pre_call_hook_changes_rejects_and_refuses(tmp_path):
    with gateway(tmp_path, PRE_CALL, CALLBACKS) as running:
        base = running.base_url
        assert text_of(send(base, body=ask("plain")))
        handler = logger_of(tmp_path)
        call_type, data = handler.seen[-1]
        assert call_type == "completion"
        assert data["model"] == "gpt"
        assert data["proxy_server_request"]["method"] == "POST"
        assert data["metadata"]["user_api_key_hash"] is not None
        assert "sk-1234" not in repr(data)
        send(base, body=ask("change it"))
        sent = asked_last(running)
        assert sent["max_tokens"] == 7
        assert sent["messages"][0]["content"] == "something else"
        assert not {"metadata", "proxy_server_request", "litellm_call_id"} & set(sent)
        assert text_of(send(base, body=ask("reject it"))) == "not with me"
        assert said(chunks_of(send(base, body=ask("reject it", stream=True)))) == "not with me"
        assert error_of(send(base, "/v1/embeddings", {"model": "gpt", "input": "reject"})) == (
            400,
            "not with me",
        )
        assert handler.seen[-1][0] == "embeddings"
        assert error_of(send(base, body=ask("raise it"))) == (403, "forbidden words")
        assert error_of(send(base, body=ask("break it"))) == (500, "out of order")


POST_CALL = """
import asyncio
from ferrolite.integrations.custom_logger import CustomLogger

class Refused(Exception):
    status_code, message = 422, "moderated"

class Handler(CustomLogger):
    def __init__(self):
        super().__init__()
        self.failures, self.events = [], []

    async def async_moderation_hook(self, data, user_api_key_dict, call_type):
        if "moderate" in str(data["messages"]):
            raise Refused()

    async def async_post_call_success_hook(self, data, user_api_key_dict, response):
        response.choices[0].message.content += " (seen)"
        return response

    async def async_post_call_response_headers_hook(self, data, user_api_key_dict, response, **_):
        return {"x-hooked": "yes"}

    async def async_post_call_failure_hook(self, request_data, original_exception, user_api_key_dict, **_):
        self.failures.append((request_data.get("model"), original_exception))

    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        self.events.append(("success", kwargs["standard_logging_object"], response_obj))

    async def async_log_failure_event(self, kwargs, response_obj, start_time, end_time):
        self.events.append(("failure", kwargs["standard_logging_object"], kwargs["exception"]))

handler = Handler()
"""


def test_answers_and_failures_pass_through_hooks_and_are_told(tmp_path):
    with gateway(tmp_path, POST_CALL, CALLBACKS, reply="Hello there") as running:
        base = running.base_url
        answer = send(base, body=CHAT)
        assert text_of(answer) == "Hello there (seen)"
        assert answer[1]["x-hooked"] == "yes"
        handler = logger_of(tmp_path)
        _, payload, response = wait_for(lambda: handler.events and handler.events[-1])
        assert response.choices[0].message.content == "Hello there (seen)"
        assert payload["status"] == "success"
        assert payload["total_tokens"] > 0
        assert payload["model_group"] == "gpt"
        assert payload["custom_llm_provider"] == "openai"
        assert payload["response_cost"] > 0
        assert payload["id"]
        assert payload["litellm_call_id"] == answer[1]["x-litellm-call-id"]
        assert error_of(send(base, body=ask("moderate this"))) == (422, "moderated")
        assert handler.failures[-1][0] == "gpt"
        assert handler.failures[-1][1].status_code == 422
        kind, payload, _ = wait_for(lambda: len(handler.events) > 1 and handler.events[-1])
        assert (kind, payload["status"]) == ("failure", "failure")
        # A stream is told when it has ended, as the whole answer that it was.
        assert said(chunks_of(send(base, body={**CHAT, "stream": True}))) == "Hello there"
        _, payload, response = wait_for(lambda: len(handler.events) > 2 and handler.events[-1])
        assert response.choices[0].message.content == "Hello there"
        assert payload["stream"] is True
        assert payload["completion_tokens"] > 0
        assert payload["response_cost"] > 0


STREAMS = """
from ferrolite.integrations.custom_logger import CustomLogger

class Handler(CustomLogger):
    async def async_post_call_streaming_iterator_hook(self, user_api_key_dict, response, request_data):
        async for chunk in response:
            for choice in chunk.choices:
                if choice.delta.content and "boom" in str(request_data["messages"]):
                    raise ValueError("a word too much")
                if choice.delta.content:
                    choice.delta.content = choice.delta.content.upper()
            yield chunk

handler = Handler()
"""


def test_a_stream_passes_through_its_hook(tmp_path):
    with gateway(tmp_path, STREAMS, CALLBACKS, reply="one two three") as running:
        chunks = chunks_of(send(running.base_url, body={**CHAT, "stream": True}))
        assert said(chunks) == "ONE TWO THREE"
        assert not any(chunk.get("usage") for chunk in chunks)
        asked = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
        assert any(chunk.get("usage") for chunk in chunks_of(send(running.base_url, body=asked)))
        broken = chunks_of(send(running.base_url, body=ask("boom", stream=True)))
        assert broken[-1]["error"]["message"] == "a word too much"
        assert "ONE" not in said(broken)


AUTH = """
from ferrolite.proxy._types import LitellmUserRoles, ProxyException, UserAPIKeyAuth

async def user_api_key_auth(request, api_key):
    if api_key == "sk-body":
        assert (await request.json())["model"] == "gpt" and request.url.path == "/v1/chat/completions"
        assert request.headers["Content-Type"] == "application/json" and request.query_params == {"a": "b"}
        return UserAPIKeyAuth(api_key=api_key, user_id="me", team_id="us")
    if api_key == "sk-admin":
        return UserAPIKeyAuth(api_key=api_key, user_role=LitellmUserRoles.PROXY_ADMIN)
    if api_key == "sk-poor":
        raise ProxyException("no money", "budget", "key", 402)
    raise Exception("who are you")
"""


def test_a_custom_auth_function_decides_who_comes_in(tmp_path):
    extra = "general_settings: {custom_auth: my_auth.user_api_key_auth, master_key: sk-master}\n"
    with gateway(tmp_path, AUTH, extra, name="my_auth") as running:
        base = running.base_url
        assert text_of(send(base, "/v1/chat/completions?a=b", CHAT, key="sk-body"))
        assert error_of(send(base, body=CHAT, key="sk-poor")) == (402, "no money")
        assert error_of(send(base, body=CHAT, key="sk-other")) == (401, "who are you")
        assert send(base, body=CHAT, key="sk-master")[0] == 401
        assert send(base, body=CHAT, key=None)[0] == 401
        assert send(base, "/health/liveliness", key=None)[0] == 200
        new = {"model_name": "new", "litellm_params": {"model": "openai/x", "api_key": "x"}}
        assert send(base, "/model/new", new, key="sk-body")[0] in (401, 403)
        assert send(base, "/model/new", new, key="sk-admin")[0] == 200


GUARDRAILS = """
from ferrolite.integrations.custom_guardrail import CustomGuardrail

class Pre(CustomGuardrail):
    def __init__(self, word="litellm", **kwargs):
        self.word = word
        super().__init__(**kwargs)

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        for message in data["messages"]:
            message["content"] = message["content"].replace(self.word, "****")
        return data

class During(CustomGuardrail):
    async def async_moderation_hook(self, data, user_api_key_dict, call_type):
        if "litellm" in str(data["messages"]):
            raise ValueError("Guardrail failed words - `litellm` detected")

class Post(CustomGuardrail):
    async def apply_guardrail(self, inputs, request_data, input_type, logging_obj=None):
        assert input_type == "response"
        return {"texts": [text.replace("Hello", "H***o") for text in inputs["texts"]]}
"""


def test_guardrails_run_for_those_who_ask_and_by_default(tmp_path):
    extra = """
    guardrails:
      - guardrail_name: pre
        litellm_params: {guardrail: rails.Pre, mode: pre_call, word: litellm}
      - guardrail_name: during
        litellm_params: {guardrail: rails.During, mode: during_call}
      - guardrail_name: post
        litellm_params: {guardrail: rails.Post, mode: post_call, default_on: true}
    """
    with gateway(tmp_path, GUARDRAILS, extra, name="rails", reply="Hello there") as running:
        base = running.base_url
        asked = ask("tell me of litellm")
        assert text_of(send(base, body=asked)) == "H***o there"
        assert "tell me of litellm" in json.dumps(asked_last(running))
        send(base, body={**asked, "guardrails": ["pre"]})
        last = json.dumps(asked_last(running))
        assert "tell me of ****" in last
        assert "guardrails" not in last
        refused = send(base, body={**asked, "guardrails": ["during"]})
        assert error_of(refused) == (500, "Guardrail failed words - `litellm` detected")
        assert text_of(send(base, body={**asked, "guardrails": ["pre", "during"]}))


SLOW = """
import asyncio
from ferrolite.integrations.custom_logger import CustomLogger

class Handler(CustomLogger):
    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        if "slow" in str(data["messages"]):
            await asyncio.sleep(1.0)
        if "late" in str(data["messages"]):
            await asyncio.sleep(60)

handler = Handler()
"""


def test_hooks_are_bounded_in_time_and_number(tmp_path):
    extra = CALLBACKS + "general_settings: {hook_timeout: 2, max_parallel_hooks: 2}\n"
    with gateway(tmp_path, SLOW, extra) as running:
        begun = time.monotonic()
        status, message = error_of(send(running.base_url, body=ask("late")))
        assert status == 504
        assert "pre_call" in message
        assert 1.5 < time.monotonic() - begun < 6
        got = []
        threads = [
            threading.Thread(target=lambda: got.append(send(running.base_url, body=ask("slow"))))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = sorted(answer[0] for answer in got)
        assert statuses == [200, 200, 503, 503, 503, 503]
        refused = next(answer for answer in got if answer[0] == 503)
        assert "max_parallel_hooks" in refused[2]
        assert refused[1]["retry-after"] == "1"
        assert text_of(send(running.base_url, body=CHAT))


def test_what_cannot_be_loaded_keeps_the_gateway_from_starting(tmp_path):
    for name, said_of_it in (("nowhere.handler", "nowhere"), ("hooks_module.other", "other")):
        (tmp_path / "hooks_module.py").write_text("handler = 1\n")
        file = config(tmp_path, "http://127.0.0.1:9", f"litellm_settings: {{callbacks: {name}}}\n")
        with pytest.raises((OSError, ValueError), match=said_of_it):
            Gateway(config=str(file), port=0).start()


def test_a_module_of_litellms_works_under_the_command(tmp_path):
    module = PRE_CALL.replace("ferrolite", "litellm").replace(
        "from litellm.integrations", "import litellm\nfrom litellm.integrations"
    )
    (tmp_path / "hooks_module.py").write_text(module)
    with MockServer() as upstream:
        file = config(tmp_path, upstream.base_url, CALLBACKS)
        command = [sys.executable, "-m", "ferrolite", "--config", str(file), "--port", "0"]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            base, read = None, ""
            for line in process.stdout:
                read += line
                if "http://127.0.0.1:" in line:
                    base = "http://127.0.0.1:" + line.split("http://127.0.0.1:")[1].split("/")[0].split()[
                        0
                    ].strip(".,'\"")
                    break
            assert base, read
            assert text_of(send(base, body=ask("reject it"))) == "not with me"
        finally:
            process.terminate()
            process.communicate()


PROVIDER = """
from ferrolite import ModelResponse
from ferrolite.llms.custom_llm import CustomLLM, CustomLLMError

class MyLLM(CustomLLM):
    async def acompletion(self, **given):
        self.given = given
        text = given["messages"][-1]["content"]
        if "fail" in text:
            raise CustomLLMError(status_code=429, message="too much")
        model_response = given["model_response"]
        model_response.choices[0].message.content = f"{given['model']} says {text}"
        return model_response

    async def astreaming(self, **given):
        for piece in ("one ", "two"):
            yield {"text": piece, "is_finished": False, "finish_reason": "", "index": 0, "tool_use": None, "usage": None}
        if "fail" in given["messages"][-1]["content"]:
            raise ValueError("half way")
        usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
        yield {"text": "", "is_finished": True, "finish_reason": "stop", "index": 0, "tool_use": None, "usage": usage}

handler = MyLLM()
"""


def test_providers_in_python_are_called_as_any_other(tmp_path):
    extra = """
      - model_name: mine
        litellm_params: {model: my-own-llm/fast, api_key: secret-key, api_base: "http://own", temperature: 0.5}
      - model_name: alone
        litellm_params: {model: my-own-llm/fast}
    litellm_settings:
      custom_provider_map: [{provider: my-own-llm, custom_handler: hooks_module.handler}]
      num_retries: 0
      fallbacks: [{mine: [gpt]}]
    """
    with gateway(tmp_path, PROVIDER, extra, reply="from the other") as running:
        base = running.base_url
        answer = send(base, body={**CHAT, "model": "mine", "top_k": 3})
        assert text_of(answer) == "fast says Say hi"
        assert "127.0.0.1" in answer[1]["x-litellm-model-api-base"]
        assert "ferrolite-secret" not in repr(answer)
        given = logger_of(tmp_path).given
        assert (given["api_key"], given["api_base"]) == ("secret-key", "http://own")
        assert given["optional_params"]["temperature"] == 0.5
        assert given["optional_params"]["top_k"] == 3
        chunks = chunks_of(send(base, body={**CHAT, "model": "mine", "stream": True}))
        assert said(chunks) == "one two"
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
        # What it fails with is what makes a router go elsewhere.
        assert text_of(send(base, body=ask("fail", model="mine"))) == "from the other"
        assert error_of(send(base, body=ask("fail", model="alone"))) == (
            429,
            "My-own-llmException - too much",
        )
        address = answer[1]["x-litellm-model-api-base"]
        assert send(address, "/chat/completions", {**CHAT, "model": "fast"})[0] == 401


def test_a_gateway_without_hooks_does_not_take_the_gil(tmp_path):
    """A thread of this process holds the interpreter; a client in another process is answered meanwhile."""
    import ctypes

    client = """
import sys, time, urllib.request
body = b'{"model": "gpt", "messages": [{"role": "user", "content": "Hi"}]}'
headers = {"content-type": "application/json", "authorization": "Bearer x"}
print("ready", flush=True)
sys.stdin.readline()
slowest = 0.0
for _ in range(20):
    begun = time.monotonic()
    urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/v1/chat/completions", body, headers)).read()
    slowest = max(slowest, time.monotonic() - begun)
try:
    urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/v1/chat/completions", b"{}", headers))
except urllib.error.HTTPError as error:
    error.read()
print(slowest, time.monotonic(), flush=True)
"""
    server = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys\nfrom ferrolite.testing import MockServer\nwith MockServer() as m:\n    print(m.base_url, flush=True)\n    sys.stdin.readline()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    upstream = server.stdout.readline().strip()
    file = config(tmp_path, upstream)
    try:
        with Gateway(config=str(file), port=0) as running:
            other = subprocess.Popen(
                [sys.executable, "-c", client, running.base_url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert other.stdout.readline() == "ready\n"
            other.stdin.write("\n")
            other.stdin.flush()
            # PyDLL keeps the interpreter's lock while C sleeps.
            ctypes.PyDLL(None).usleep(2_000_000)
            held_until = time.monotonic()
            slowest, done = map(float, other.stdout.readline().split())
            other.communicate()
    finally:
        server.communicate("\n")
    assert done < held_until - 0.5, "requests waited for the interpreter"
    assert slowest < 1.0


def test_the_documentation_is_right(tmp_path):
    """Every file and every setting that the page shows, in one gateway."""
    page = DOCS.read_text()
    blocks = re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)```", page, re.S)
    assert len(blocks) == 4
    for name, code in blocks:
        (tmp_path / name).write_text(code)
    with MockServer(record=True, reply="  Ada says hello  ") as upstream:
        settings: dict[str, list[str]] = {}
        entry = f'  - model_name: gpt\n    litellm_params: {{model: openai/gpt-4o, api_base: "{upstream.base_url}", api_key: x}}\n'
        for block in re.findall(r"```yaml\n(.*?)```", page, re.S):
            for section, rest in re.findall(r"^(\w+):\n((?:[ ].*\n)+)", block, re.M):
                settings.setdefault(section, []).append(rest)
        settings["model_list"].append(entry)
        file = tmp_path / "config.yaml"
        file.write_text("".join(f"{section}:\n{''.join(parts)}" for section, parts in settings.items()))
        with Gateway(config=str(file), port=0) as running:
            running.upstream = upstream
            base = running.base_url
            assert error_of(send(base, body=CHAT)) == (401, "I do not know you.")
            key = "sk-of-a-friend"
            assert text_of(send(base, body=ask("a secret"), key=key)) == "I do not talk about that."
            assert text_of(send(base, body=ask("Is Ada there?"), key=key)) == "[name] says hello"
            sent = asked_last(running)
            assert sent["max_tokens"] == 100
            assert sent["messages"][0]["content"] == "Is [name] there?"
            assert (
                text_of(send(base, body={**CHAT, "model": "mine"}, key=key)) == "reader has read 1 messages"
            )


def test_reading_a_configuration_again_keeps_hooks_and_takes_new_ones(tmp_path):
    with gateway(tmp_path, PRE_CALL, "") as running:
        base = running.base_url
        assert text_of(send(base, body=ask("reject it"))) != "not with me"
        file = config(tmp_path, running.upstream.base_url, CALLBACKS)
        os.utime(file, (time.time() + 5, time.time() + 5))
        wait_for(lambda: text_of(send(base, body=ask("reject it"))) == "not with me")
        handler = logger_of(tmp_path)
        # One that cannot be had changes nothing.
        config(tmp_path, running.upstream.base_url, CALLBACKS.replace("handler", "nothing"))
        os.utime(file, (time.time() + 9, time.time() + 9))
        time.sleep(2.5)
        assert text_of(send(base, body=ask("reject it"))) == "not with me"
        assert logger_of(tmp_path) is handler


PLAIN = """
told = []

def on_success(kwargs, response_obj, start_time, end_time):
    told.append(("function", kwargs["standard_logging_object"]["model_group"]))

from ferrolite.integrations.custom_logger import CustomLogger

class Handler(CustomLogger):
    def log_success_event(self, kwargs, response_obj, start_time, end_time):
        told.append(("plain", response_obj["content"][0]["text"]))

    async def async_post_call_failure_hook(self, request_data, original_exception, user_api_key_dict, **_):
        error = RuntimeError("in other words")
        error.status_code = 418
        return error

handler = Handler()
"""


def test_functions_plain_loggers_and_other_dialects_are_told(tmp_path):
    extra = """
    litellm_settings:
      callbacks: [hooks_module.handler]
      success_callback: [hooks_module.on_success]
    """
    with gateway(tmp_path, PLAIN, extra, reply="Hello") as running:
        from ferrolite import _gateway_hooks

        told = _gateway_hooks.find("hooks_module.told", str(tmp_path))
        for stream in (False, True):
            told.clear()
            answer = send(running.base_url, "/v1/messages", {**CHAT, "max_tokens": 9, "stream": stream})
            assert answer[0] == 200
            assert "Hello" in answer[2]
            assert not stream or "event: message_stop" in answer[2]
            wait_for(lambda: len(told) == 2)
            assert sorted(told) == [("function", "gpt"), ("plain", "Hello")]
        assert error_of(send(running.base_url, body={**CHAT, "model": "nothing"})) == (418, "in other words")


def test_a_request_that_has_ended_is_forgotten(tmp_path):
    with gateway(tmp_path, PRE_CALL, CALLBACKS) as running:
        import gc

        from ferrolite import _gateway_hooks

        for stream in (True, False) * 3:
            send(running.base_url, body={**CHAT, "stream": stream})
        gc.collect()
        runners = [one for one in gc.get_objects() if isinstance(one, _gateway_hooks.Runner)]
        wait_for(lambda: not any(one._requests for one in runners))


def test_an_integration_is_told_by_its_name(tmp_path, monkeypatch):
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from ferrolite.integrations import _registry

    got = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            got.extend(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("GENERIC_LOGGER_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setattr(_registry, "_made", {})
    try:
        extra = "litellm_settings: {success_callback: [webhook], failure_callback: [webhook]}\n"
        with gateway(tmp_path, "", extra) as running:
            assert text_of(send(running.base_url, body=CHAT))
            assert send(running.base_url, body={**CHAT, "model": "nothing"})[0] == 400
            wait_for(lambda: len(got) == 2, 15)
        assert sorted(one["status"] for one in got) == ["failure", "success"]
        assert "sk-1234" not in json.dumps(got)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_no_path_to_a_model_goes_around_the_hooks(tmp_path):
    with gateway(tmp_path, PRE_CALL, CALLBACKS) as running:
        content = {"parts": [{"text": "raise"}]}
        for path, body in (
            ("/v1/chat/completions", ask("raise")),
            ("/v1/messages", ask("raise", max_tokens=5)),
            ("/v1/responses", {"model": "gpt", "input": "raise"}),
            ("/v1/embeddings", {"model": "gpt", "input": "raise"}),
            ("/openai/deployments/gpt/chat/completions", ask("raise")),
            ("/v1beta/models/gpt:embedContent", {"content": content}),
        ):
            assert error_of(send(running.base_url, path, body)) == (403, "forbidden words"), path


def test_no_hook_is_told_a_header_that_may_hold_a_key():
    from ferrolite._gateway_hooks import _SECRET

    source = (Path(__file__).parents[2] / "src/gateway/admission/mod.rs").read_text()
    listed = re.search(r"const HEADERS: \[&str; \d+\] =\s*\[([^]]+)\]", source)
    assert listed
    names = re.findall(r'"([^"]+)"', listed[1])
    assert len(names) >= 5
    assert {*names, "authorization", "cookie"} <= set(_SECRET)
