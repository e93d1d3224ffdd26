"""What a `Router` is made of: deployments, their parameters, policies, and the base of strategies of one's own."""

from __future__ import annotations

from typing import Any, TypedDict

from ferrolite.exceptions import RouterRateLimitError
from ferrolite.types._base import Model, new_id

__all__ = [
    "AlertingConfig",
    "AllowedFailsPolicy",
    "CredentialItem",
    "CredentialLiteLLMParams",
    "CustomRoutingStrategyBase",
    "Deployment",
    "DeploymentTypedDict",
    "GenericLiteLLMParams",
    "LiteLLMParamsTypedDict",
    "LiteLLM_Params",
    "ModelGroupInfo",
    "ModelInfo",
    "RetryPolicy",
    "RouterErrors",
    "RouterGeneralSettings",
    "RouterModelGroupAliasItem",
    "RouterRateLimitError",
    "RouterRateLimitErrorBasic",
    "RoutingStrategy",
    "UpdateRouterConfig",
]


# Parts of the names of parameters that are not shown.
_SECRET = ("api_key", "secret", "token", "credential", "password", "aws_access_key")


class CredentialItem(Model):
    """An entry of `credential_list`: values for calls that name it as `litellm_credential_name`."""

    __module__ = "ferrolite.types.utils"

    credential_name: str
    display_name: str | None = None
    credential_info: dict[str, Any]
    credential_values: dict[str, Any]
    credential_values_to_delete: tuple[str, ...] | None = None
    source: str = "db"

    _required = ("credential_name", "credential_info", "credential_values")

    def __repr__(self) -> str:
        return f"CredentialItem(credential_name={self.credential_name!r})"

    __str__ = __repr__


class CredentialLiteLLMParams(Model):
    """Where a deployment is, and what it is asked with."""

    api_key: str | None = None
    api_base: str | None = None
    api_version: str | None = None
    vertex_project: str | None = None
    vertex_location: str | None = None
    vertex_credentials: str | dict[str, Any] | None = None
    region_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: str | None = None
    aws_region_name: str | None = None
    watsonx_region_name: str | None = None

    def __repr__(self) -> str:
        """Without what a deployment proves itself with."""
        hidden = self.model_copy()
        for name, value in self.__dict__.items():
            if value is not None and any(part in name for part in _SECRET):
                hidden.__dict__[name] = "[redacted]"
        return super(CredentialLiteLLMParams, hidden).__repr__()


class GenericLiteLLMParams(CredentialLiteLLMParams):
    """Parameters of a deployment. Times are in seconds, limits by the minute; any other keyword is kept, too."""

    custom_llm_provider: str | None = None
    tpm: int | None = None
    rpm: int | None = None
    order: int | None = None
    weight: float | None = None
    timeout: float | str | None = None
    stream_timeout: float | str | None = None
    max_retries: int | None = None
    organization: str | None = None
    configurable_clientside_auth_params: list[Any] | None = None
    litellm_trace_id: str | None = None
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    input_cost_per_second: float | None = None
    output_cost_per_second: float | None = None
    max_file_size_mb: float | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    allow_client_keepalive_override: bool = False
    use_in_pass_through: bool = False
    use_litellm_proxy: bool = False
    use_xai_oauth: bool = False
    merge_reasoning_content_in_choices: bool = False
    model_info: dict[str, Any] | None = None
    mock_response: Any = None
    tags: list[str] | None = None


class LiteLLM_Params(GenericLiteLLMParams):  # noqa: N801 - the reference's name
    """Parameters of a deployment, with its upstream `model`."""

    model: str

    _required = ("model",)


class ModelInfo(Model):
    """What is known of a deployment: its `id`, `base_model`, `mode`, `access_groups` and whatever else."""

    id: str
    db_model: bool = False
    base_model: str | None = None
    tier: str | None = None
    team_id: str | None = None
    team_public_model_name: str | None = None
    member_auto_router: bool = False
    blocked: bool | None = None

    def __init__(self, id: str | int | None = None, **params: Any) -> None:
        super().__init__(id=new_id() if id is None else str(id), **params)


