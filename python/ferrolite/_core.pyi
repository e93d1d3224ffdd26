"""The native module: takes arguments, calls the core, hands objects back.

Internal: the public interface is `ferrolite`. `tests/python/test_stub.py` compares this file with the built module.
"""

from asyncio import Future
from collections.abc import Awaitable, Callable
from typing import Any, final

from ferrolite.types.utils import ModelResponse

version: str

# Calls. `arguments` are the keywords of a call, `module` the package's own dict, which holds the settings.

def call(
    arguments: dict[str, Any],
    module: dict[str, Any],
    call_type: str | None = None,
    files: list[tuple[str, str, str | None, bytes]] | None = None,
    keep_reply: bool = False,
) -> Any:
    """A call, waited for: a response, or a stream when `arguments` ask for one.

    `call_type` is None for a chat completion. `files` go with it: field, name, content type, content.
    `keep_reply` keeps what the upstream answers for `CallMeta.reply`.
    """

def call_async(
    arguments: dict[str, Any],
    module: dict[str, Any],
    queue: LoopQueue,
    future: Future[Any],
    call_type: str | None = None,
    files: list[tuple[str, str, str | None, bytes]] | None = None,
    keep_reply: bool = False,
) -> PendingCall:
    """Begin a call whose result goes to `future` through the loop's queue."""

def call_future(
    arguments: dict[str, Any],
    module: dict[str, Any],
    call_type: str | None = None,
    files: list[tuple[str, str, str | None, bytes]] | None = None,
    keep_reply: bool = False,
) -> Awaitable[Any]:
    """The same for loops that cannot watch a descriptor."""

def preview(
    arguments: dict[str, Any],
    module: dict[str, Any],
    call_type: str | None = None,
    files: list[tuple[str, str, str | None, bytes]] | None = None,
    whole: bool = False,
) -> dict[str, Any]:
    """What a call would send: provider, model, api_base, url, headers and body, secrets masked. Nothing is sent.

    `whole` leaves the body as it is, for somebody else who sends it, and adds `query` and `cost_facts`.
    """

def collect_chunks(chunks: list[Any]) -> ModelResponse:
    """Fold the chunks of a stream into one response."""

# The cache of answers.

@final
class CoreCache:
    """A cache as it is described; each process opens its own."""

    def __new__(cls, spec: dict[str, Any]) -> CoreCache:
        """Check a description; nothing is opened or reached."""

    def clear(self) -> None:
        """Forget everything."""

    def configure(self, spec: dict[str, Any]) -> None:
        """Behave as another description of the same store says."""

    def delete(self, names: list[str]) -> None: ...
    def find(self, key: str, max_age: float | None = None) -> Any:
        """The answer under a key, as an object or a dict; None when it is not there."""

    def flush(self, seconds: float) -> bool:
        """Wait until what was kept has been written."""

    def get(self, names: list[str]) -> list[bytes | None]: ...
    def keep(self, key: str, answer: Any, is_chat: bool, ttl: float | None = None) -> None:
        """Keep an answer, given as a dict."""

    def key(
        self, arguments: dict[str, Any], module: dict[str, Any], call_type: str | None = None
    ) -> str | None:
        """The key of a call."""

    def ping(self) -> None: ...
    def set(self, values: list[tuple[str, bytes]], ttl: float | None = None) -> None: ...

# Providers.

def register_provider(row: dict[str, Any]) -> None:
    """Add a provider, or replace one: a dict with the fields of a row."""

def split_model(model: str, provider: str | None = None, api_base: str | None = None) -> tuple[str, str]:
    """The provider, and the provider's own name of a model."""

# What is known of models and providers.

def is_steering(name: str) -> bool:
    """Whether a keyword steers a call, and is never sent to a provider."""

def missing_environment(provider: str, has_key: bool, has_base: bool) -> list[str] | None:
    """Variables that a provider still needs; None for an unknown one."""

def model_can(model: str, provider: str | None, ability: str) -> bool:
    """Whether a listed model has an ability."""

def model_facts(model: str, provider: str | None = None) -> dict[str, Any] | None:
    """Facts of a listed model: key, provider, mode, max_input_tokens, max_output_tokens, abilities, lacks."""

def model_names(provider: str) -> list[str]:
    """Names of the listed models of a provider."""

def provider_facts(provider: str) -> dict[str, Any] | None:
    """What a provider's row says: name, base, base_env, key_env, auth, wire (of chats) and calls (beside chats)."""

def provider_names() -> list[str]:
    """Names of the built-in providers."""

def providers_with_keys() -> list[str]:
    """Names of the built-in providers whose key is in the environment."""

