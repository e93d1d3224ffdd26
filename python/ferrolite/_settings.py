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
enable_azure_ad_token_refresh: bool = False
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

callbacks: list[Any] = []
"""Who is told of calls: `CustomLogger` instances, and names of integrations."""
input_callback: list[Any] = []
"""Functions (or names) that are told before a request is sent: `function(kwargs)`."""
success_callback: list[Any] = []
"""Functions (or names) that are told of answers: `function(kwargs, response, start_time, end_time)`."""
failure_callback: list[Any] = []
"""Functions (or names) that are told of failures: `function(kwargs, None, start_time, end_time)`."""
service_callback: list[Any] = []
"""Names of integrations that are told of the services behind a gateway."""
_async_input_callback: list[Any] = []
_async_success_callback: list[Any] = []
_async_failure_callback: list[Any] = []
pre_call_rules: list[Any] = []
"""Functions that are asked with the text of a conversation; False ends the call."""
post_call_rules: list[Any] = []
"""Functions that are asked with the text of an answer; False makes an error of it."""
turn_off_message_logging: bool = False
"""Hide the texts of questions and answers from callbacks."""
redact_messages_in_exceptions: bool = False
"""Hide the provider's words from what callbacks are told of errors."""
log_raw_request_response: bool = False
"""Tell callbacks the request as it is sent: `kwargs["raw_request_typed_dict"]`."""
global_disable_no_log_param: bool = False
"""Log calls that ask not to be (`no-log`)."""
disable_streaming_logging: bool = False
"""Tell callbacks nothing of a stream's chunks, only of its end."""
s3_callback_params: dict[str, Any] | None = None
"""Where the integration `s3` puts its objects."""
generic_logger_headers: dict[str, str] | None = None
"""Headers of the integration `generic_api`."""
standard_logging_payload_excluded_fields: list[str] | None = None
"""Fields to leave out of `kwargs["standard_logging_object"]`."""

num_retries: int | None = None
"""Attempts after the first; by default two for OpenAI and most compatible servers, none for others."""
request_timeout: float = 6000.0
"""Seconds for one attempt."""
ssl_verify: bool | str = True
"""False to accept any certificate, or the path of a PEM file with roots to trust."""
REPEATED_STREAMING_CHUNK_LIMIT: int = 100
"""How often one chunk may repeat before a stream is cut."""

cache: Any = None
"""Where answers are kept, a `ferrolite.Cache`; None to keep none."""
caching_with_models: bool = False
"""Whether deployments of one group keep their answers apart."""
default_in_memory_ttl: float | None = None
"""Seconds that a cache in memory keeps an answer, where it is not told."""
default_redis_ttl: float | None = None
"""Seconds that a cache in Redis keeps an answer, where it is not told."""

set_verbose: bool = False
"""Log at debug level."""
suppress_debug_info: bool = False
"""Accepted: errors print nothing here in any case."""

# What acts in calls

project: str | None = None
"""OpenAI's project."""
infinity_key: str | None = None
"""The key of Infinity."""
openai_like_key: str | None = None
"""The key of a server of OpenAI's format (`openai_like/`)."""
use_litellm_proxy: bool = False
"""Send chat completions to a LiteLLM gateway: `litellm_proxy/` in front of every model. Also USE_LITELLM_PROXY=true."""
model_fallbacks: list[Any] | None = None
"""Models to try when a chat completion fails, for calls without `fallbacks` of their own."""
max_budget: float = 0.0
"""Dollars that chat completions may cost; 0 for no limit. Calls beyond raise BudgetExceededError. Streams count at their end."""
_current_cost: float = 0.0
budget_exceeded_status_code: int = 422
"""The status of a BudgetExceededError."""
credential_list: list[Any] = []
"""Named credentials for `litellm_credential_name`: objects with `credential_name` and `credential_values`."""
secret_manager_client: Any = None
"""What `get_secret` asks before the environment: an object with `get(name)`, or a function."""
enable_json_schema_validation: bool = False
"""Check answers against the schema that was asked for; JSONSchemaValidationError when they do not follow it."""
json_logs: bool = False
"""Log one JSON object a line, as `turn_on_json` does."""
route_all_chat_openai_to_responses: bool = False
"""Ask for chat with OpenAI's models over Responses; `openai/chat_completions/…` is still asked for as chat."""

# Read by the router

fallbacks: list[Any] | None = None
"""A router's fallbacks: dicts of a model and the list of models behind it."""
context_window_fallbacks: list[Any] | None = None
"""The same for inputs that are too long."""
content_policy_fallbacks: list[Any] | None = None
"""The same for what a content policy refused."""
default_fallbacks: list[Any] | None = None
"""Models behind every model of a router."""
allowed_fails: int = 3
"""Failures a minute before a router rests a deployment."""
num_retries_per_request: int | None = None
"""A router's attempts after the first, for one request."""

# Accepted: they change nothing (docs/differences.md)

enable_caching_on_provider_specific_optional_params: bool = False
"""Providers' own parameters are part of every key."""
DEFAULT_MAX_RETRIES: int = 2
"""How often OpenAI's client tries again. Use `num_retries`."""
DEFAULT_MAX_TOKENS: int = 4096
"""See `max_tokens`."""
model_cost_map_url: str = (
    "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"
)
"""Prices are fetched on request only: `ferrolite models update --from ADDRESS`."""
telemetry: bool = False
"""Nothing is ever reported."""
max_tokens: int = 4096
"""Models have limits of their own."""
add_function_to_prompt: bool = False
"""Tools are sent as tools, or refused."""
gdc_api_base: str | None = None
"""Pass `api_base`, or set GDC_API_BASE."""
client_session: Any = None
"""An httpx client: the core has its own connections. Use `ssl_verify`."""
aclient_session: Any = None
"""The same for asyncio."""
disable_aiohttp_transport: bool = False
"""aiohttp is not used."""
use_aiohttp_transport: bool = True
"""aiohttp is not used."""
force_ipv4: bool = False
"""Connections take the address that answers first."""
ssl_certificate: str | None = None
"""A client's certificate is not sent."""
return_response_headers: bool = False
"""They are always in `_response_headers`."""
disable_token_counter: bool = False
"""Tokens are counted when they are asked for only."""
include_cost_in_streaming_usage: bool = False
"""The cost of a stream is in its hidden parameters."""
retry: bool = True
"""Set `num_retries` to 0."""


if TYPE_CHECKING:
    __all__: list[str]
else:
    __all__ = [
        name
        for name in dict(globals())
        if (name[:1] != "_" or name[:7] == "_async_" or name == "_current_cost")
        and name not in ("annotations", "TYPE_CHECKING")
    ]
