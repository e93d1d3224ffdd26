"""Module-level settings and their defaults, as LiteLLM has them.

They become attributes of the package and are read from there at the time of each call, so that
``ferrolite.drop_params = True`` acts from the next call on. Times are in seconds.
"""

from __future__ import annotations

TYPE_CHECKING = False

api_key: str | None = None
"""A key for any provider whose own is not set."""
api_base: str | None = None
"""The address of any provider, in place of its own."""
openai_key: str | None = None
"""OpenAI's key."""
anthropic_key: str | None = None
"""Anthropic's key."""
azure_key: str | None = None
"""Azure OpenAI's key."""
gemini_key: str | None = None
"""Gemini's key."""
organization: str | None = None
"""OpenAI's organization."""
vertex_project: str | None = None
"""Vertex AI's project."""
vertex_location: str | None = None
"""Vertex AI's location."""
api_version: str | None = None
"""The version of Azure's interfaces."""
enable_azure_ad_token_refresh: bool | None = None
"""Ask Azure's machines for a token of their identity, when there is neither a key nor a token."""
headers: dict[str, str] | None = None
"""Headers of every request."""

drop_params: bool = False
"""Leave out parameters that a model does not take, instead of raising UnsupportedParamsError."""
modify_params: bool = False
"""Repair conversations that a provider would refuse."""
model_alias_map: dict[str, str] = {}
"""Names that stand for other models."""

num_retries: int | None = None
"""Attempts after the first; by default two for OpenAI and most compatible servers, none for others."""
request_timeout: float = 6000.0
"""Seconds for one attempt."""
ssl_verify: bool | str = True
"""False to accept any certificate, or the path of a PEM file with roots to trust."""
REPEATED_STREAMING_CHUNK_LIMIT: int = 100
"""How often one chunk may repeat before a stream is cut."""

set_verbose: bool = False
"""Log at debug level."""
suppress_debug_info: bool = False
"""Accepted: errors print nothing here in any case."""


if TYPE_CHECKING:
    __all__: list[str]
else:
    __all__ = [
        name for name in dict(globals()) if name[:1] != "_" and name not in ("annotations", "TYPE_CHECKING")
    ]
