"""What the tools cost that a provider runs itself."""

from __future__ import annotations

from ferrolite import _core, _model_cost, cost_calculator
from ferrolite._model_info import get_model_info

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# US dollars where a model's entry says nothing.
_FILE_SEARCH_PER_CALL = 0.0025
_CODE_SESSION = {"azure": 0.033, "openai": 0.03}
_AZURE_STORAGE_PER_GB_DAY = 0.1
_AZURE_COMPUTER_USE_PER_1K = (3.0, 12.0)


def _fields(value: Any) -> dict[str, Any]:
    return cost_calculator._as_dict(value)  # pyright: ignore[reportPrivateUsage]


def _count(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


class StandardBuiltInToolCostTracking:
    """Costs of searches, files, sandboxes and computers, in US dollars."""

    @staticmethod
    def get_cost_for_built_in_tools(
        model: str,
        response_object: Any,
        usage: Any = None,
        custom_llm_provider: str | None = None,
        standard_built_in_tools_params: Any = None,
    ) -> float:
        """What the provider's own tools cost in one answer."""
        response, tools = _fields(response_object), _fields(standard_built_in_tools_params)
        provider = custom_llm_provider or _core.split_model(model)[0]
        size = _fields(tools.get("web_search_options")).get("search_context_size")
        work = {
            "provider": provider,
            "usage": _fields(usage) or _fields(response.get("usage")),
            "search_context_size": size,
            "cited": cost_calculator._searched(response),  # pyright: ignore[reportPrivateUsage]
        }
        priced = _core.price_model(model, provider, work, _model_cost.own())
        cost = 0.0 if priced is None else priced[2]
        if provider == "azure":
            cls = StandardBuiltInToolCostTracking
            cost += cls.get_cost_for_code_interpreter(tools.get("code_interpreter_sessions"), provider)
            cost += cls.get_cost_for_vector_store(tools.get("vector_store_usage"), provider)
        return cost

    @staticmethod
    def get_cost_for_web_search(web_search_options: Any = None, model_info: Any = None) -> float:
        """One search, by how much context it was asked to bring."""
        prices = _fields(_fields(model_info).get("search_context_cost_per_query"))
        size = _fields(web_search_options).get("search_context_size") or "medium"
        return prices.get(f"search_context_size_{size}") or 0.0

    @staticmethod
    def get_default_cost_for_web_search(model_info: Any = None) -> float:
        """One search that was asked for nothing in particular."""
        return StandardBuiltInToolCostTracking.get_cost_for_web_search(None, model_info)

    @staticmethod
    def get_cost_for_file_search(
        file_search: Any = None,
        provider: str | None = None,
        model_info: Any = None,
        storage_gb: float | None = None,
        days: float | None = None,
    ) -> float:
        """A search of files: per call, at Azure by what is stored."""
        if file_search is None:
            return 0.0
        info = _fields(model_info)
        if provider == "azure":
            price = info.get("file_search_cost_per_gb_per_day") or _AZURE_STORAGE_PER_GB_DAY
            return _count(storage_gb) * _count(days) * price
        return info.get("file_search_cost_per_1k_calls") or _FILE_SEARCH_PER_CALL

    @staticmethod
    def get_cost_for_vector_store(
        vector_store_usage: Any = None, provider: str | None = None, model_info: Any = None
    ) -> float:
        """What is stored in a vector store, by gigabyte and day."""
        usage = _fields(vector_store_usage)
        price = _fields(model_info).get("vector_store_cost_per_gb_per_day")
        if price is None:
            price = _AZURE_STORAGE_PER_GB_DAY if provider == "azure" else 0.0
        return _count(usage.get("storage_gb")) * _count(usage.get("days")) * price

    @staticmethod
    def get_cost_for_computer_use(
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        provider: str | None = None,
        model_info: Any = None,
    ) -> float:
        """Tokens of Azure's computer use."""
        if provider != "azure":
            return 0.0
        info, (per_input, per_output) = _fields(model_info), _AZURE_COMPUTER_USE_PER_1K
        per_input = info.get("computer_use_input_cost_per_1k_tokens") or per_input
        per_output = info.get("computer_use_output_cost_per_1k_tokens") or per_output
        return (_count(input_tokens) * per_input + _count(output_tokens) * per_output) / 1000

    @staticmethod
    def get_cost_for_code_interpreter(
        sessions: int | None = None, provider: str | None = None, model_info: Any = None
    ) -> float:
        """Sessions of a sandbox."""
        price = _fields(model_info).get("code_interpreter_cost_per_session")
        if price is None:
            price = _CODE_SESSION.get(provider or "", 0.0)
        return _count(sessions) * price

    @staticmethod
    def chat_completion_response_includes_annotations(response_object: Any) -> bool:
        """Whether an answer notes where it comes from."""
        choices = _fields(response_object).get("choices") or ()
        return any(_fields(_fields(choice).get("message")).get("annotations") for choice in choices)

    @staticmethod
    def response_includes_annotation_type(response_object: Any, annotation_type: str) -> bool:
        """Whether an answer has a note of a type: `url_citation` or `file_citation`."""
        for choice in _fields(response_object).get("choices") or ():
            for note in _fields(_fields(choice).get("message")).get("annotations") or ():
                if _fields(note).get("type") == annotation_type:
                    return True
        return False

    @staticmethod
    def response_includes_output_type(response_object: Any, output_type: str) -> bool:
        """Whether an answer of Responses has an item of a type."""
        output = _fields(response_object).get("output") or ()
        return any(_fields(item).get("type") == output_type for item in output)

    @staticmethod
    def response_object_includes_web_search_call(response_object: Any, usage: Any = None) -> bool:
        """Whether the web was searched for an answer."""
        counts = _fields(usage)
        tools, prompt = _fields(counts.get("server_tool_use")), _fields(counts.get("prompt_tokens_details"))
        if tools.get("web_search_requests") or prompt.get("web_search_requests"):
            return True
        return cost_calculator._searched(_fields(response_object))  # pyright: ignore[reportPrivateUsage]

    @staticmethod
    def response_object_includes_file_search_call(response_object: Any) -> bool:
        """Whether files were searched for an answer."""
        cls = StandardBuiltInToolCostTracking
        return cls.response_includes_output_type(
            response_object, "file_search_call"
        ) or cls.response_includes_annotation_type(response_object, "file_citation")

    @staticmethod
    def _safe_get_model_info(model: str, custom_llm_provider: str | None = None) -> Any:
        """`get_model_info`, or None for a model that is not listed."""
        try:
            return get_model_info(model, custom_llm_provider)
        except Exception:
            return None
