"""Module-level settings and their defaults, as LiteLLM has them.

They become attributes of the package and are read from there at the time of each call, so that
``ferrolite.drop_params = True`` acts from the next call on. Times are in seconds.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    class CustomProvider(TypedDict):
        """One entry of `custom_provider_map`."""

        provider: str
        custom_handler: Any


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
ai21_key: str | None = None
"""The key of AI21."""
amazon_nova_api_key: str | None = None
"""The key of Amazon Nova."""
baseten_key: str | None = None
"""The key of Baseten."""
bytez_key: str | None = None
"""The key of Bytez."""
clarifai_key: str | None = None
"""The key of Clarifai."""
cloudflare_api_key: str | None = None
"""The key of Cloudflare."""
cohere_key: str | None = None
"""The key of Cohere."""
cometapi_key: str | None = None
"""The key of CometAPI."""
databricks_key: str | None = None
"""The key of Databricks."""
datarobot_key: str | None = None
"""The key of DataRobot."""
gdc_key: str | None = None
"""The key of Google Distributed Cloud."""
gigachat_key: str | None = None
"""The key of GigaChat."""
gradient_ai_api_key: str | None = None
"""The key of Gradient AI."""
groq_key: str | None = None
"""The key of Groq."""
heroku_key: str | None = None
"""The key of Heroku."""
huggingface_key: str | None = None
"""The key of Hugging Face."""
inception_key: str | None = None
"""The key of Inception."""
lemonade_key: str | None = None
"""The key of Lemonade."""
llama_api_key: str | None = None
"""The key of the Llama API."""
maritalk_key: str | None = None
"""The key of Maritalk."""
nebius_key: str | None = None
"""The key of Nebius."""
nlp_cloud_key: str | None = None
"""The key of NLP Cloud."""
novita_api_key: str | None = None
"""The key of Novita."""
ollama_key: str | None = None
"""The key of Ollama."""
openrouter_key: str | None = None
"""The key of OpenRouter."""
ovhcloud_key: str | None = None
"""The key of OVHcloud."""
predibase_key: str | None = None
"""The key of Predibase."""
replicate_key: str | None = None
"""The key of Replicate."""
sap_service_key: str | None = None
"""The key of SAP's AI Core."""
snowflake_key: str | None = None
"""The key of Snowflake."""
togetherai_api_key: str | None = None
"""The key of Together AI."""
vercel_ai_gateway_key: str | None = None
"""The key of Vercel's AI Gateway."""
wandb_key: str | None = None
"""The key of Weights & Biases."""
xai_key: str | None = None
"""The key of xAI."""
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

custom_prompt_dict: dict[str, dict[str, Any]] = {}
"""Ways of making one text of a conversation, by model; see `register_prompt_template`."""

custom_provider_map: list[CustomProvider] = []
"""Providers written in Python: dicts of a `provider` and its `custom_handler`, a `CustomLLM`."""

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
