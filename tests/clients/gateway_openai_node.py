"""OpenAI's client for Node against the gateway: runs gateway_openai_node.mjs beside it."""

import os
import shutil
import subprocess
from pathlib import Path

from _gateway import KEY, done, gateway, skip

VERSION = "7.57.0"
HERE = Path(__file__).parent

node, npm = shutil.which("node"), shutil.which("npm")
if not node or not npm:
    skip("node and npm are not on this machine")
folder = Path(os.environ.get("CLIENTS_CACHE", HERE.parent.parent / ".clients"), f"node-openai-{VERSION}")
package = folder / "node_modules" / "openai" / "package.json"
if not package.exists():
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--silent",
        "--prefix",
        str(folder),
    ]
    installed = subprocess.run(
        [*command, f"openai@{VERSION}", "zod@4"], capture_output=True, text=True, check=False
    )
    if installed.returncode != 0 or not package.exists():
        skip(f"npm could not install openai: {installed.stderr.strip()[-200:]}")

with gateway() as (base, _):
    program = folder / "gateway_openai_node.mjs"
    shutil.copy(HERE / program.name, program)
    ran = subprocess.run(
        [node, str(program), base, KEY], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "all done" in ran.stdout

done(said=ran.stdout.strip().splitlines())
