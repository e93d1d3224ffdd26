"""What the `ferrolite` command says and does for the gateway."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

PORT = 4000
serving = False
"""Whether the process is the command's."""


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that start a gateway, with LiteLLM's names."""
    serve = parser.add_argument_group("what to serve")
    add = serve.add_argument
    add("-c", "--config", metavar="FILE", help="a config.yaml (default: the variable CONFIG_FILE_PATH)")
    add("-m", "--model", metavar="MODEL", help="one model instead: gpt-4o, anthropic/claude-sonnet-4-5, …")
    add("--alias", metavar="NAME", help="the name that clients call --model by")
    add("--api_base", "--api-base", metavar="URL", help="where --model is served")
    add("--api_version", "--api-version", metavar="DATE", help="the version of Azure's interface")
    add("--headers", metavar="JSON", help="headers for every request to --model")
    add("--temperature", type=float, metavar="N", help="for requests to --model that say none")
    add("--max_tokens", "--max-tokens", type=int, metavar="N", help="for requests to --model that say none")
    add("--request_timeout", "--request-timeout", type=float, metavar="SECONDS", help="time for one attempt")
    add("--drop_params", "--drop-params", action="store_true", help="leave out what a model does not take")
    where = parser.add_argument_group("where to listen")
    add = where.add_argument
    add("--host", metavar="ADDRESS", help="default: this machine only while no key is set, else everywhere")
    add("--port", type=int, default=None, metavar="PORT", help=f"0 for any free one (default: {PORT})")
    add("--num_workers", "--num-workers", type=int, metavar="N", help="threads (default: one for each core)")
    add("--json_logs", "--json-logs", action="store_true", help="a line of JSON on stderr for each request")
    add("--debug", action="store_true", help="log more")
    add("--detailed_debug", "--detailed-debug", action="store_true", help="log everything")


def add_commands(commands: Any) -> None:
    """Add `check` and `explain`."""
    check = commands.add_parser(
        "check",
        help="say every problem of a config.yaml",
        description="Reads a configuration without starting anything. Every problem is said with its file and line; "
        "the exit status is 1 when the gateway would not start on it.",
    )
    check.add_argument("config", metavar="config.yaml")
    check.set_defaults(run=_check)
    explain = commands.add_parser(
        "explain",
        help="say where a request for a model would go",
        description="Says which deployments a name leads to, in which order, where calls go when those fail, and the "
        "request that would be sent, without its secrets. Nothing is sent.",
    )
    explain.add_argument("-c", "--config", metavar="FILE", required=True)
    explain.add_argument("-m", "--model", metavar="MODEL", required=True, help="as a client would name it")
    explain.set_defaults(run=_explain)


def _check(options: argparse.Namespace) -> int:
    from ferrolite import _core

    problems, is_good = _core.check_gateway(options.config)
    for problem in problems:
        print(problem)
    if is_good:
        print(
            f"{options.config} is good." if not problems else f"{options.config} starts, with these warnings."
        )
    return 0 if is_good else 1


def _explain(options: argparse.Namespace) -> int:
    from ferrolite import _core

    try:
        print(_core.explain_gateway(options.config, options.model))
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def wants_gateway(options: argparse.Namespace) -> bool:
    """Whether a command without a name is to start a gateway."""
    return bool(options.model or options.config or os.environ.get("CONFIG_FILE_PATH"))


def serve(options: argparse.Namespace) -> int:
    """Serve until a signal asks for the end; returns the exit status."""
    from ferrolite import _core

    names = (
        "config model alias api_base api_version headers temperature max_tokens request_timeout drop_params host "
        "port num_workers json_logs"
    )
    given = {name: getattr(options, name) for name in names.split()}
    given = {name: value for name, value in given.items() if value is not None and value is not False}
    if options.debug or options.detailed_debug:
        given["log_level"] = "TRACE" if options.detailed_debug else "DEBUG"
    if "model" not in given:
        given.setdefault("config", os.environ.get("CONFIG_FILE_PATH"))
    given.setdefault("port", int(os.environ.get("PORT", PORT)))
    global serving
    serving = True
    try:
        _core.serve_gateway(given, _announce)
    except KeyboardInterrupt:
        return 0
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _announce(facts: dict[str, Any]) -> None:
    """Say what is served, where, and how to call it."""
    url, models = facts["base_url"], facts["models"]
    for warning in facts["warnings"]:
        print(warning, file=sys.stderr)
    print(f"ferrolite serves {_counted(models)} on {url}")
    for name, count in models[:20]:
        note = "any other name" if name == "*" else f"{count} deployments" if count > 1 else ""
        print(f"  {name}" + (f"  ({note})" if note else ""))
    if len(models) > 20:
        print(f"  … and {len(models) - 20} more: {url}/v1/models")
    if facts["is_open"]:
        print("WARNING: open to the network without a key. Whoever reaches this port spends your money:")
        print("         set general_settings.master_key or LITELLM_MASTER_KEY, or use --host 127.0.0.1.")
    print()
    for line in _examples(url, models, facts["has_key"]):
        print(line)
    print(f"\nDocumentation: {url}/   Stop with Ctrl-C.", flush=True)


def _counted(models: Sequence[tuple[str, int]]) -> str:
    named = [name for name, _ in models if name != "*"] or ["*"]
    return "1 model" if len(named) == 1 else f"{len(named)} models"


def _examples(url: str, models: Sequence[tuple[str, int]], has_key: bool) -> list[str]:
    name = next((name for name, _ in models if "*" not in name), "gpt-4o")
    key = " -H 'authorization: Bearer $KEY'" if has_key else ""
    said = f'{{"model": "{name}", "messages": [{{"role": "user", "content": "Hi"}}]}}'
    return [
        f"curl {url}/v1/chat/completions{key} -H 'content-type: application/json' \\",
        f"     -d '{said}'",
        "",
        f'client = openai.OpenAI(base_url="{url}/v1", api_key="{"$KEY" if has_key else "any"}")',
        f'client.chat.completions.create(model="{name}", messages=[{{"role": "user", "content": "Hi"}}])',
    ]
