"""Many deployments behind one name: load balancing, retries, cooldowns and fallbacks.

>>> from ferrolite import Router
>>> router = Router(
...     model_list=[
...         {"model_name": "chat", "litellm_params": {"model": "openai/gpt-4o", "weight": 9}},
...         {"model_name": "chat", "litellm_params": {"model": "groq/llama-3.3-70b-versatile", "weight": 1}},
...         {"model_name": "spare", "litellm_params": {"model": "anthropic/claude-sonnet-4-5"}},
...     ],
...     fallbacks=[{"chat": ["spare"]}],
... )
>>> response = router.completion("chat", [{"role": "user", "content": "Hello"}])

A `Router` keeps the list and the settings; everything else is the core's.
"""

from __future__ import annotations

import os
import sys
from json import dumps

from ferrolite import _core
from ferrolite._router_calls import Calls
from ferrolite.types.router import AllowedFailsPolicy as AllowedFailsPolicy
from ferrolite.types.router import CustomRoutingStrategyBase as CustomRoutingStrategyBase
from ferrolite.types.router import Deployment, RouterGeneralSettings
from ferrolite.types.router import LiteLLM_Params as LiteLLM_Params
from ferrolite.types.router import ModelInfo as ModelInfo
from ferrolite.types.router import RetryPolicy as RetryPolicy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ferrolite.types.router import ModelGroupInfo

_settings = sys.modules["ferrolite"].__dict__

_SWITCHES = (
    "allow_client_keepalive_override",
    "use_in_pass_through",
    "use_litellm_proxy",
    "use_xai_oauth",
    "merge_reasoning_content_in_choices",
)
_UNSET_TIMEOUT = 6000
"""What the reference takes for no time limit, in seconds."""
_INFO = {"db_model": False, "member_auto_router": False}

# The constructor's arguments that the core reads.
_FOR_THE_CORE = (
    "allowed_fails",
    "allowed_fails_policy",
    "content_policy_fallbacks",
    "context_window_fallbacks",
    "cooldown_time",
    "default_fallbacks",
    "default_litellm_params",
    "default_max_parallel_requests",
    "default_priority",
    "deployment_affinity_ttl_seconds",
    "disable_cooldowns",
    "enable_mid_stream_fallback_continuation",
    "enable_pre_call_checks",
    "enable_tag_filtering",
    "fallbacks",
    "max_fallbacks",
    "model_group_alias",
    "model_group_retry_policy",
    "num_retries",
    "optional_pre_call_checks",
    "polling_interval",
    "retry_after",
    "retry_policy",
    "routing_strategy",
    "routing_strategy_args",
    "stream_timeout",
    "tag_filtering_match_any",
    "timeout",
)
_REPORTED = (
    "routing_strategy_args",
    "routing_strategy",
    "allowed_fails",
    "cooldown_time",
    "num_retries",
    "timeout",
    "max_retries",
    "retry_after",
    "fallbacks",
    "context_window_fallbacks",
    "model_group_retry_policy",
    "retry_policy",
    "model_group_alias",
    "enable_weighted_failover",
    "enable_mid_stream_fallback_continuation",
    "enable_tag_filtering",
    "tag_routing_prefix",
    "fallback_on_unsupported_params",
    "routing_groups",
)
_UPDATABLE = frozenset(
    (*_REPORTED, "stream_timeout", "default_fallbacks", "content_policy_fallbacks", "max_fallbacks")
)


