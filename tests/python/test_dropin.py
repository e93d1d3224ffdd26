"""The switch: `import litellm` is this package, in each of the ways that docs/drop-in.md has."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import litellm
answer = litellm.completion("openai/x", [{"role": "user", "content": "Hi"}], mock_response="Hello")
print(litellm.ModelResponse.__module__, answer.choices[0].message.content, *sys.argv[1:])
"""


def python(*arguments, cwd=None, path=()):
    """What a Python prints, with the package importable as it is here."""
    import ferrolite

    here = str(Path(ferrolite.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([*map(str, path), here])}
    command = [sys.executable, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip().splitlines()


def switched(code):
    return python("-c", "import ferrolite\nswitch = ferrolite.install_as_litellm()\n" + code)


@pytest.fixture
def program(tmp_path):
    (tmp_path / "their_program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def original(tmp_path):
    """A package that stands for an installed litellm."""
    folder = tmp_path / "site"
    (folder / "litellm").mkdir(parents=True)
    (folder / "litellm" / "__init__.py").write_text("original = True\n")
    (folder / "litellm" / "only_there.py").write_text("")
    (folder / "litellm-1.0.0.dist-info").mkdir()
    (folder / "litellm-1.0.0.dist-info" / "METADATA").write_text("Name: litellm\nVersion: 1.0.0\n")
    return folder


# How it is turned on


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "ferrolite.dropin", "-m", "their_program", "--flag", "1"],
        ["-m", "ferrolite.dropin", "their_program.py", "--flag", "1"],
        ["-m", "ferrolite", "run", "-m", "their_program", "--flag", "1"],
        ["-m", "ferrolite", "run", "their_program.py", "--flag", "1"],
        ["-m", "ferrolite.dropin", "-c", PROGRAM, "--flag", "1"],
    ],
    ids=["module", "script", "run-module", "run-script", "code"],
)
def test_a_program_runs_as_it_is(program, command):
    assert python(*command, cwd=program) == ["litellm.types.utils Hello --flag 1"]


def test_a_command_that_is_a_python_script_runs_by_its_name(program, monkeypatch):
    command = program / "their-command"
    command.write_text(f"#!{sys.executable}\n{PROGRAM}")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(program), prepend=os.pathsep)
    assert python("-m", "ferrolite", "run", "their-command", "now") == ["litellm.types.utils Hello now"]


def test_a_folder_of_a_commands_name_is_not_the_command(program, monkeypatch):
    (program / "bin").mkdir()
    command = program / "bin" / "their-command"
    command.write_text(f"#!/bin/sh\n'''exec' {sys.executable} \"$0\" \"$@\"\n' '''\n{PROGRAM}")
    command.chmod(0o755)
    (program / "their-command").mkdir()
    monkeypatch.setenv("PATH", str(program / "bin"), prepend=os.pathsep)
    run = ["-m", "ferrolite", "run", "their-command", "now"]
    assert python(*run, cwd=program) == ["litellm.types.utils Hello now"]


@pytest.mark.parametrize("arguments", [[], ["-m"], ["no-such-program-here"]])
def test_without_a_program_there_is_an_error(arguments, capsys):
    from ferrolite import dropin

    assert dropin.run(arguments) == 2
    assert capsys.readouterr().err
    dropin.uninstall_as_litellm()


def test_the_original_stands_back(original):
    code = """
import ferrolite
with ferrolite.install_as_litellm("1.2.3"):
    from importlib.metadata import version
    import litellm
    print(litellm is ferrolite, version("litellm"))
    try:
        import litellm.only_there
    except ImportError as error:
        print(error)
import litellm
print(litellm.original, version("litellm"), "litellm.types" in __import__("sys").modules)
"""
    told = python("-c", code, path=[original])
    assert told == ["True 1.2.3", "No module named 'litellm.only_there'", "True 1.0.0 False"]


