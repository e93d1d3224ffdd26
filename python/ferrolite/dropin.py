"""The switch: programs that import `litellm` get this package.

In a program of one's own, before anything imports litellm::

    import ferrolite
    ferrolite.install_as_litellm()

For a program as it is::

    python -m ferrolite.dropin -m their.program --with arguments
    python -m ferrolite.dropin their_script.py
    ferrolite run their-command

After that `import litellm` is this very package, and `litellm.x.y` its module `ferrolite.x.y`, whether or not the original
is installed. docs/drop-in.md says what else there is, and how to undo it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

import ferrolite
from ferrolite import _surface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from typing_extensions import Self

VERSION = "1.105.1"
"""The version of litellm that this stands for: the one that most packages' bounds admit."""


class Switch:
    """The switch while it is on. `uninstall` turns it off, as does the end of a `with` block."""

    def __init__(self, version: str) -> None:
        self.version = version

    def uninstall(self) -> None:
        """Let `import litellm` find the original again. What was imported before stays what it is."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)  # pyright: ignore[reportArgumentType]
            _surface.label("ferrolite")
        for name in [name for name in sys.modules if name.partition(".")[0] == "litellm"]:
            if _is_ours(sys.modules[name]):
                del sys.modules[name]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.uninstall()

    # What Python's import system asks

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """A spec for `litellm` and what is in it."""
        if name.partition(".")[0] != "litellm":
            return None
        ours = _ours(name)
        if name != "litellm" and find_spec(ours) is None:
            return None
        spec = ModuleSpec(name, _Loader(), origin=ferrolite.__file__, is_package=True)  # pyright: ignore[reportArgumentType]
        spec.submodule_search_locations = list(ferrolite.__path__) if name == "litellm" else []
        return spec

    def find_distributions(self, context: Any) -> Iterator[Any]:
        """The metadata of a distribution `litellm`, in front of the original's."""
        if context.name is not None and context.name.lower() != "litellm":
            return iter(())
        return iter([_distribution(self.version)])


class _Loader:
    """Puts our module in the place of the one to be made."""

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType | None:
        return None

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        name = module.__name__
        if getattr(module.__spec__, "loader_state", None) is None:
            sys.modules[name] = import_module(_ours(name))
            return
        # A lazily loaded module has to stay the object that it is.
        for attribute, value in list(vars(module).items()):
            if not attribute.startswith("__"):
                setattr(ferrolite, attribute, value)
        module.__class__ = _Mirror


class _Mirror(ModuleType):
    """A module whose attributes are this package's."""

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__spec__", "__loader__"):
            return object.__getattribute__(self, name)
        return getattr(ferrolite, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("__class__", "__spec__", "__loader__"):
            object.__setattr__(self, name, value)
        else:
            setattr(ferrolite, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(ferrolite, name)

    def __dir__(self) -> list[str]:
        return dir(ferrolite)


def _ours(name: str) -> str:
    return "ferrolite" + name[len("litellm") :]


def _is_ours(module: ModuleType | None) -> bool:
    return type(module) is _Mirror or getattr(module, "__name__", "").partition(".")[0] == "ferrolite"


def _distribution(version: str) -> Any:
    from importlib.metadata import Distribution
    from pathlib import Path

    class Named(Distribution):
        def read_text(self, filename: str) -> str | None:
            if filename != "METADATA":
                return None
            return (
                f"Metadata-Version: 2.1\nName: litellm\nVersion: {version}\nSummary: ferrolite in its place\n"
            )

        def locate_file(self, path: Any) -> Any:
            return Path(ferrolite.__file__ or "").parent.parent / path

    return Named()


def installed() -> Switch | None:
    """The switch that is on, if one is."""
    return next((finder for finder in sys.meta_path if isinstance(finder, Switch)), None)


def install_as_litellm(version: str = VERSION) -> Switch:
    """Let `import litellm` mean this package, for the whole process. Once is enough; further calls change nothing.

    Args:
        version: What `importlib.metadata.version("litellm")` is to say.

    Returns:
        The switch: `switch.uninstall()` undoes it, as does leaving a `with` block that was entered with it.

    Raises:
        RuntimeError: The original has been imported already.
    """
    switch = installed()
    if switch is not None:
        return switch
    found = sys.modules.get("litellm")
    if found is not None and not _is_ours(found):
        where = getattr(found, "__file__", None)
        raise RuntimeError(
            f"litellm has been imported from {where} already: call ferrolite.install_as_litellm() before anything "
            "imports litellm, or start the program with `ferrolite run`."
        )
    return _install(version)


def _install(version: str) -> Switch:
    switch = Switch(version)
    sys.meta_path.insert(0, switch)  # pyright: ignore[reportArgumentType]
    sys.modules["litellm"] = ferrolite
    for name in _surface.FUNCTIONS:  # modules that must not take the place of the functions of their names
        sys.modules[f"litellm.{name}"] = sys.modules[f"ferrolite.{name}"]
    _surface.label("litellm")
    import_module("ferrolite._logging")  # programs take over the handlers of loggers that an import has made
    return switch


def uninstall_as_litellm() -> None:
    """Undo `install_as_litellm`."""
    switch = installed()
    if switch is not None:
        switch.uninstall()


def take_the_place_of(module: ModuleType) -> None:
    """Be the module `litellm` that is being imported: for the distribution of that name."""
    if installed() is None:
        from importlib.metadata import version

        _install(version("litellm"))
    sys.modules["litellm"] = module
    _Loader.exec_module(module)


# The command


def run(arguments: Sequence[str]) -> int:
    """Run a program with the switch on: `-m module …`, `-c code …`, a script's path, or a command of Python's.

    Returns:
        An exit status, when there is no such program. The program's own ends the process as usual.
    """
    import runpy

    rest = list(arguments)
    if not rest or (rest[0] in ("-m", "-c") and len(rest) < 2):
        print("usage: python -m ferrolite.dropin (-m module | -c code | script) [arguments]", file=sys.stderr)
        return 2
    install_as_litellm()
    if rest[0] == "-m":
        sys.argv = rest[1:]
        sys.path[0] = ""
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
        return 0
    if rest[0] == "-c":
        sys.argv = ["-c", *rest[2:]]
        sys.path[0] = ""
        exec(compile(rest[1], "<string>", "exec"), {"__name__": "__main__"})
        return 0
    path = _script(rest[0])
    if path is None:
        print(f"ferrolite: there is no Python program {rest[0]!r}", file=sys.stderr)
        return 2
    import os

    sys.argv = [path, *rest[1:]]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    runpy.run_path(path, run_name="__main__")
    return 0


def _script(name: str) -> str | None:
    """The path of a script, or of a command that is a Python script."""
    import os
    import shutil

    # As a shell has it, a command's name is looked for on the PATH; a folder of that name is no program.
    if os.path.isfile(name):
        return name
    path = shutil.which(name)
    if path is None:
        return None
    with open(path, "rb") as file:
        first, second = file.readline(200), file.readline(1000)
    if first[:2] != b"#!":
        return None
    # Where the path of the interpreter is long or has blanks, installers let a shell start it on the second line.
    shell = first.strip() == b"#!/bin/sh" and second.startswith(b"'''exec'")
    return path if b"python" in (second if shell else first) else None


if __name__ == "__main__":
    # This file runs a second time under its own name, which is the one that counts.
    sys.exit(import_module("ferrolite.dropin").run(sys.argv[1:]))