class Deployment(Model):
    """One way to a model: the group's name, the parameters, what is known of it."""

    model_name: str
    litellm_params: LiteLLM_Params
    model_info: ModelInfo
    blocked: bool | None = None

    def __init__(
        self,
        model_name: str,
        litellm_params: LiteLLM_Params | dict[str, Any],
        model_info: ModelInfo | dict[str, Any] | None = None,
        **params: Any,
    ) -> None:
        made = litellm_params if isinstance(litellm_params, Model) else LiteLLM_Params(**litellm_params)
        info = model_info if isinstance(model_info, Model) else ModelInfo(**(model_info or {}))
        super().__init__(model_name=model_name, litellm_params=made, model_info=info, **params)

    def to_json(self, **kwargs: Any) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The entry of a model list."""
        return self.model_dump(**kwargs)


class RetryPolicy(Model):
    """How often a call is repeated, by what it failed with."""

    BadRequestErrorRetries: int | None = None
    AuthenticationErrorRetries: int | None = None
    TimeoutErrorRetries: int | None = None
    RateLimitErrorRetries: int | None = None
    ContentPolicyViolationErrorRetries: int | None = None
    InternalServerErrorRetries: int | None = None
    ServiceUnavailableErrorRetries: int | None = None
    NotFoundErrorRetries: int | None = None
    DefaultRetries: int | None = None


class AllowedFailsPolicy(Model):
    """How many failures of a kind a deployment may have in a minute before it is left alone."""

    BadRequestErrorAllowedFails: int | None = None
    AuthenticationErrorAllowedFails: int | None = None
    TimeoutErrorAllowedFails: int | None = None
    RateLimitErrorAllowedFails: int | None = None
    ContentPolicyViolationErrorAllowedFails: int | None = None
    InternalServerErrorAllowedFails: int | None = None
    ServiceUnavailableErrorAllowedFails: int | None = None
    BadGatewayErrorAllowedFails: int | None = None
    NotFoundErrorAllowedFails: int | None = None


class RouterGeneralSettings(Model):
    """Switches of the reference's that change nothing here."""

    async_only_mode: bool = False
    pass_through_all_models: bool = False


class AlertingConfig(Model):
    """Where alerts go. Accepted; nothing is sent."""

    webhook_url: str
    alerting_threshold: float | None = 300


class ModelGroupInfo(Model):
    """What the deployments of a group have in common: the largest limits, any ability."""

    model_group: str
    providers: list[str]
    max_input_tokens: float | None = None
    max_output_tokens: float | None = None
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    mode: str | None = None
    tpm: int | None = None
    rpm: int | None = None
    supports_vision: bool = False
    supports_function_calling: bool = False


class UpdateRouterConfig(Model):
    """Settings that may be changed while a router runs."""

    routing_strategy_args: dict[str, Any] | None = None
    routing_strategy: str | None = None
    model_group_retry_policy: dict[str, Any] | None = None
    allowed_fails: int | None = None
    cooldown_time: float | None = None
    num_retries: int | None = None
    timeout: float | None = None
    max_retries: int | None = None
    retry_after: float | None = None
    fallbacks: list[Any] | None = None
    context_window_fallbacks: list[Any] | None = None


class RouterModelGroupAliasItem(TypedDict):
    """An alias that may be kept out of the lists of names."""

    model: str
    hidden: bool


class LiteLLMParamsTypedDict(TypedDict, total=False):
    """`LiteLLM_Params` as a dict."""

    model: str
    custom_llm_provider: str | None
    tpm: int | None
    rpm: int | None
    order: int | None
    weight: int | None
    max_parallel_requests: int | None
    api_key: str | None
    api_base: str | None
    api_version: str | None
    timeout: float | str | None
    stream_timeout: float | str | None
    max_retries: int | None
    organization: list[str] | str | None
    tags: list[str] | None


class _DeploymentOnly(TypedDict):
    model_name: str
    litellm_params: LiteLLMParamsTypedDict


class DeploymentTypedDict(_DeploymentOnly, total=False):
    """An entry of a model list."""

    model_info: dict[str, Any]


class CustomRoutingStrategyBase:
    """A strategy of one's own: override both methods and hand an instance to `set_custom_routing_strategy`."""

    async def async_get_available_deployment(
        self,
        model: str,
        messages: list[dict[str, str]] | None = None,
        input: str | list[Any] | None = None,
        specific_deployment: bool | None = False,
        request_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The entry of `router.model_list` that takes a call; for asyncio."""

    def get_available_deployment(
        self,
        model: str,
        messages: list[dict[str, str]] | None = None,
        input: str | list[Any] | None = None,
        specific_deployment: bool | None = False,
        request_kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """The entry of `router.model_list` that takes a call."""


class RouterRateLimitErrorBasic(ValueError):
    """No deployment may take a call of a model, and nothing more is known."""

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"No deployments available for selected model. Passed model={model}")


class RouterErrors:
    """Words by which the reference's errors are told apart."""

    user_defined_ratelimit_error = "Deployment over user-defined ratelimit."
    no_deployments_available = "No deployments available for selected model"
    no_deployments_with_tag_routing = "No deployments available for selected model, with tags"
    no_deployments_with_provider_budget_routing = "No deployments available within provider budget"


class RoutingStrategy:
    """Names of strategies."""

    LEAST_BUSY = "least-busy"
    LATENCY_BASED = "latency-based-routing"
    COST_BASED = "cost-based-routing"
    USAGE_BASED_ROUTING_V2 = "usage-based-routing-v2"
    USAGE_BASED_ROUTING = "usage-based-routing"
    PROVIDER_BUDGET_LIMITING = "provider-budget-routing"
