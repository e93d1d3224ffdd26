"""The `ferrolite` command."""

from __future__ import annotations

import argparse
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    from ferrolite import _core, _gateway_cli

    parser = argparse.ArgumentParser(
        prog="ferrolite",
        usage="ferrolite [--model MODEL | --config FILE] [flags]\n       ferrolite COMMAND …",
        description="One address for every language model: a gateway for clients of OpenAI, Anthropic and Gemini.",
        epilog="""examples:
  ferrolite --model gpt-4o             one model, on http://127.0.0.1:4000
  ferrolite --config config.yaml       all that the file names
  ferrolite check config.yaml          what is wrong with it
  ferrolite mock                       a provider to try it on, without key or internet

"ferrolite COMMAND --help" says more of a command, docs/gateway.md of the gateway.""",
        # The examples keep their lines.
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-v", "--version", action="version", version=f"ferrolite {_core.version}")
    _gateway_cli.add_flags(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", prog="ferrolite")
    _gateway_cli.add_commands(commands)
    _add_mock(commands)
    _add_models(commands)
    _add_run(commands)
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["run"] and given[1:2] not in (["-h"], ["--help"]):
        # argparse would take `-m` for an option of ours.
        from ferrolite import dropin

        return dropin.run(given[1:])
    options = parser.parse_args(given)
    if options.command is None:
        if _gateway_cli.wants_gateway(options):
            return _gateway_cli.serve(options)
        parser.print_help()
        return 2
    return options.run(options)


def _add_mock(commands: Any) -> None:
    mock = commands.add_parser(
        "mock",
        help="serve a fake provider for tests: no key, no internet",
        description="Serve a fake provider that speaks OpenAI's, Anthropic's and Gemini's formats. "
        "docs/mock.md describes the answers and the x-mock-… headers that steer a single request.",
    )
    add = mock.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=4010, help="port to listen on, 0 for any (default: %(default)s)")
    add("--latency-ms", type=float, default=0.0, metavar="MS", help="wait before each answer")
    add("--chunk-delay-ms", type=float, default=0.0, metavar="MS", help="wait between two chunks of a stream")
    add("--chunks", type=int, metavar="N", help="content chunks of a stream")
    add("--words", type=int, metavar="N", help="length of an answer")
    add("--reply", metavar="TEXT", help="answer this text")
    add("--error-status", type=int, metavar="STATUS", help="answer this error status instead")
    add("--error-rate", type=float, metavar="SHARE", help="share of requests that fail, 0 to 1")
    add("--require-key", metavar="KEY", help="refuse requests with another key")
    add("--seed", type=int, default=0, metavar="N", help="which requests fail under --error-rate")
    add("--record", action="store_true", help="keep the last requests at /_mock/requests")
    mock.set_defaults(run=_run_mock)


def _add_models(commands: Any) -> None:
    models = commands.add_parser(
        "models",
        help="what is known of models: look at it, or replace it by a newer list",
        description="Prices and limits of models come with the package; nothing is fetched unless you ask for it here.",
    )
    steps = models.add_subparsers(dest="step", metavar="step", required=True)
    update = steps.add_parser(
        "update",
        help="take prices and limits from a file or an address",
        description="Takes a JSON file of models, in ferrolite's form or that of LiteLLM's price map, and puts it where "
        "every program of this user finds it: the file FERROLITE_MODELS names, else one in the cache folder. "
        "Delete that file to go back to the built-in list.",
    )
    update.add_argument("--from", dest="source", metavar="FILE|URL", help="where the list is")
    update.set_defaults(run=_run_update)
    show = steps.add_parser("show", help="print what is known of a model")
    show.add_argument("model", help="for example openai/gpt-4o")
    show.set_defaults(run=_run_show)


def _run_update(options: argparse.Namespace) -> int:
    import os

    from ferrolite._models_update import update

    source = options.source or os.environ.get("LITELLM_MODEL_COST_MAP_URL")
    if not source:
        print("ferrolite models update: say --from FILE or --from URL", file=sys.stderr)
        return 2
    try:
        path, count = update(source)
    except (OSError, ValueError) as error:
        print(f"ferrolite models update: {error}", file=sys.stderr)
        return 1
    print(f"{count} models, now in {path}")
    return 0


def _run_show(options: argparse.Namespace) -> int:
    from ferrolite import get_model_info

    try:
        info: Any = get_model_info(options.model)
    except Exception as error:
        print(f"ferrolite models show: {error}", file=sys.stderr)
        return 1
    for name, value in info.items():
        if value is not None:
            print(f"{name}: {value}")
    return 0


def _add_run(commands: Any) -> None:
    run = commands.add_parser(
        "run",
        help="run a program that imports litellm on ferrolite",
        description="Run a program with `import litellm` meaning ferrolite; docs/drop-in.md says more. "
        "A program is `-m module`, a script's path, or a command that is a Python script.",
    )
    run.add_argument("program", nargs=argparse.REMAINDER, metavar="program [arguments]")


def _run_mock(options: argparse.Namespace) -> int:
    from ferrolite import _core
    from ferrolite.testing import DEFAULTS

    def ready(base_url: str) -> None:
        print(f"ferrolite mock listens on {base_url}")
        print(f"  OpenAI      {base_url}/v1")
        print(f"  Anthropic   {base_url}")
        print(f"  Gemini      {base_url}/v1beta")
        print(f"Try: curl {base_url}/v1/chat/completions -H 'content-type: application/json' \\")
        print("""       -d '{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}'""")
        print("Stop with Ctrl-C.", flush=True)

    try:
        _core.serve_mock({name: getattr(options, name) for name in DEFAULTS}, ready)
    except KeyboardInterrupt:
        return 0
    except (OSError, ValueError) as error:
        print(f"ferrolite mock: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
