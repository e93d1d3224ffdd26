"""Environments in which packages find ferrolite, or the original, under the name of litellm."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("FERROLITE_CLIENTS", ROOT / ".clients")).resolve()
"""Where the environments are kept; making one takes seconds once its packages have been downloaded."""

DROPIN = ROOT / "python" / "litellm-dropin"
FACTS: dict[str, Any] = tomllib.loads((HERE / "packages.toml").read_text())
UNREACHABLE = re.compile(r"dns error|connection refused|connect error|timed out|error sending request", re.I)

QUIET = {
    "AGNO_TELEMETRY": "false",
    "AIDER_ANALYTICS": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DO_NOT_TRACK": "true",
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "MEM0_TELEMETRY": "false",
    "MSWEA_SILENT_STARTUP": "1",
    "OPENHANDS_SUPPRESS_BANNER": "1",
    "RAGAS_DO_NOT_TRACK": "true",
}
"""Nothing may look for anyone but the loopback provider."""


class Skipped(Exception):
    """The reason why an environment cannot be had here."""


def make(
    name: str,
    requires: list[str],
    *,
    original: str | None,
    python: str | None = None,
    overrides: list[str] | None = None,
) -> Path:
    """The interpreter of an environment with these requirements.

    Args:
        name: Begins the folder's name.
        requires: What is installed, beside litellm.
        original: The version of litellm to install; None for ferrolite in its place.
        python: The Python it needs, as `3.12`; None for the one that runs this.
        overrides: Requirements that win over what the packages say.

    Raises:
        Skipped: No such Python, or PyPI cannot be reached.
        RuntimeError: The packages could not be installed.
    """
    settings = FACTS["settings"]
    # Only the drop-in's name is installed: pip and uv must not bring the original beside it.
    override = [f"litellm=={original}" if original else "litellm; python_version < '3'", *(overrides or [])]
    wanted = [*requires, *(["litellm"] if original else settings["dropin-requires"])]
    key = hashlib.sha256(repr((wanted, override, python, sys.version)).encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{'original' if original else 'ferrolite'}-{key}"
    interpreter = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        listed = CACHE / f"{folder.name}.overrides"
        listed.write_text("\n".join(override))
        uv("venv", "--quiet", "--python", find_python(python), str(folder))
        uv("pip", "install", "--quiet", "--python", str(interpreter), "--override", str(listed), *wanted)
        listed.unlink()
        (folder / ".ready").touch()
    if not original:
        put_ferrolite(folder, interpreter)
    return interpreter


def find_python(version: str | None) -> str:
    """The path of an interpreter of this version; None for the one that runs this.

    Raises:
        Skipped: There is none.
    """
    if version is None:
        return sys.executable
    candidates = [f"python{version}", *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))]
    for candidate in candidates:
        with contextlib.suppress(OSError):
            if subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
                return str(candidate)
    raise Skipped(f"Python {version} is not installed")


def put_ferrolite(folder: Path, interpreter: Path) -> None:
    """Install this repository's ferrolite, and the distribution `litellm` that stands on it.

    It is the wheel that `make` built, or else the sources with a native module beside them.
    """
    wheels = sorted((ROOT / ".venv" / "wheel").glob("ferrolite-*.whl"))
    source = ROOT / "python"
    (site,) = folder.glob("lib/python3*/site-packages")
    link = site / "ferrolite-source.pth"
    link.unlink(missing_ok=True)
    if wheels:
        install = ("pip", "install", "--quiet", "--no-deps", "--python", str(interpreter))
        uv(*install, "--reinstall-package", "ferrolite", str(wheels[-1]))
    elif list((source / "ferrolite").glob("_core*")):
        link.write_text(f"{source}\n")
    else:
        raise Skipped("ferrolite is not built: run make install")
    shutil.rmtree(site / "litellm", ignore_errors=True)
    install = ("pip", "install", "--quiet", "--no-deps", "--python", str(interpreter))
    uv(*install, "--reinstall-package", "litellm", str(dropin_wheel()))


def dropin_wheel() -> Path:
    """The distribution `litellm`, built once for what its files hold."""
    files = sorted(path for path in DROPIN.rglob("*") if path.suffix in (".py", ".toml", ".md", ".typed"))
    files.append(ROOT / "python" / "ferrolite" / "dropin.py")  # has the version
    key = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]
    folder = CACHE / f"dropin-{key}"
    if not list(folder.glob("litellm-*.whl")):
        uv("build", "--quiet", "--wheel", "--out-dir", str(folder), str(DROPIN))
    (wheel,) = folder.glob("litellm-*.whl")
    return wheel


def uv(*arguments: str) -> None:
    """Run uv, which resolves and installs in a fraction of pip's time, and can override what packages ask for."""
    environment = {**os.environ, "UV_CACHE_DIR": str(CACHE / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    command = [shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}") or "uv"]
    try:
        ran = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, env=environment, check=False
        )
    except FileNotFoundError:
        raise Skipped("uv is not installed: pip install uv") from None
    if ran.returncode == 0:
        return
    said = ran.stderr.strip()
    if UNREACHABLE.search(said):
        raise Skipped("PyPI cannot be reached")
    raise RuntimeError(f"uv {' '.join(arguments[:2])} failed:\n{said}")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Variables for a program: no keys, no proxies, a home of its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.search(r"PROXY|_KEY$|_TOKEN$|PYTHONPATH|VIRTUAL_ENV", name, re.I)
    }
    return {**kept, **QUIET, "HOME": str(home), **more}