def supported_params(model: str, provider: str | None = None, call_type: str = "chat") -> list[str] | None:
    """The parameters that a call of the model takes; None where there is no such call."""

# Prices. `model_cost` is the package's dict once the program has looked at it, None before.

def find_model(
    model: str, provider: str | None, model_cost: dict[str, Any] | None
) -> tuple[str, dict[str, Any]] | None:
    """The key and the entry that a model's name means, or None."""

def price_model(
    model: str, provider: str | None, work: dict[str, Any], model_cost: dict[str, Any] | None
) -> tuple[float, float, float] | None:
    """What work costs at a model: prompt, answer, tools; None for an unlisted one."""

def price_work(entry: dict[str, Any], work: dict[str, Any]) -> tuple[float, float, float]:
    """What work costs by an entry: prompt, answer, tools."""

def public_models() -> dict[str, dict[str, Any]]:
    """All listed models by their keys, each a dict under public names."""

def register_model(key: str, entry: dict[str, Any]) -> None:
    """Make a model known to routing, parameters and prices."""

def set_log_level(level: int) -> None:
    """Set the level (Python's numbers) and connect the core's records to `logging` on first use."""

def alive_tasks() -> int:
    """How many tasks are alive in this process's runtime, to find leaks with."""

def serve_mock(options: dict[str, Any], ready: Callable[[str], object]) -> None:
    """Serve a mock provider until a signal arrives; `ready` is called with the address once it listens."""

def serve_gateway(options: dict[str, Any], ready: Callable[[dict[str, Any]], object]) -> None:
    """Serve a gateway until a signal arrives; `ready` is called with what is served where, once it listens."""

def check_gateway(file: str) -> tuple[list[str], bool]:
    """Every problem of a configuration's file, as lines of text, and whether a gateway would start on it."""

def explain_gateway(file: str, model: str) -> str:
    """Where a request for a model would go, in words; ValueError when it would go nowhere."""

@final
class CoreGateway:
    """A gateway in the background of this process, until it is stopped."""

    def __new__(cls, options: dict[str, Any]) -> CoreGateway: ...
    @property
    def facts(self) -> dict[str, Any]:
        """What is served where: base_url, models, has_key, is_open, warnings."""

    def stop(self) -> None:
        """Stop it, and wait until it has."""

@final
class PendingCall:
    """A call under way. Letting go of it does not end it."""

    def abort(self) -> None:
        """End the call: the request is dropped, its connection closed."""

@final
class CallMeta:
    """What is known of a call besides its answer."""

    @property
    def reply(self) -> str | None:
        """The upstream's reply as it came, where the call was told to keep it."""

    @property
    def upstream_ms(self) -> float:
        """Milliseconds that were spent waiting for the upstream."""

    @property
    def response_ms(self) -> float:
        """Milliseconds from the call to its answer."""

    def cost_facts(self) -> dict[str, Any]:
        """What the cost of the answer depends on: provider, model, call_type, base_model, prices, asked."""

    def headers(self) -> dict[str, str]:
        """The upstream's headers as they came."""

    def hidden_params(self) -> dict[str, Any]:
        """What LiteLLM has in `_hidden_params`."""

    def attempts(self) -> list[dict[str, Any]]:
        """The attempts that a router has made.

        Each has deployment, group, model, began and ended (seconds since the epoch), hedge, abandoned, error,
        status and message.
        """

@final
class CoreRouter:
    """Deployments behind names, and what is known of them."""

    def __new__(cls, entries: list[Any], arguments: dict[str, Any]) -> CoreRouter: ...
    def set_deployments(self, entries: list[Any]) -> None:
        """Put other deployments in place of all."""

    def set_settings(self, arguments: dict[str, Any]) -> None:
        """Put other settings in place."""

    def upsert(self, entry: Any) -> str:
        """Add a deployment, or put it in the place of the one with its id, which is returned."""

    def remove(self, id: str) -> bool:
        """Take a deployment away; whether there was one."""

    def call(
        self,
        arguments: dict[str, Any],
        module: dict[str, Any],
        call_type: str | None = None,
        files: list[tuple[str, str, str | None, bytes]] | None = None,
        keep_reply: bool = False,
    ) -> Any:
        """As the function of this name, by a deployment. None among the keywords stands in the way of defaults."""

    def call_async(
        self,
        arguments: dict[str, Any],
        module: dict[str, Any],
        queue: LoopQueue,
        future: Future[Any],
        call_type: str | None = None,
        files: list[tuple[str, str, str | None, bytes]] | None = None,
        keep_reply: bool = False,
    ) -> PendingCall:
        """As the function of this name."""

    def call_future(
        self,
        arguments: dict[str, Any],
        module: dict[str, Any],
        call_type: str | None = None,
        files: list[tuple[str, str, str | None, bytes]] | None = None,
        keep_reply: bool = False,
    ) -> Awaitable[Any]:
        """As the function of this name."""

    def choose(self, arguments: dict[str, Any], call_type: str | None = None) -> str:
        """The id of a deployment for a call, which is not made."""

    def plan(self, arguments: dict[str, Any], call_type: str | None = None) -> CorePlan:
        """The plan of a call that Python carries out itself."""

    def find(self, name: str) -> tuple[str, list[str]] | None:
        """The group that a name leads to, and the ids of its deployments."""

    def names(self) -> list[str]:
        """Names of the groups."""

    def ids(self) -> list[str]:
        """Ids of the deployments."""

    def state(self, id: str) -> dict[str, Any] | None:
        """What a deployment is doing: in_flight, requests, tokens, successes, failures, cooldown, latency."""

    def forget(self) -> None:
        """Forget latencies, counts, cooldowns and sticky calls."""