def test_an_original_that_is_imported_already_is_an_error(original):
    code = """
import litellm
import ferrolite
try:
    ferrolite.install_as_litellm()
except RuntimeError as error:
    print(error)
"""
    (told,) = python("-c", code, path=[original])
    assert "imported from" in told
    assert "before anything imports litellm" in told


# What programs find


def test_every_module_is_the_same_object():
    code = """
import litellm, litellm.types.utils, litellm.litellm_core_utils.core_helpers as helpers
from litellm.responses.main import aresponses
from litellm.exceptions import RateLimitError
import litellm.responses, litellm.batch_completion.main
print(litellm is ferrolite, litellm.types.utils is ferrolite.types.utils)
print(helpers.map_finish_reason is ferrolite.types.utils.map_finish_reason, RateLimitError is ferrolite.RateLimitError)
print(litellm.aresponses is aresponses, type(litellm.responses).__name__, type(litellm.batch_completion).__name__)
"""
    assert switched(code) == ["True True", "True True", "True function function"]


def test_programs_that_look_for_the_package_find_it():
    code = """
from importlib.metadata import distribution, version
from importlib.util import find_spec
import litellm
print(find_spec("litellm") is not None, find_spec("litellm.types.utils") is not None, find_spec("litellm.nothing"))
print(version("litellm"), distribution("litellm").metadata["Name"])
print(hasattr(litellm, "__version__"), getattr(litellm, "nothing", "default"))
try:
    litellm.nothing
except AttributeError as error:
    print(error)
try:
    litellm.acompletoin
except AttributeError as error:
    print(error)
"""
    assert switched(code) == [
        "True True None",
        "1.105.1 litellm",
        "False default",
        "module 'litellm' has no attribute 'nothing'",
        "module 'litellm' has no attribute 'acompletoin'. Did you mean: 'acompletion'?",
    ]


def test_classes_and_errors_tell_litellms_names_and_their_own_again_afterwards():
    code = """
from litellm import CustomStreamWrapper, Message, RateLimitError, Router
from litellm.types.llms.openai import ResponsesAPIResponse
error = RateLimitError("slow", "openai", "gpt")
for cls in (Message, RateLimitError, CustomStreamWrapper, ResponsesAPIResponse, Router):
    print(cls.__module__)
print(error)
switch.uninstall()
print(Message.__module__, RateLimitError("slow", "openai", "gpt"))
""".replace(", Router", "")
    assert switched(code) == [
        "litellm.types.utils",
        "litellm.exceptions",
        "litellm.litellm_core_utils.streaming_handler",
        "litellm.types.llms.openai",
        "litellm.RateLimitError: slow",
        "ferrolite.types.utils ferrolite.RateLimitError: slow",
    ]


def test_pickles_name_litellms_modules_alone():
    code = """
import pickle, pickletools
from litellm import ModelResponse, RateLimitError
for it in (ModelResponse(), RateLimitError("m", "openai", "gpt")):
    data = pickle.dumps(it, 0)
    print({word.partition(".")[0] for _, word, _ in pickletools.genops(data) if "." in str(word) and " " in str(word)})
    print(type(pickle.loads(data)) is type(it))
"""
    assert switched(code) == ["{'litellm'}", "True"] * 2


def test_functions_can_be_replaced_and_come_back():
    code = """
from unittest import mock
import litellm
original = litellm.completion
with mock.patch("litellm.completion", return_value="fake"), mock.patch("litellm.acompletion") as other:
    print(litellm.completion(), ferrolite.completion(), ferrolite.acompletion is other)
    print(ferrolite.batch_completion("openai/x", [[{"role": "user", "content": "Hi"}]]))
print(litellm.completion is original)
"""
    assert switched(code) == ["fake fake True", "['fake']", "True"]


def test_a_setting_is_a_setting_of_the_package():
    code = """
import litellm
litellm.drop_params = True
litellm._of_a_program = litellm.telemetry = 1
print(ferrolite.drop_params, ferrolite._of_a_program)
"""
    assert switched(code) == ["True 1"]


