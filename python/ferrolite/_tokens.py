"""Counting tokens and encoding texts.

OpenAI's vocabularies `cl100k_base` and `o200k_base` are in the package; nothing is fetched. Models of other makers are
counted with `cl100k_base`, which is an estimate, or with a tokenizer that the caller gives.
"""

from __future__ import annotations

from ferrolite import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypedDict

    class SelectTokenizerResponse(TypedDict):
        """A tokenizer as `custom_tokenizer` takes it."""

        type: str
        tokenizer: Any


def token_counter(
    model: str = "",
    custom_tokenizer: dict[str, Any] | SelectTokenizerResponse | None = None,
    text: str | list[str] | None = None,
    messages: list[Any] | None = None,
    count_response_tokens: bool | None = False,
    tools: list[Any] | None = None,
    tool_choice: str | dict[str, Any] | None = None,
    use_default_image_token_count: bool | None = False,
    default_token_count: int | None = None,
) -> int:
    """Tokens of a text, or of a conversation as OpenAI counts one.

    Args:
        model: Chooses the vocabulary.
        custom_tokenizer: Of `create_tokenizer` or `create_pretrained_tokenizer`, in place of the model's.
        text: A text, or several that are counted as one. Either this or `messages`.
        messages: The conversation; dicts or message objects.
        count_response_tokens: The messages are an answer, which nothing follows.
        tools: The tools that the model may call.
        tool_choice: The choice among them.
        use_default_image_token_count: Count every image as 250 tokens, and not by its size. Images at web addresses
            always are: nothing is fetched.
        default_token_count: What a content counts that has parts of an unknown type.

    Raises:
        ValueError: Both or neither of `text` and `messages`, or a part of an unknown type.
    """
    if text is not None:
        if messages is not None:
            raise ValueError("text and messages cannot both be set")
        if tools or tool_choice is not None:
            raise ValueError("tools or tool_choice cannot be set if using text")
        whole = text if isinstance(text, str) else "".join(text)
        if custom_tokenizer is None:
            return _core.count_text(model, whole)
        return _counter(custom_tokenizer)(whole)
    if messages is None:
        raise ValueError("Either text or messages must be provided")
    return _core.count_messages(
        model,
        messages,
        tools,
        tool_choice,
        bool(count_response_tokens),
        bool(use_default_image_token_count),
        default_token_count,
        None if custom_tokenizer is None else _counter(custom_tokenizer),
    )


def get_token_count(messages: list[Any], model: str) -> int:
    """`token_counter` for messages alone."""
    return token_counter(model=model, messages=messages)


def encode(model: str = "", text: str = "", custom_tokenizer: dict[str, Any] | None = None) -> list[int]:
    """The numbers of a text's tokens, in `cl100k_base` whatever the model, as in LiteLLM.

    Args:
        model: Accepted for LiteLLM's sake.
        text: What to encode. Names of special tokens are text like any other.
        custom_tokenizer: In place of `cl100k_base`.
    """
    if custom_tokenizer is not None:
        encoded = custom_tokenizer["tokenizer"].encode(text)
        return getattr(encoded, "ids", encoded)
    return _core.encode_text("cl100k_base", text)


def decode(
    model: str = "",
    tokens: Sequence[int] = (),
    custom_tokenizer: dict[str, Any] | None = None,
    skip_special_tokens: bool = True,
) -> str:
    """The text that tokens stand for; what is no whole character becomes U+FFFD.

    Args:
        model: Accepted for LiteLLM's sake; see `encode`.
        tokens: Numbers of tokens.
        custom_tokenizer: In place of `cl100k_base`.
        skip_special_tokens: Leave out special tokens; only for custom tokenizers of Hugging Face's.

    Raises:
        ValueError: A number is no token's.
    """
    if custom_tokenizer is not None:
        tokenizer = custom_tokenizer["tokenizer"]
        if custom_tokenizer.get("type") == "huggingface_tokenizer":
            return tokenizer.decode(list(tokens), skip_special_tokens=skip_special_tokens)
        return tokenizer.decode(list(tokens))
    return encoding.decode(tokens)


def create_tokenizer(json: str) -> SelectTokenizerResponse:
    """A tokenizer of Hugging Face's, made of the text of its `tokenizer.json`.

    Raises:
        ImportError: The package `tokenizers` is not installed.
    """
    return {"type": "huggingface_tokenizer", "tokenizer": _hugging_face().from_str(json)}


def create_pretrained_tokenizer(
    identifier: str, revision: str = "main", auth_token: str | None = None
) -> SelectTokenizerResponse:
    """A tokenizer of Hugging Face's hub, which the package `tokenizers` fetches unless it has it already.

    Args:
        identifier: Its name there, "owner/name".
        revision: A branch, tag or commit.
        auth_token: For what is not open to everybody.

    Raises:
        ImportError: The package `tokenizers` is not installed.
    """
    made = _hugging_face().from_pretrained(identifier, revision=revision, token=auth_token)
    return {"type": "huggingface_tokenizer", "tokenizer": made}


def _hugging_face() -> Any:
    try:
        from importlib import import_module

        return import_module("tokenizers").Tokenizer
    except ImportError as failed:
        raise ImportError("tokenizers of Hugging Face need the package: pip install tokenizers") from failed


def _counter(custom_tokenizer: Any) -> Callable[[str], int]:
    tokenizer = custom_tokenizer["tokenizer"]
    if custom_tokenizer.get("type") == "huggingface_tokenizer" and hasattr(tokenizer, "encode_batch_fast"):
        return lambda text: len(tokenizer.encode_batch_fast([text])[0])
    return lambda text: len(tokenizer.encode(text))


class Encoding:
    """One of OpenAI's vocabularies, with the methods of tiktoken's class of this name.

    Special tokens are never recognised in texts: tiktoken's arguments for them are accepted.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Encoding {self.name!r}>"

    def encode(self, text: str, *, allowed_special: Any = (), disallowed_special: Any = ()) -> list[int]:
        return _core.encode_text(self.name, text)

    def encode_ordinary(self, text: str) -> list[int]:
        return _core.encode_text(self.name, text)

    def encode_batch(self, text: Iterable[str], **kwargs: Any) -> list[list[int]]:
        return [self.encode(each) for each in text]

    def decode_bytes(self, tokens: Iterable[int]) -> bytes:
        return _core.decode_tokens(self.name, list(tokens))

    def decode(self, tokens: Iterable[int], errors: str = "replace") -> str:
        return self.decode_bytes(tokens).decode("utf-8", errors)

    def decode_batch(self, batch: Iterable[Iterable[int]], errors: str = "replace") -> list[str]:
        return [self.decode(tokens, errors) for tokens in batch]

    def decode_single_token_bytes(self, token: int) -> bytes:
        return self.decode_bytes([token])


encoding = Encoding("cl100k_base")
"""What LiteLLM counts and encodes with by default."""
