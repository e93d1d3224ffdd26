"""`standard_logging_object`: what happened in a call, as plain data in one shape for every kind of call."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# What is read here is other people's: plain data of any shape.

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from ferrolite._observe.log import Logging

_settings = sys.modules["ferrolite"].__dict__

_METADATA = (
    "user_api_key_hash",
    "user_api_key_alias",
    "user_api_key_spend",
    "user_api_key_max_budget",
    "user_api_key_budget_reset_at",
    "user_api_key_user_spend",
    "user_api_key_user_max_budget",
    "user_api_key_team_spend",
    "user_api_key_team_max_budget",
    "user_api_key_team_id",
    "user_api_key_org_id",
    "user_api_key_org_alias",
    "user_api_key_project_id",
    "user_api_key_project_alias",
    "user_api_key_user_id",
    "user_api_key_team_alias",
    "user_api_key_user_email",
    "user_api_key_end_user_id",
    "user_api_key_request_route",
    "spend_logs_metadata",
    "requester_ip_address",
    "user_agent",
    "requester_metadata",
    "prompt_management_metadata",
    "applied_guardrails",
    "mcp_tool_call_metadata",
    "vector_store_request_metadata",
    "routing_decision",
    "usage_object",
    "requester_custom_headers",
    "cold_storage_object_key",
    "user_api_key_auth_metadata",
    "team_alias",
    "team_id",
    "kubernetes_pod_routing",
    "used_client_oauth_token",
)
_NO_ERROR = {
    "error_code": "",
    "error_class": "",
    "llm_provider": "",
    "traceback": "",
    "error_message": "",
    "error_provider_request_id": None,
    "error_rate_limit_category": None,
    "error_rate_limit_type": None,
    "error_budget_entity_type": None,
    "error_budget_entity_id": None,
    "error_budget_limit": None,
    "error_budget_spend": None,
    "error_cooldown_deployments": None,
    "normalized_error": None,
}
_KINDS_OF_ERRORS = {
    400: "INVALID_REQUEST",
    401: "AUTHENTICATION",
    403: "PERMISSION",
    404: "NOT_FOUND",
    408: "TIMEOUT",
    429: "RATE_LIMIT",
    503: "SERVICE_UNAVAILABLE",
}


def payload(
    kwargs: dict[str, Any],
    init_response_obj: Any,
    start_time: datetime,
    end_time: datetime,
    logging_obj: Logging,
    status: str,
    error_str: str | None = None,
    original_exception: Exception | None = None,
) -> dict[str, Any]:
    """The `standard_logging_object` of a call.

    Args:
        kwargs: What callbacks are told of the call.
        init_response_obj: The answer, or None.
        start_time, end_time: Of the call.
        logging_obj: The call's log.
        status: "success" or "failure".
        error_str, original_exception: Of a failure.
    """
    response, hidden = extract_response_and_hidden_params(init_response_obj, original_exception)
    usage: Any = response.get("usage") or response.get("usageMetadata") or {}
    prompt_tokens = _count(usage, "prompt_tokens", "input_tokens", "promptTokenCount")
    completion_tokens = _count(usage, "completion_tokens", "output_tokens", "candidatesTokenCount")
    total = _count(usage, "total_tokens", "totalTokenCount") or prompt_tokens + completion_tokens
    params: dict[str, Any] = kwargs.get("litellm_params") or {}
    metadata: dict[str, Any] = params.get("litellm_metadata") or params.get("metadata") or {}
    model_info: dict[str, Any] = params.get("model_info") or metadata.get("model_info") or {}
    started, ended = start_time.timestamp(), end_time.timestamp()
    first: datetime | None = kwargs.get("completion_start_time")
    stream = bool(kwargs.get("stream"))
    cost = kwargs.get("response_cost") or 0.0
    cache_hit = kwargs.get("cache_hit")
    model = kwargs.get("model") or ""
    made: dict[str, Any] = {
        "id": response.get("id") or logging_obj.litellm_call_id,
        "litellm_call_id": logging_obj.litellm_call_id,
        "trace_id": logging_obj.trace_id,
        "session_id": params.get("litellm_session_id") or metadata.get("session_id") or "",
        "call_type": kwargs.get("call_type"),
        "cache_hit": cache_hit if status == "success" else False,
        "stream": True if stream else None,
        "status": status,
        "status_fields": {"llm_api_status": status, "guardrail_status": "not_run"},
        "custom_llm_provider": kwargs.get("custom_llm_provider"),
        "saved_cache_cost": cost if cache_hit else 0.0,
        "startTime": started,
        "endTime": ended,
        "completionStartTime": first.timestamp() if first and stream else ended,
        "response_time": (first.timestamp() if first and stream else ended) - started,
        "model": model,
        "metadata": _metadata(metadata, usage),
        "cache_key": kwargs.get("cache_key"),
        "cost_finalized": False,
        "response_cost": 0.0 if cache_hit else cost,
        "cost_breakdown": _breakdown(cost, init_response_obj, model, kwargs.get("custom_llm_provider")),
        "autorouter_savings": None,
        "autorouter_savings_estimate": None,
        "autorouter_baseline_observation": None,
        "total_tokens": total,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "request_tags": _tags(metadata, params),
        "request_model_access_groups": [],
        "end_user": metadata.get("user_api_key_end_user_id"),
        "api_base": _base(hidden, params),
        "model_group": metadata.get("model_group") or "",
        "model_id": model_info.get("id") or hidden.get("model_id") or "",
        "requester_ip_address": metadata.get("requester_ip_address"),
        "user_agent": metadata.get("user_agent"),
        "messages": kwargs.get("messages"),
        "response": response,
        "model_parameters": dict(kwargs.get("optional_params") or {}),
        "hidden_params": {
            "model_id": hidden.get("model_id"),
            "cache_key": hidden.get("cache_key"),
            "api_base": hidden.get("api_base"),
            "response_cost": hidden.get("response_cost", cost),
            "additional_headers": hidden.get("additional_headers"),
            "litellm_overhead_time_ms": hidden.get("litellm_overhead_time_ms"),
            "batch_models": hidden.get("batch_models"),
            "batch_successful_requests": None,
            "batch_failed_requests": None,
            "litellm_model_name": hidden.get("litellm_model_name"),
            "usage_object": hidden.get("usage_object"),
        },
        "model_map_information": _model_facts(model, kwargs.get("custom_llm_provider"), params),
        "error_str": error_str,
        "error_information": _error(original_exception, kwargs.get("traceback_exception")),
        "response_cost_failure_debug_info": None,
        "zero_cost_diagnostic": None,
        "guardrail_information": metadata.get("standard_logging_guardrail_information"),
        "standard_built_in_tools_params": {
            "web_search_options": (kwargs.get("optional_params") or {}).get("web_search_options"),
            "file_search": None,
        },
    }
    for name in _settings["standard_logging_payload_excluded_fields"] or ():
        made.pop(name, None)
    return made


def extract_response_and_hidden_params(
    init_response_obj: Any, original_exception: Exception | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An answer as plain data, and what is known of its call."""
    hidden: dict[str, Any] = {}
    response: Any = {}
    if init_response_obj is not None:
        hidden = dict(getattr(init_response_obj, "_hidden_params", None) or {})
        if isinstance(init_response_obj, dict):
            response = init_response_obj
        elif hasattr(init_response_obj, "model_dump"):
            response = init_response_obj.model_dump()
        elif isinstance(init_response_obj, (list, str)):
            response = {"response": init_response_obj}
    if original_exception is not None:
        headers: Any = getattr(original_exception, "litellm_response_headers", None)
        hidden.setdefault("additional_headers", dict(headers or {}))
    return response, hidden


