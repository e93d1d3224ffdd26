"""Records tests/facts/costs.json: what LiteLLM says that calls cost, and what it knows of models.

usage: python scripts/record_costs.py [--all OUT]     with the interpreter that has LiteLLM

It is run as it is, without its network: `LITELLM_LOCAL_MODEL_COST_MAP` keeps it from fetching its price map. The models
are chosen so that every provider, mode and set of prices is there. `--all` writes the figures of all models elsewhere.
"""

import json
import logging
import os
import sys
from collections import defaultdict
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "tests" / "facts" / "costs.json"
sys.path.insert(0, str(ROOT / "tests" / "python"))

import _cost_cases as cost_cases  # noqa: E402
import litellm  # noqa: E402

# One model of each provider with the same prices and abilities to have them is enough, and some more of the large ones.
PER_SHAPE = 1
MODELS = 700
# Models whose figures differ for a reason of their own.
ODD = (
    "azure/mistral-large-latest",
    "gemini/gemini-2.0-flash-exp-image-generation",
    "j2-light",
    "perplexity/perplexity/sonar",
)


def chosen(models):
    """Names of models, the same ones at each run."""
    shapes = defaultdict(list)
    for name in sorted(models):
        entry = models[name]
        prices = tuple(
            sorted(key for key in entry if "cost" in key or "pricing" in key or "multiplier" in key)
        )
        shapes[entry["litellm_provider"], entry.get("mode"), prices].append(name)
    some = sorted(name for names in shapes.values() for name in names[:PER_SHAPE])
    step = max(1, len(some) // MODELS)
    some = some[::step] if len(some) > MODELS * 1.5 else some
    return sorted({*some, *ODD})


def lines(part):
    """A JSON object with a line for each key."""
    entries = (f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in part.items())
    return "{\n" + ",\n".join(entries) + "\n}"


def main():
    """Ask LiteLLM, and write its figures."""
    logging.disable(logging.CRITICAL)
    litellm.suppress_debug_info = True
    models = {name: entry for name, entry in litellm.model_cost.items() if name != "sample_spec"}
    everything = "--all" in sys.argv
    costs, infos, entries = {}, {}, defaultdict(dict)
    for name, entry in models.items():
        entries[entry["litellm_provider"]][name] = entry
    for name in sorted(models) if everything else chosen(models):
        entry = models[name]
        provider = cost_cases.provider_of(entry)
        figures = {}
        for case in cost_cases.cases(entry):
            try:
                figures[case] = cost_cases.evaluate(litellm, name, provider, case)
            except Exception as error:
                figures[case] = type(error).__name__
        costs[name] = figures
        try:
            info = litellm.get_model_info(name)
            info.pop("supported_openai_params", None)
            entry = models.get(info["key"], {})
            # Only what the entry under the key does not say.
            infos[name] = {
                key: value for key, value in info.items() if value is not None and value != entry.get(key)
            }
        except Exception as error:
            infos[name] = type(error).__name__
    out = Path(sys.argv[-1]) if everything else OUT
    parts = {
        "costs": costs if everything else {name: list(figures.values()) for name, figures in costs.items()},
        "model_info": infos,
        "entries": {name: cost_cases.digest(listed) for name, listed in sorted(entries.items())},
        "fields": {"": list(litellm.get_model_info("gpt-4o"))},
    }
    out.write_text("{" + ",\n".join(f'"{name}":{lines(part)}' for name, part in parts.items()) + "}\n")
    print(f"{len(costs)} models, {sum(map(len, costs.values()))} costs, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
