"""What the package exports, and what importing it costs."""

import subprocess
import sys
from importlib.metadata import metadata, requires
from pathlib import Path

import pytest

import ferrolite
from ferrolite import _core, cli

FUNCTIONS = {
    "acompletion",
    "ahealth_check",
    "batch_completion",
    "batch_completion_models",
    "batch_completion_models_all_responses",
    "check_valid_key",
    "completion",
    "get_llm_provider",
    "get_supported_openai_params",
    "get_valid_models",
    "mock_completion",
    "print_verbose",
    "register_provider",
    "stream_chunk_builder",
    "supports_function_calling",
    "supports_response_schema",
    "supports_vision",
    "turn_on_debug",
    "turn_on_json",
    "validate_environment",
    "verbose_logger",
}


def python(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_functions_are_found_and_listed():
    for name in FUNCTIONS | {"CustomStreamWrapper"}:
        assert getattr(ferrolite, name) is not None
        assert name in dir(ferrolite)


def test_response_classes_and_exceptions_are_found_and_listed():
    from ferrolite import exceptions
    from ferrolite.types import utils

    for name in (*exceptions.__all__, "ModelResponse", "ModelResponseStream", "Usage", "Message", "Choices"):
        if name[:1].isupper():
            assert getattr(ferrolite, name) is getattr(exceptions, name, None) or getattr(utils, name)
            # aider walks the names of errors and knows these only.
            is_newer = name.endswith("Error") and name not in ferrolite._LISTED_ERRORS
            assert (name in dir(ferrolite)) is not is_newer


def test_a_name_that_is_not_there_is_an_attribute_error():
    for name in ("no_such_function", "NoSuchClass"):
        with pytest.raises(AttributeError, match=name):
            getattr(ferrolite, name)


def test_importing_loads_the_package_and_nothing_else():
    loaded = python(
        "import sys; before = set(sys.modules); import ferrolite; print(*set(sys.modules) - before)"
    )
    ours = {"ferrolite", "ferrolite._settings", "ferrolite.batch_completion", "ferrolite.responses"}
    assert set(loaded) <= {*ours, "__future__"}


def test_a_call_loads_no_package_of_others():
    code = """
import sys
before = set(sys.modules)
import ferrolite
ferrolite.completion("openai/gpt-4o", [{"role": "user", "content": "Hi"}], mock_response="Hello")
tops = {name.split(".")[0] for name in set(sys.modules) - before}
print(*tops - sys.stdlib_module_names)
"""
    assert python(code) == ["ferrolite"]


def test_the_thread_that_loads_the_module_may_end():
    """Threads that come after it have its stack, and what the allocator keeps for it."""
    code = """
from threading import Thread

def call():
    import ferrolite
    ferrolite.completion("openai/gpt-4o", [{"role": "user", "content": "Hi"}], mock_response="Hello")

for _ in range(20):
    threads = [Thread(target=call) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print("ended")
"""
    assert python(code) == ["ended"]


def test_the_package_needs_no_other():
    assert not requires("ferrolite")
    assert metadata("ferrolite")["Requires-Python"] == ">=3.10"


def test_the_package_says_that_it_is_typed():
    folder = Path(ferrolite.__file__).parent
    assert (folder / "py.typed").exists()
    assert (folder / "_core.pyi").exists()


def test_the_command_knows_its_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"ferrolite {_core.version}\n"
    assert _core.version == metadata("ferrolite")["Version"]


def test_the_command_without_arguments_shows_its_help(capsys):
    assert cli.main([]) == 2
    assert "mock" in capsys.readouterr().out