def _count(usage: Any, *names: str) -> int:
    for name in names:
        value = usage.get(name) if isinstance(usage, dict) else getattr(usage, name, None)
        if isinstance(value, int):
            return value
    return 0


def _metadata(metadata: dict[str, Any], usage: Any) -> dict[str, Any]:
    """Fields that have a place here. The caller's own are in `litellm_params["metadata"]`."""
    made = {name: metadata.get(name) for name in _METADATA}
    made["applied_guardrails"] = made["applied_guardrails"] or []
    made["usage_object"] = usage or None
    return made


def _tags(metadata: dict[str, Any], params: dict[str, Any]) -> list[str]:
    tags: Any = metadata.get("tags") or params.get("tags") or []
    return list(tags) if isinstance(tags, (list, tuple)) else []


def _base(hidden: dict[str, Any], params: dict[str, Any]) -> str:
    return str(hidden.get("api_base") or params.get("api_base") or "")


def _model_facts(model: str, provider: str | None, params: dict[str, Any]) -> dict[str, Any]:
    from ferrolite import get_model_info

    key = params.get("base_model") or model
    facts: Any = None
    if key:
        try:
            facts = get_model_info(model=key, custom_llm_provider=provider)
        except Exception:
            facts = None  # a model that nobody has described
    return {"model_map_key": key, "model_map_value": facts}


def _breakdown(cost: float, answer: Any, model: str, provider: str | None) -> dict[str, Any] | None:
    """What of a cost is for the question, for the answer, and for tools beside them."""
    usage = getattr(answer, "usage", None)
    if not cost or usage is None:
        return None
    from ferrolite import cost_per_token

    try:
        asked, said = cost_per_token(model=model, custom_llm_provider=provider, usage_object=usage)
    except Exception:
        return None  # priced by other things than tokens
    return {
        "total_cost": cost,
        "service_tier": getattr(answer, "service_tier", None),
        "data_residency": None,
        "vertex_location": None,
        "input_cost": asked,
        "output_cost": said,
        "tool_usage_cost": max(cost - asked - said, 0.0),
        "original_cost": cost,
        "discount_percent": 0.0,
        "discount_amount": 0.0,
        "margin_percent": 0.0,
        "margin_fixed_amount": 0.0,
        "margin_total_amount": 0.0,
    }


def _error(error: Exception | None, trace: str | None) -> dict[str, Any]:
    if error is None:
        return dict(_NO_ERROR)
    status = getattr(error, "status_code", None)
    kind = None
    if isinstance(status, int):
        kind = f"{status}_{_KINDS_OF_ERRORS.get(status, 'SERVER_ERROR' if status >= 500 else 'CLIENT_ERROR')}"
    return {
        **_NO_ERROR,
        "error_code": str(getattr(error, "code", None) or status or ""),
        "error_class": type(error).__name__,
        "llm_provider": getattr(error, "llm_provider", None) or "",
        "traceback": trace or "",
        "error_message": str(error),
        "error_provider_request_id": getattr(error, "request_id", None),
        "normalized_error": kind,
    }
