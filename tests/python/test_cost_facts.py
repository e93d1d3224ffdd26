"""What calls cost and what is known of models, against LiteLLM's own figures (`tests/facts/costs.json`).

Figures that differ are listed with their reason, all of them, and every line of the list is needed.
"""

import json
from fnmatch import fnmatchcase

import _cost_cases as cost_cases
from _facts import FACTS

import ferrolite

RECORDED = json.loads((FACTS / "costs.json").read_text())

# Models, cases, why.
EXPLAINED = [
    ("github_copilot/*", "batch *", "LiteLLM asks for its log-in here"),
    ("chatgpt/*", "batch *", "LiteLLM asks for its log-in here"),
    (
        "*/gpt-image-*",
        "image *",
        "a line of the price list for one size, and no model: it has a price, LiteLLM says 0",
    ),
    ("*stability.stable-*", "image *", "listed, LiteLLM does not find it"),
    ("*/FLUX*", "image usage", "a picture's price is known, LiteLLM says 0 when tokens are reported"),
    ("*/imagen-*", "image usage", "a picture's price is known, LiteLLM says 0 when tokens are reported"),
    (
        "*/virtual-try-on-*",
        "image usage",
        "a picture's price is known, LiteLLM says 0 when tokens are reported",
    ),
    ("fireworks_ai/*", "image *", "priced by token, so nothing without tokens; LiteLLM fails"),
    ("databricks/*image*", "image *", "priced by token, so nothing without tokens; LiteLLM fails"),
    ("qwen*/qwen-image*", "image *", "listed without a price; LiteLLM fails"),
    ("dashscope/qwen-image*", "image *", "listed without a price; LiteLLM fails"),
    ("gemini-2.0-flash-exp-image-generation", "image usage", "LiteLLM says 0"),
    ("gemini/gemini-2.0-flash-exp-image-generation", "image usage", "LiteLLM says 0"),
    ("*jamba-*", "batch *", "listed, LiteLLM does not find it under this provider and says 0"),
    ("azure/*", "batch *", "listed, LiteLLM does not find it under this provider and says 0"),
    ("together-ai-*", "response *", "LiteLLM reads a size in the name of a size"),
    ("parallel_ai/*", "search *", "searches times the price; LiteLLM has one price for all"),
    ("perplexity/perplexity/sonar", "*", "its own entry; LiteLLM takes the one of perplexity/sonar"),
    ("vertex_ai/gemini-2.0-flash", "response *", "its own entry; LiteLLM takes the one of gemini-2.0-flash"),
]


def explanation(model, case):
    lines = (line for line in EXPLAINED if fnmatchcase(model, line[0]) and fnmatchcase(case, line[1]))
    return next(lines, None)


def differs(wanted, found):
    if isinstance(wanted, str) or isinstance(found, str):
        return wanted != found
    return any(
        abs(one - other) > 1e-12 * max(1.0, abs(one)) for one, other in zip(wanted, found, strict=True)
    )


def evaluate(model, provider, case):
    try:
        return cost_cases.evaluate(ferrolite, model, provider, case)
    except Exception as error:
        return type(error).__name__


def test_costs_are_the_reference_s():
    assert len(RECORDED["costs"]) >= 500
    unexplained, compared, used = [], 0, set()
    for model, figures in RECORDED["costs"].items():
        entry = ferrolite.model_cost[model]
        provider = cost_cases.provider_of(entry)
        for case, wanted in zip(cost_cases.cases(entry), figures, strict=True):
            compared += 1
            found = evaluate(model, provider, case)
            if differs(wanted, found):
                if line := explanation(model, case):
                    used.add(line)
                else:
                    unexplained.append((model, case, wanted, found))
    assert not unexplained[:10], len(unexplained)
    assert not set(EXPLAINED) - used
    assert compared > 10_000


def test_models_are_the_reference_s():
    by_provider = {}
    for name, entry in ferrolite.model_cost.items():
        by_provider.setdefault(entry["litellm_provider"], {})[name] = entry
    assert {name: cost_cases.digest(entries) for name, entries in by_provider.items()} == RECORDED["entries"]


# LiteLLM finds some listed models not, and has no limits for others.
INFO_EXPLAINED = (
    "azure/gpt-35-turbo-*",
    "azure/gpt-3.5-turbo-*",
    "azure/mistral-*",
    "j2-*",
    "jamba-*",
    "lemonade/*",
)


def test_get_model_info_is_the_reference_s():
    fields = RECORDED["fields"][""]
    for model, told in RECORDED["model_info"].items():
        if any(fnmatchcase(model, pattern) for pattern in INFO_EXPLAINED):
            continue
        info = ferrolite.get_model_info(model)
        assert set(fields) <= set(info), model
        entry = ferrolite.model_cost[info["key"]]
        wanted = {name: value for name, value in entry.items() if name in info and value is not None} | told
        found = {name: value for name, value in info.items() if value is not None}
        found.pop("supported_openai_params", None)
        assert found == wanted, model
        assert told.get("key", model) == info["key"]
