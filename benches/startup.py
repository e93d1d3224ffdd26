"""What it costs to import a package and to get a first answer: processes started, waited for, and read out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

NOTHING = "pass"
IMPORT = "import ferrolite"
IMPORT_CALLS = "from ferrolite import acompletion, completion"
ANSWERS = {
    "ferrolite": """
import ferrolite
answer = ferrolite.completion("openai/gpt-4o", [{"role": "user", "content": "Hi"}], api_base="BASE/v1", api_key="x")
print(answer.choices[0].message.content)
""",
    "openai": """
import openai
client = openai.OpenAI(base_url="BASE/v1", api_key="x")
answer = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])
print(answer.choices[0].message.content)
""",
}

# Prints what a process is, after the program above it; /proc has it for this process alone.
SELF = """
with open("/proc/self/status") as status:
    lines = dict(line.split(":", 1) for line in status)
print(lines["VmHWM"].split()[0], lines["Threads"])
"""

# Prints what importing touches, as audit hooks see it.
WATCH = """
import json, os, sys
touched = {"files": [], "sockets": []}
watching = True
def hook(event, args):
    if watching and event == "open" and isinstance(args[0], (str, bytes)):
        touched["files"].append(os.fsdecode(args[0]))
    elif watching and event.startswith("socket."):
        touched["sockets"].append(event)
before, descriptors = set(sys.modules), len(os.listdir("/proc/self/fd"))
sys.addaudithook(hook)
import ferrolite
watching = False
home = os.path.dirname(ferrolite.__file__) + os.sep
homes = (home, os.path.dirname(os.__file__) + os.sep)
touched["files"] = [name for name in touched["files"] if not name.startswith(homes)]
new = {name.partition(".")[0] for name in set(sys.modules) - before} - {"ferrolite"}
touched["packages"] = sorted(new - set(sys.stdlib_module_names))
touched["stdlib"] = sorted(new & set(sys.stdlib_module_names))
touched["descriptors"] = len(os.listdir("/proc/self/fd")) - descriptors
print(json.dumps(touched))
"""


def environment() -> dict[str, str]:
    """The environment without settings that would change what is measured, and with loopback never proxied."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return kept | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONDONTWRITEBYTECODE": ""}


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def cost(program: str) -> dict[str, float]:
    """CPU and wall time of a process that runs `program`, in milliseconds."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program], env=environment(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    answered = time.perf_counter() - started
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"a process ended with {process.returncode}: {program}")
    return {"cpu_ms": (usage.ru_utime + usage.ru_stime) * 1e3, "wall_ms": answered * 1e3}


def memory_mb(program: str) -> float:
    return int(run(program + SELF).split()[-2]) / 1024


def measure(base: str, repetitions: int, with_openai: bool) -> dict[str, Any]:
    """The least of several runs of each, interleaved."""
    programs = {"python": NOTHING, "import": IMPORT, "import_calls": IMPORT_CALLS}
    for name, program in ANSWERS.items():
        if name == "ferrolite" or with_openai:
            programs[f"answer_{name}"] = program.replace("BASE", base)
    figures: dict[str, Any] = {name: [] for name in programs}
    for _ in range(repetitions):
        for name, program in programs.items():
            figures[name].append(cost(program))
    out: dict[str, Any] = {
        name: {key: min(run[key] for run in runs) for key in ("cpu_ms", "wall_ms")}
        for name, runs in figures.items()
    }
    for name in ("python", "import", "import_calls"):
        out[name]["rss_mb"] = min(memory_mb(programs[name]) for _ in range(3))
    out["touched"] = json.loads(run(WATCH))
    return out