class Router(Calls):
    """Deployments behind names. Settings are attributes, and may be changed; times are in seconds.

    Args:
        model_list: Deployments: dicts of a `model_name`, `litellm_params` (what `completion` takes, and `weight`,
            `rpm`, `tpm`, `order`, `tags`, `max_parallel_requests`, `cooldown_time`) and `model_info`. Names may
            have a `*`. A value "os.environ/NAME" is read from the environment.
        num_retries: Attempts after the first within a group; 2 unless said.
        retry_after: The shortest wait before a retry where no other deployment is free.
        retry_policy, model_group_retry_policy: Retries by what a call failed with.
        fallbacks: `[{"a": ["b", "c"]}]`: groups that a call goes on to when `a` has failed it.
        default_fallbacks: The same for groups without an entry of their own.
        context_window_fallbacks, content_policy_fallbacks: The same for these failures.
        allowed_fails, allowed_fails_policy: Failures in a minute after which a deployment is left alone for
            `cooldown_time`. Without them: when more than half of its calls fail.
        routing_strategy: "simple-shuffle", "least-busy", "latency-based-routing", "usage-based-routing-v2",
            "cost-based-routing" or "power-of-two-choices".
        routing_strategy_args: `ttl`, `lowest_latency_buffer`, `max_latency_list_size` for latencies. With
            `hedging_percentile`, a call that is slower than that percentile gets a second request beside it;
            `hedging_budget` is the share of calls that may.
        enable_pre_call_checks: Pass over deployments whose context window, region or limits the call does not fit.
        enable_tag_filtering: Only deployments with one of the request's tags; see `tag_filtering_match_any`.
        enable_mid_stream_fallback_continuation: A stream that breaks off is continued elsewhere.
        model_group_alias: Other names of groups; `{"name": {"model": group, "hidden": True}}` is not listed.
        timeout, stream_timeout: Defaults for calls that say nothing else.

    The other arguments are LiteLLM's and are kept as attributes; `docs/router.md` says which do nothing.

    Raises:
        BadRequestError: A deployment or a setting cannot be read; `param` says which.
    """

    default_litellm_params: dict[str, Any] = {}
    """Keywords of every call."""
    model_group_alias: dict[str, Any] = {}
    """Other names of groups."""

    def __init__(
        self,
        model_list: list[Any] | None = None,
        assistants_config: Any = None,
        search_tools: list[Any] | None = None,
        guardrail_list: list[Any] | None = None,
        redis_url: str | None = None,
        redis_host: str | None = None,
        redis_port: int | None = None,
        redis_password: str | None = None,
        redis_db: int | None = None,
        cache_responses: bool | None = False,
        cache_kwargs: dict[str, Any] = {},  # noqa: B006 - the reference's default; never mutated
        caching_groups: list[Any] | None = None,
        client_ttl: int = 3600,
        polling_interval: float | None = None,
        default_priority: int | None = None,
        num_retries: int | None = None,
        max_fallbacks: int | None = None,
        timeout: float | None = None,
        stream_timeout: float | None = None,
        default_litellm_params: dict[str, Any] | None = None,
        default_max_parallel_requests: int | None = None,
        set_verbose: bool = False,
        debug_level: Any = "INFO",
        default_fallbacks: list[Any] | None = None,
        fallbacks: list[Any] = [],  # noqa: B006
        context_window_fallbacks: list[Any] = [],  # noqa: B006
        content_policy_fallbacks: list[Any] = [],  # noqa: B006
        model_group_alias: dict[str, Any] | None = {},  # noqa: B006
        enable_pre_call_checks: bool = False,
        enable_tag_filtering: bool = False,
        tag_filtering_match_any: bool = True,
        tag_routing_prefix: str = "",
        plugins: list[Any] | None = None,
        retry_after: int = 0,
        retry_policy: Any = None,
        model_group_retry_policy: dict[str, Any] = {},  # noqa: B006
        allowed_fails: int | None = None,
        allowed_fails_policy: Any = None,
        cooldown_time: float | None = None,
        disable_cooldowns: bool | None = None,
        fallback_on_unsupported_params: bool = True,
        routing_strategy: Any = "simple-shuffle",
        optional_pre_call_checks: list[Any] | None = None,
        routing_strategy_args: dict[str, Any] = {},  # noqa: B006
        routing_groups: list[Any] | None = None,
        provider_budget_config: dict[str, Any] | None = None,
        alerting_config: Any = None,
        router_general_settings: RouterGeneralSettings | None = RouterGeneralSettings(),  # noqa: B008
        deployment_affinity_ttl_seconds: int = 3600,
        model_group_affinity_config: dict[str, list[str]] | None = None,
        ignore_invalid_deployments: bool = False,
        enable_health_check_routing: bool = False,
        health_check_staleness_threshold: int | None = None,
        health_check_ignore_transient_errors: bool = False,
        background_health_check_model_groups: Any = None,
        enable_weighted_failover: bool = False,
        enable_mid_stream_fallback_continuation: bool = False,
        fallback_access_check: Any = None,
        fallback_budget_check: Any = None,
        auto_router_capability_limit: Any = None,
        session_affinity_repin_on_failover: bool = False,
    ) -> None:
        given = {
            name: value for name, value in locals().items() if name not in ("self", "model_list", "__class__")
        }
        if set_verbose:
            from ferrolite._logging import turn_on_debug

            turn_on_debug()
        for name in (
            "fallbacks",
            "context_window_fallbacks",
            "content_policy_fallbacks",
            "default_fallbacks",
        ):
            given[name] = given[name] or _settings.get(name) or None
        # Programs ask `fallbacks` whether there are any; the core has the default ones by their own name.
        self._for_all = {"*": given["default_fallbacks"]} if given["default_fallbacks"] else None
        if self._for_all:
            given["fallbacks"] = [*(given["fallbacks"] or ()), self._for_all]
        if num_retries is None:
            given["num_retries"] = _settings.get("num_retries")
            if given["num_retries"] is None:
                given["num_retries"] = 2
        given["model_group_alias"] = model_group_alias or {}
        given["default_litellm_params"] = dict(default_litellm_params or {})
        given["routing_strategy_args"] = routing_strategy_args or {}
        given["routing_strategy"] = getattr(routing_strategy, "value", routing_strategy)
        self._entries: dict[str, dict[str, Any]] = {}
        self._own = {}
        self._strategy = None
        self.__dict__.update(given)
        told = self._told()
        if (url := redis_url or _redis_url(redis_host, redis_port, redis_password, redis_db)) is not None:
            told["redis_url"] = url
        self._core_router = _core.CoreRouter([], told)
        if model_list:
            self.set_model_list(model_list)

    # Settings

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _FOR_THE_CORE and "_core_router" in self.__dict__:
            self._core_router.set_settings(self._told())

    def _told(self) -> dict[str, Any]:
        """The settings as the core reads them."""
        told = {name: self.__dict__.get(name) for name in _FOR_THE_CORE}
        if self._for_all and told["fallbacks"]:
            told["fallbacks"] = [entry for entry in told["fallbacks"] if entry is not self._for_all]
        return {name: _plain(value) for name, value in told.items()}

    def get_settings(self) -> dict[str, Any]:
        """Settings that may be changed while the router runs."""
        found = {name: self.__dict__[name] for name in _REPORTED if name in self.__dict__}
        defaults = {"allowed_fails": 3, "cooldown_time": 5, "timeout": _settings["request_timeout"]}
        found |= {name: value for name, value in defaults.items() if found.get(name) is None}
        return {**found, "routing_groups": found.get("routing_groups") or []}

    def update_settings(self, **kwargs: Any) -> None:
        """Change settings. Names that cannot be changed are passed over."""
        for name, value in kwargs.items():
            if name in _UPDATABLE:
                setattr(self, name, value)

    def set_custom_routing_strategy(self, CustomRoutingStrategy: CustomRoutingStrategyBase) -> None:  # noqa: N803
        """Let an object of the program's own choose deployments."""
        self._strategy = CustomRoutingStrategy

    # The list of deployments

    @property
    def model_list(self) -> list[dict[str, Any]]:
        """The deployments: dicts of `model_name`, `litellm_params` with their defaults, and `model_info`."""
        return list(self._entries.values())

    @model_list.setter
    def model_list(self, entries: list[Any]) -> None:
        self.set_model_list(entries)

    @property
    def model_names(self) -> set[str]:
        """Names of the groups."""
        return set(self._core_router.names())

    def set_model_list(self, model_list: list[Any]) -> None:
        """Put other deployments in place of all."""
        entries: dict[str, dict[str, Any]] = {}
        own: dict[str, dict[str, Any]] = {}
        told: list[dict[str, Any]] = []
        for given in model_list:
            try:
                entry, of_core, apart = _entry(given)
                if self.__dict__.get("ignore_invalid_deployments"):
                    _core.CoreRouter([of_core], {})
            except Exception:
                if self.__dict__.get("ignore_invalid_deployments"):
                    continue
                raise
            entry_id = entry["model_info"]["id"]
            entries[entry_id] = entry
            told.append(of_core)
            if apart:
                own[entry_id] = apart
        self._core_router.set_deployments(told)
        self._entries, self._own = entries, own

    def add_deployment(self, deployment: Deployment) -> Deployment | None:
        """Add a deployment; None when there is one with its id."""
        if deployment.model_info.id in self._entries:
            return None
        return self.upsert_deployment(deployment)

    def upsert_deployment(self, deployment: Deployment) -> Deployment | None:
        """Add a deployment, or put it in the place of the one with its id; None when that is the same."""
        entry, told, apart = _entry(deployment)
        entry_id = entry["model_info"]["id"]
        if self._entries.get(entry_id) == entry:
            return None
        self._core_router.upsert(told)
        self._entries[entry_id] = entry
        self._own.pop(entry_id, None)
        if apart:
            self._own[entry_id] = apart
        return deployment

    def delete_deployment(self, id: str) -> Deployment | None:
        """Take a deployment away; None when there is none with this id."""
        found = self.get_deployment(id)
        if found is not None:
            self._core_router.remove(id)
            del self._entries[id]
            self._own.pop(id, None)
        return found

    def get_deployment(self, model_id: str) -> Deployment | None:
        """The deployment with an id."""
        entry = self._entries.get(model_id)
        return None if entry is None else Deployment(**entry)

    def get_deployment_by_model_group_name(self, model_group_name: str) -> Deployment | None:
        """The first deployment of a group."""
        for entry in self._entries.values():
            if entry["model_name"] == model_group_name:
                return Deployment(**entry)
        return None

    def get_model_info(self, id: str) -> dict[str, Any] | None:
        """The entry of the deployment with an id."""
        return self._entries.get(id)

    def get_model_group(self, id: str) -> list[dict[str, Any]] | None:
        """The entries of the group that the deployment with an id is in."""
        entry = self._entries.get(id)
        return None if entry is None else self.get_all_deployments(entry["model_name"])

    def get_model_ids(self, model_name: str | None = None, exclude_team_models: bool = False) -> list[str]:
        """Ids of the deployments, of one group or of all."""
        return [
            entry_id
            for entry_id, entry in self._entries.items()
            if model_name is None or entry["model_name"] == model_name
        ]

    def has_model_id(self, candidate_id: str) -> bool:
        """Whether there is a deployment with this id."""
        return candidate_id in self._entries

    def get_model_names(self, team_id: str | None = None) -> list[str]:
        """Names of groups and of aliases that are not hidden."""
        return [*_visible(self.__dict__["model_group_alias"]), *self._core_router.names()]

    def get_model_list(
        self, model_name: str | None = None, team_id: str | None = None
    ) -> list[dict[str, Any]] | None:
        """Entries of one name or of all, those of aliases under the alias. None when there are none at all."""
        found: list[dict[str, Any]] = []
        for alias, group in _visible(self.__dict__["model_group_alias"]).items():
            if model_name in (None, alias):
                found += self.get_all_deployments(group, alias)
        if model_name is None:
            found += self._entries.values()
        elif not found:
            found = self.get_all_deployments(model_name)
            if not found and (led := self._core_router.find(model_name)) is not None:
                found = [{**self._entries[one], "model_name": model_name} for one in led[1]]
        return found or None

    def get_all_deployments(
        self, model_name: str, model_alias: str | None = None, team_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Entries of one group, under its alias where one is given."""
        entries = [entry for entry in self._entries.values() if entry["model_name"] == model_name]
        return [{**entry, "model_name": model_alias} for entry in entries] if model_alias else entries

    def get_model_from_alias(self, model: str) -> str | None:
        """The group that an alias means."""
        alias: Any = self.__dict__["model_group_alias"].get(model)
        return alias["model"] if isinstance(alias, dict) else alias  # pyright: ignore[reportUnknownVariableType]

    def get_model_access_groups(
        self, model_name: str | None = None, model_access_group: str | None = None, team_id: str | None = None
    ) -> dict[str, list[str]]:
        """Names of groups by the access groups of their deployments."""
        found: dict[str, list[str]] = {}
        for entry in self._entries.values():
            if model_name is not None and entry["model_name"] != model_name:
                continue
            for access in entry["model_info"].get("access_groups") or ():
                names = found.setdefault(access, [])
                if entry["model_name"] not in names:
                    names.append(entry["model_name"])
        if model_access_group is not None:
            return {name: names for name, names in found.items() if name == model_access_group}
        return found

    def get_model_group_info(
        self, model_group: str, *, include_hidden: bool = False, team_id: str | None = None
    ) -> ModelGroupInfo | None:
        """What the deployments of a group have in common: the largest limits, any ability."""
        from ferrolite.types.router import ModelGroupInfo

        led = self._core_router.find(model_group)
        if led is None:
            return None
        made = ModelGroupInfo(model_group=model_group, providers=[])
        for entry in (self._entries[one] for one in led[1]):
            params, info = entry["litellm_params"], entry["model_info"]
            model = info.get("base_model") or params.get("base_model") or params["model"]
            try:
                provider, name = _core.split_model(model, params.get("custom_llm_provider"))
            except Exception:
                continue
            if provider not in made.providers:
                made.providers.append(provider)
            facts: dict[str, Any] = _core.model_facts(name, provider) or {}
            for field in ("max_input_tokens", "max_output_tokens"):
                value = info.get(field) or facts.get(field)
                if value and value > (getattr(made, field) or 0):
                    setattr(made, field, value)
            made.mode = made.mode or info.get("mode") or facts.get("mode")
            for limit in ("rpm", "tpm"):
                if params.get(limit):
                    setattr(made, limit, (getattr(made, limit) or 0) + params[limit])
            abilities = facts.get("abilities") or ()
            made.supports_vision |= "vision" in abilities
            made.supports_function_calling |= "function_calling" in abilities
        return made

    # Choosing

    def get_available_deployment(
        self,
        model: str,
        messages: list[dict[str, str]] | None = None,
        input: str | list[Any] | None = None,
        specific_deployment: bool | None = False,
        request_kwargs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The entry of a deployment that a call would go to now.

        Raises:
            BadRequestError: Nobody knows the name.
            RouterRateLimitError: No deployment may take a call now.
        """
        asked: dict[str, Any] = {
            **(request_kwargs or {}),
            "model": model,
            "messages": messages,
            "input": input,
        }
        if self._strategy is not None:
            return self._strategy.get_available_deployment(model, messages, input, specific_deployment, asked)
        return self._entries[self._core_router.choose(asked)]

    async def async_get_available_deployment(
        self,
        model: str,
        request_kwargs: dict[str, Any],
        messages: list[dict[str, str]] | None = None,
        input: str | list[Any] | None = None,
        specific_deployment: bool | None = False,
    ) -> dict[str, Any]:
        """`get_available_deployment` for asyncio."""
        if self._strategy is not None:
            return await self._strategy.async_get_available_deployment(
                model, messages, input, specific_deployment, request_kwargs
            )
        return self.get_available_deployment(model, messages, input, specific_deployment, request_kwargs)

    def _has_own_provider(self) -> bool:
        names = {entry["provider"] for entry in _settings["custom_provider_map"]}
        return any(_provider(entry) in names for entry in self._entries.values())

    def _parameters(self, deployment_id: str) -> dict[str, Any]:
        entry = self._entries[deployment_id]["litellm_params"]
        info = self._entries[deployment_id]["model_info"]
        limits = {name: self.__dict__[name] for name in ("timeout", "stream_timeout")}
        defaults = {name: value for name, value in limits.items() if value not in (None, _UNSET_TIMEOUT)}
        defaults |= self.__dict__["default_litellm_params"]
        given = {
            name: value for name, value in entry.items() if name not in _NO_KEYWORDS and name not in _SWITCHES
        }
        return {**defaults, "model_info": info, **{name: _resolved(value) for name, value in given.items()}}

    def _notes(self, deployment_id: str, group: str, model: str) -> dict[str, Any]:
        """What callbacks find in a call's metadata."""
        entry = self._entries[deployment_id]
        return {
            "model_group": group,
            "deployment": model,
            "deployment_model_name": entry["model_name"],
            "model_info": entry["model_info"],
            "api_base": entry["litellm_params"].get("api_base"),
        }

    def _credentials(self, deployment_id: str) -> dict[str, Any]:
        parameters = self._parameters(deployment_id)
        if "custom_llm_provider" not in parameters:
            provider, _ = _core.split_model(parameters["model"], None)
            parameters["custom_llm_provider"] = provider
        del parameters["model"], parameters["model_info"]
        return parameters

    # Forgetting

    def flush_cache(self) -> None:
        """Forget latencies, counts, cooldowns and which calls belong together."""
        self._core_router.forget()

    def reset(self) -> None:
        """The same under its other name."""
        self._core_router.forget()

    def discard(self) -> None:
        """Accepted: a router is registered nowhere, so letting go of it is enough."""


# Parameters of a deployment that are no keywords of a call.
_NO_KEYWORDS = (
    "cooldown_time",
    "max_parallel_requests",
    "model_info",
    "order",
    "rpm",
    "tags",
    "tpm",
    "weight",
)


def _with_credentials(params: dict[str, Any]) -> dict[str, Any]:
    """The parameters, with what `credential_list` has under their `litellm_credential_name`."""
    if not params.get("litellm_credential_name"):
        return params
    from ferrolite._helpers import load_credentials_from_list

    filled = dict(params)
    load_credentials_from_list(filled)
    return filled


def _entry(given: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """An entry with its defaults, what the core is told of it, and parameters that are no JSON."""
    from ferrolite.types._base import Model

    if isinstance(given, Model):
        given = given.model_dump(exclude_none=True)
    params: Any = given["litellm_params"]
    params = params.model_dump(exclude_none=True) if isinstance(params, Model) else dict(params)
    params = {**dict.fromkeys(_SWITCHES, False), **{n: v for n, v in params.items() if v is not None}}
    info: Any = given.get("model_info") or {}
    info = info.model_dump(exclude_none=True) if isinstance(info, Model) else dict(info)
    told: dict[str, Any] = {}
    apart: dict[str, Any] = {}
    for name, value in _with_credentials(params).items():
        plain = _plain(value)
        (told if _is_json(plain) else apart)[name] = _resolved(plain)
    entry_id = info.get("id")
    if entry_id is None:
        entry_id = _made_id(given["model_name"], params)
    info = {"id": str(entry_id), **_INFO, **{name: value for name, value in info.items() if name != "id"}}
    rest = {name: value for name, value in given.items() if name not in ("litellm_params", "model_info")}
    entry: dict[str, Any] = {**rest, "litellm_params": params, "model_info": info}
    of_core = {"model_name": given["model_name"], "litellm_params": told, "model_info": _json_of(info)}
    return entry, of_core, apart


def _made_id(name: str, params: dict[str, Any]) -> str:
    """The same entry has the same id in every process."""
    from hashlib import sha256

    text = dumps([name, params], sort_keys=True, default=lambda value: type(value).__name__)
    return sha256(text.encode()).hexdigest()


def _redis_url(host: str | None, port: int | None, password: str | None, db: int | None) -> str | None:
    """The address that the parts make; None without a host."""
    if host is None:
        return None
    from urllib.parse import quote

    proof = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{proof}{host}:{port or 6379}/{db or 0}"


def _is_json(value: Any) -> bool:
    if value is None or isinstance(value, (str, int, float, bool)):
        return True
    try:
        dumps(value)
    except (TypeError, ValueError):
        return False
    return True


def _json_of(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if _is_json(value)}


def _resolved(value: Any) -> Any:
    """A value, or the variable of the environment that it names."""
    if isinstance(value, str) and value.startswith("os.environ/"):
        return os.environ.get(value.removeprefix("os.environ/"))
    return value


def _plain(value: Any) -> Any:
    """A policy or another model as a dict."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_none=True)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def _visible(aliases: dict[str, Any]) -> dict[str, str]:
    """Aliases that are not hidden, and their groups."""
    shown: dict[str, str] = {}
    for name, alias in aliases.items():
        if isinstance(alias, str):
            shown[name] = alias
        elif not alias.get("hidden"):
            shown[name] = alias["model"]
    return shown


def _provider(entry: dict[str, Any]) -> str:
    params = entry["litellm_params"]
    return params.get("custom_llm_provider") or params["model"].partition("/")[0]