@final
class CorePlan:
    """The plan of one call."""

    def next(self, id: str | None = None) -> Any:
        """The deployment to call (its id, its group, keywords that replace the caller's), or seconds to wait."""

    def wants(self) -> str | None:
        """The group that a deployment is wanted from; None when none is now."""

    def succeeded(
        self, tokens: int = 0, response_id: str | None = None, is_stream: bool = False
    ) -> CallMeta | None:
        """The attempt has brought its answer; a stream's deployment stays taken until its end."""

    def ended(self, tokens: int) -> None:
        """The stream has ended well, or was closed."""

    def broke_off(self, class_name: str, status: int | None, message: str, tokens: int) -> None:
        """The stream has failed."""

    def failed(
        self, class_name: str, status: int | None, message: str, retry_after: float | None = None
    ) -> bool:
        """The attempt has failed; whether it was one of the group that was asked for."""

@final
class CoreStream:
    """A stream's core: batches of chunks, or of events in a caller's own format, blocking or awaitable."""

    @property
    def provider(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def call_type(self) -> str:
        """The core's name of the call type."""

    @property
    def bridged(self) -> bool:
        """Whether the provider was asked for a chat completion instead."""

    @property
    def cost(self) -> float | None:
        """What the stream cost in US dollars, once its usage was read."""

    @property
    def meta(self) -> CallMeta:
        """What is known of the call."""

    def next_batch(self) -> list[Any]:
        """Wait for the next batch. An empty one means the end."""

    def take_ready(self) -> list[Any] | None:
        """What has been read already, without waiting; None when nothing is there, empty at the end."""

    def request(self, queue: LoopQueue, future: Future[Any]) -> None:
        """Begin to read the next batch; `future` is resolved when `take_ready` has something."""

    def ready_future(self) -> Awaitable[None]:
        """The same for loops that cannot watch a descriptor."""

    def usage(self) -> Any:
        """The counts that the upstream has told so far, asked for or not; None while it is read."""

    def close(self) -> None:
        """End the stream: the upstream connection is closed."""

def count_text(model: str, text: str) -> int:
    """Tokens of a text."""

def count_messages(
    model: str,
    messages: Any,
    tools: Any,
    tool_choice: Any,
    is_answer: bool,
    images_alike: bool,
    unreadable: int | None,
    count: Callable[[str], int] | None,
) -> int:
    """Tokens of a conversation. `count` counts a text in place of the model's own vocabulary."""

def encode_text(name: str, text: str) -> list[int]:
    """The numbers of a text's tokens."""

def decode_tokens(name: str, tokens: list[int]) -> bytes:
    """The bytes that tokens stand for."""

def encoding_of_model(model: str) -> str:
    """The name of the encoding that a model's texts are counted with."""

@final
class HookReply:
    """Where the answer of a gateway's hook goes."""

    def done(self, answer: Any) -> None:
        """The hook's answer: plain data."""

    def failed(self, facts: dict[str, Any]) -> None:
        """What it has raised: status, message, type, param, code."""

@final
class LoopQueue:
    """Results on their way to the futures of one event loop."""

    def __new__(cls) -> LoopQueue: ...
    def fileno(self) -> int:
        """The descriptor to watch for reading."""

    def drain(self) -> None:
        """Hand results to their futures. Called by the loop when the descriptor is readable."""

    def close(self) -> None:
        """Let go of all results, those to come as well: the loop is closed."""

@final
class MockServer:
    """A mock provider server in the background of this process."""

    def __new__(cls, options: dict[str, Any]) -> MockServer: ...
    @property
    def base_url(self) -> str:
        """The address, for example `http://127.0.0.1:4010`."""

    def stop(self) -> None:
        """Stop the server."""