def test_coroutine_functions_are_told_from_others():
    code = """
from inspect import iscoroutinefunction
import litellm
print(*(iscoroutinefunction(getattr(litellm, n)) for n in ("acompletion", "aembedding", "aresponses", "completion")))
"""
    assert switched(code) == ["True True True False"]


def test_there_are_three_loggers_with_a_handler_each():
    code = """
import logging, sys
import litellm
for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
    (handler,) = logging.getLogger(name).handlers
    print(handler.stream is sys.stderr)
print(litellm._logging.verbose_logger.name)
"""
    assert switched(code) == ["True", "True", "True", "LiteLLM"]


# The distribution

DISTRIBUTION = ROOT / "python" / "litellm-dropin"


@pytest.mark.skipif(not DISTRIBUTION.exists(), reason="without the source tree")
@pytest.mark.parametrize("lazily", [False, True])
def test_the_distributions_package_is_this_one(tmp_path, lazily):
    (tmp_path / "litellm-1.105.1.dist-info").mkdir()
    (tmp_path / "litellm-1.105.1.dist-info" / "METADATA").write_text("Name: litellm\nVersion: 1.105.1\n")
    load = """
import importlib.util, sys
spec = importlib.util.find_spec("litellm")
spec.loader = importlib.util.LazyLoader(spec.loader)
module = importlib.util.module_from_spec(spec)
sys.modules["litellm"] = module
spec.loader.exec_module(module)
module._of_a_program = 1
"""
    code = """
import litellm
litellm.completion
import ferrolite
from importlib.metadata import version
from unittest import mock
from litellm.types.utils import Message
litellm.drop_params = True
with mock.patch("litellm.completion", return_value="fake"):
    print(ferrolite.completion())
print(ferrolite.drop_params, Message is ferrolite.Message, Message.__module__, version("litellm"))
print(litellm is ferrolite, getattr(ferrolite, "_of_a_program", None), type(litellm.responses).__name__)
"""
    told = python("-c", load * lazily + code, path=[DISTRIBUTION, tmp_path])
    assert told[:2] == ["fake", "True True litellm.types.utils 1.105.1"]
    assert told[2] == ("False 1 function" if lazily else "True None function")


@pytest.mark.skipif(
    sys.version_info < (3, 11) or not DISTRIBUTION.exists(), reason="without tomllib or the tree"
)
def test_the_distribution_brings_along_what_packages_expect():
    import tomllib

    from ferrolite import dropin

    project = tomllib.loads((DISTRIBUTION / "pyproject.toml").read_text())["project"]
    brought = {re.split("[<>=]", requirement)[0] for requirement in project["dependencies"]}
    needed = tomllib.loads((ROOT / "tests" / "clients" / "packages.toml").read_text())["settings"]
    assert brought >= {"ferrolite", *(re.split("[<>=]", name)[0] for name in needed["dropin-requires"])}
    assert {"full", "mcp", "proxy"} <= set(project["optional-dependencies"])
    # The switch and the distribution say the same.
    assert f'VERSION = "{dropin.VERSION}"' in (DISTRIBUTION / "setup.py").read_text()


@pytest.mark.slow
def test_the_distribution_can_be_installed(tmp_path):
    """Takes a virtual environment, and setuptools from the index."""
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    own = str(tmp_path / "venv" / "bin" / "python")
    environment = os.environ | {"LITELLM_DROPIN_VERSION": "1.81.10"}
    install = [own, "-m", "pip", "install", "--quiet", "--no-deps", str(DISTRIBUTION)]
    subprocess.run(install, check=True, env=environment)
    code = "from importlib.metadata import version; print(version('litellm'))"
    run = subprocess.run([own, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1.81.10"
    refused = environment | {"LITELLM_DROPIN_VERSION": "1.82.7"}
    assert subprocess.run(install, check=False, env=refused, capture_output=True).returncode != 0


def test_what_the_routers_documentation_shows_runs_unchanged():
    program = ROOT / "tests" / "clients" / "router_docs.py"
    assert python("-m", "ferrolite.dropin", str(program))[-1].startswith("ok ferrolite ")
