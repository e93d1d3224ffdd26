"""Many chat completions at once, each in a thread of its own: the core does not hold the GIL while it waits."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor
    from typing import Any

_MOST_THREADS = 100


def batch_completion(
    model: str,
    messages: list[Any] = [],  # noqa: B006 - the reference's default; never mutated
    functions: list[Any] | None = None,
    function_call: str | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    n: int | None = None,
    stream: bool | None = None,
    stop: str | list[str] | None = None,
    max_tokens: int | None = None,
    presence_penalty: float | None = None,
    frequency_penalty: float | None = None,
    logit_bias: dict[str, float] | None = None,
    user: str | None = None,
    deployment_id: str | None = None,
    request_timeout: int | None = None,
    timeout: int | None = 600,
    max_workers: int | None = 100,
    **kwargs: Any,
) -> list[Any]:
    """One completion for each of several conversations.

    Args:
        model: "provider/model".
        messages: A list of conversations.
        timeout: Seconds for one attempt of one completion. `request_timeout` is accepted.
        max_workers: How many completions run at a time.
        **kwargs: What `completion` takes, as the other parameters are.

    Returns:
        The answers in the order of the conversations. One that failed is the exception.
    """
    if not messages:
        return []
    shared: dict[str, Any] = {
        "functions": functions,
        "function_call": function_call,
        "temperature": temperature,
        "top_p": top_p,
        "n": n,
        "stream": stream,
        "stop": stop,
        "max_tokens": max_tokens,
        "presence_penalty": presence_penalty,
        "frequency_penalty": frequency_penalty,
        "logit_bias": logit_bias,
        "user": user,
        "deployment_id": deployment_id,
        "timeout": timeout,
        **kwargs,
    }
    with _threads(min(max_workers or _MOST_THREADS, len(messages))) as threads:
        running = [_start(threads, {**shared, "model": model, "messages": one}) for one in messages]
        return [future.exception() or future.result() for future in running]


def batch_completion_models(*args: Any, **kwargs: Any) -> Any:
    """One conversation to several models at once: the answer that comes first.

    Args:
        *args: Positional arguments of `completion` from `messages` on.
        **kwargs: `models`, a list of names, or `deployments`, a list of dicts with a `model` and other
            keywords; beside them what `completion` takes.

    Returns:
        The first answer; None without models.

    Raises:
        The error of the last model to fail, when none answers.
    """
    calls = _calls(kwargs)
    if not calls:
        return None
    from concurrent.futures import as_completed

    threads = _threads(min(_MOST_THREADS, len(calls)))
    try:
        failed: BaseException | None = None
        for future in as_completed([_start(threads, call, args) for call in calls]):
            failed = future.exception()
            if failed is None:
                return future.result()
        raise failed or RuntimeError("no model was called")
    finally:
        # Those that are on their way are not waited for.
        threads.shutdown(wait=False, cancel_futures=True)


def batch_completion_models_all_responses(*args: Any, **kwargs: Any) -> list[Any]:
    """One conversation to several models at once: all answers, in the order of `models`.

    Args:
        *args: Positional arguments of `completion` from `messages` on.
        **kwargs: `models`, a list of names or one name; beside it what `completion` takes.

    Returns:
        The answers. Models that fail are left out and logged.

    Raises:
        TypeError: There is no `models`.
    """
    if "models" not in kwargs:
        raise TypeError("batch_completion_models_all_responses() needs a list of `models`")
    calls = _calls(kwargs)
    if not calls:
        return []
    answers: list[Any] = []
    with _threads(min(_MOST_THREADS, len(calls))) as threads:
        running = [_start(threads, call, args) for call in calls]
        for call, future in zip(calls, running, strict=True):
            failed = future.exception()
            if failed is None:
                answers.append(future.result())
            else:
                from ferrolite._logging import verbose_logger

                verbose_logger.error("batch completion of model %s failed: %s", call["model"], failed)
    return answers


def _calls(kwargs: dict[str, Any]) -> list[dict[str, Any]]:
    """The keywords of the calls: one for each model or deployment."""
    kwargs.pop("model", None)
    models: Any = kwargs.pop("models", None) or ()
    deployments = kwargs.pop("deployments", None)
    if deployments:
        return [{**kwargs, **deployment} for deployment in deployments]
    return [{**kwargs, "model": model} for model in ([models] if isinstance(models, str) else models)]


def _threads(count: int) -> ThreadPoolExecutor:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max_workers=count, thread_name_prefix="ferrolite-batch")


def _start(threads: ThreadPoolExecutor, call: dict[str, Any], args: tuple[Any, ...] = ()) -> Future[Any]:
    """Begin a completion, in the caller's context. The function is looked up now: programs replace it."""
    from contextvars import copy_context

    import ferrolite

    if args:
        call = {**call, **dict(zip(("messages", "timeout", "temperature"), args, strict=False))}
    return threads.submit(copy_context().run, ferrolite.completion, **call)
