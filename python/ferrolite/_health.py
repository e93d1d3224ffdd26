"""Whether a deployment works, found out by a small call."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

_LISTED_MODES = {
    "image_edit",
    "audio_speech",
    "audio_transcription",
    "embedding",
    "image_generation",
    "rerank",
}
_SILENCE = bytes.fromhex(
    "52494646641f000057415645666d74201000000001000100401f0000803e00000200100064617461401f0000"
) + bytes(8000)
"""A WAV file of half a second."""
_DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000b49444154789c63600002000005"
    "00017a5eab3f0000000049454e44ae426082"
)
"""A PNG picture of one point."""


async def ahealth_check(
    model_params: dict[str, Any],
    mode: str | None = None,
    prompt: str | None = None,
    input: list[str] | None = None,
) -> dict[str, Any]:
    """Call a model once, to see whether it works.

    Args:
        model_params: The keywords of the call; `model` at least.
        mode: "chat", "embedding", "image_generation", "image_edit", "audio_transcription", "audio_speech" or
            "rerank"; by default what the model is listed as, else "chat".
        prompt: What to draw, or to say.
        input: What to embed.

    Returns:
        The provider's rate-limit headers when it works. When not, `error` (a text), `exception` and
        `raw_request_typed_dict` (None).
    """
    try:
        answer = await _call(dict(model_params), mode, prompt, input)
        headers: dict[str, Any] = answer._hidden_params.get("additional_headers") or {}
        return {name: value for name, value in headers.items() if name.startswith("x-ratelimit-")}
    except Exception as error:
        from traceback import format_exception

        trace = "".join(format_exception(error))
        return {"error": f"{error}\nstack trace: {trace}", "raw_request_typed_dict": None, "exception": error}


def _call(
    params: dict[str, Any], mode: str | None, prompt: str | None, input: list[str] | None
) -> Awaitable[Any]:
    import ferrolite
    from ferrolite import _core

    model = params.get("model")
    if not model:
        raise ValueError("model not set")
    if mode is None:
        facts = _core.model_facts(model, params.get("custom_llm_provider"))
        listed = facts and facts["mode"]
        mode = listed if listed in _LISTED_MODES else "chat"
    if mode == "chat":
        params.setdefault("messages", [{"role": "user", "content": prompt or "test from ferrolite"}])
        return ferrolite.acompletion(**params)
    params.pop("messages", None)  # of a deployment that is described for all modes
    if mode == "embedding":
        return ferrolite.aembedding(**{"input": input or ["test"], **params})
    if mode == "image_generation":
        return ferrolite.aimage_generation(**{"prompt": prompt or "test", **params})
    if mode == "image_edit":
        asked: dict[str, Any] = {"image": ("dot.png", _DOT), "prompt": prompt or "test", **params}
        return ferrolite.aimage_edit(**asked)
    if mode == "audio_transcription":
        return ferrolite.atranscription(**{"file": ("silence.wav", _SILENCE), **params})
    if mode == "audio_speech":
        return ferrolite.aspeech(**{"input": prompt or "test", "voice": "alloy", **params})
    if mode == "rerank":
        params = {"query": prompt or "test", "documents": ["my sample text"], **params}
        return ferrolite.arerank(**params)
    raise ValueError(f"Mode {mode} not supported: {', '.join(sorted({'chat', *_LISTED_MODES}))} are.")
