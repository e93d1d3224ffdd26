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
) -> Any:
    """A call, waited for: a response, or a stream when `arguments` ask for one.

    `call_type` is None for a chat completion. `files` go with it: field, name, content type, content.
    """

def call_async(
    arguments: dict[str, Any],
    module: dict[str, Any],
    queue: LoopQueue,
    future: Future[Any],
    call_type: str | None = None,
    files: list[tuple[str, str, str | None, bytes]] | None = None,
) -> PendingCall:
    """Begin a call whose result goes to `future` through the loop's queue."""

def call_future(
    arguments: dict[str, Any],
    module: dict[str, Any],
    call_type: str | None = None,
    files: list[tuple[str, str, str | None, bytes]] | None = None,
) -> Awaitable[Any]:
    """The same for loops that cannot watch a descriptor."""

def collect_chunks(chunks: list[Any]) -> ModelResponse:
    """Fold the chunks of a stream into one response."""

def request_of(arguments: dict[str, Any], module: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
    """The request that a chat completion would send: address, headers (none of them secret), body."""

# Providers.

def register_provider(row: dict[str, Any]) -> None:
    """Add a provider, or replace one: a dict with the fields of a row."""

def split_model(model: str, provider: str | None = None) -> tuple[str, str]:
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

def set_log_level(level: int) -> None:
    """Set the level (Python's numbers) and connect the core's records to `logging` on first use."""

def alive_tasks() -> int:
    """How many tasks are alive in this process's runtime, to find leaks with."""

def serve_mock(options: dict[str, Any], ready: Callable[[str], object]) -> None:
    """Serve a mock provider until a signal arrives; `ready` is called with the address once it listens."""

@final
class PendingCall:
    """A call under way. Letting go of it does not end it."""

    def abort(self) -> None:
        """End the call: the request is dropped, its connection closed."""

@final
class CallMeta:
    """What is known of a call besides its answer."""

    @property
    def response_ms(self) -> float:
        """Milliseconds from the call to its answer."""

    def headers(self) -> dict[str, str]:
        """The upstream's headers as they came."""

    def hidden_params(self) -> dict[str, Any]:
        """What LiteLLM has in `_hidden_params`."""

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

    def close(self) -> None:
        """End the stream: the upstream connection is closed."""

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
