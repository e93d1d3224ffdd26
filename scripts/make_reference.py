#!/usr/bin/env python3
"""Write docs/reference.md from the code: exceptions, settings, environment variables.

python scripts/make_reference.py            # with ferrolite importable
python scripts/make_reference.py --check    # fails when the file is not what it would write
"""

import ast
import re
import sys
from pathlib import Path

from ferrolite import exceptions

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs" / "reference.md"
HEAD = """# Reference

<!-- Written by scripts/make_reference.py (make docs): edit the code, not this file. -->
"""
# Variables that are read beside the providers' own. `scripts` cannot find these by itself; keep them sorted.
VARIABLES = {
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN": "AWS keys; the token belongs to them alone",
    "AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE": "files of AWS profiles, in place of those in `~/.aws`",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI, "
    "AWS_CONTAINER_AUTHORIZATION_TOKEN, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "where a container gets AWS keys",
    "AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT": "the machine's own AWS keys: whether, and where",
    "AWS_EXTERNAL_ID": "sent when an AWS role is taken",
    "AWS_PROFILE_NAME, AWS_PROFILE": "the AWS profile",
    "AWS_REGION_NAME, AWS_REGION, AWS_DEFAULT_REGION": "the AWS region",
    "AWS_ROLE_NAME, AWS_SESSION_NAME, AWS_ROLE_SESSION_NAME": "the AWS role to take with the keys, and the session's name",
    "AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, AWS_WEB_IDENTITY_TOKEN": "the AWS role to take with a web identity",
    "AZURE_API_VERSION": "the version of Azure's interfaces",
    "AZURE_AD_TOKEN, AZURE_OPENAI_AD_TOKEN": "a token of Entra ID",
    "AZURE_AUTHORITY_HOST, AZURE_SCOPE": "where tokens of Entra ID are asked for, and what for",
    "AZURE_FEDERATED_TOKEN_FILE": "the file with the token that a pod exchanges for one of Entra ID",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST": "where a machine asks for the token of its identity",
    "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET": "a client of Entra ID and its secret",
    "AZURE_USERNAME, AZURE_PASSWORD": "a user of Entra ID",
    "DEFAULT_REASONING_EFFORT_…_THINKING_BUDGET": "thinking tokens that an effort level stands for "
    "(`MINIMAL`, `LOW`, `MEDIUM`, `HIGH`, `XHIGH`, `MAX`)",
    "FERROLITE_LOG, LITELLM_LOG": "log level: `DEBUG`, `INFO`, `WARNING` or `ERROR`",
    "FERROLITE_WORKER_THREADS": "threads of the core; half of the processors by default, at most 4",
    "GCE_METADATA_HOST": "where a machine of Google's is asked for its token",
    "GOOGLE_APPLICATION_CREDENTIALS, CLOUDSDK_CONFIG": "the file of Google's credentials, and the folder of `gcloud` "
    "in place of `~/.config/gcloud`",
    "GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT": "Vertex AI's project, when neither VERTEXAI_PROJECT nor the credentials name it",
    "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY": "proxies, in either case of letters",
    "IDENTITY_ENDPOINT, IDENTITY_HEADER": "where an app in Azure asks for the token of its identity",
    "LITELLM_DROP_PARAMS": "`drop_params` of every call",
    "LITELLM_MODIFY_PARAMS": "`modify_params` of every call",
    "SSL_CERT_FILE": "path of a PEM file with roots to trust, beside the system's",
    "SSL_VERIFY": "`false` to accept any certificate",
    "USE_LITELLM_PROXY": "`true` turns `use_litellm_proxy` on",
    "VERTEXAI_CREDENTIALS": "Google's credentials for Vertex AI: JSON, or the path of a file with it",
    "VERTEXAI_PROJECT": "Vertex AI's project",
    "VERTEXAI_LOCATION, VERTEX_LOCATION": "Vertex AI's location; `us-central1` by default",
}


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def code(text):
    return f"`{text}`" if text else ""


def exception_rows():
    found = {}

    def visit(cls, depth):
        """A class, then those derived from it; helpers that are not exported are passed over."""
        if cls.__name__ in exceptions.__all__:
            found.setdefault(cls.__name__, exception_row(cls, depth))
            depth += 1
        for child in sorted(cls.__subclasses__(), key=lambda child: child.__name__):
            visit(child, depth)

    visit(exceptions.CallError, 0)
    for name in exceptions.__all__:
        if isinstance(getattr(exceptions, name), type) and name not in found:
            visit(getattr(exceptions, name), 0)
    return found.values()


def exception_row(cls, depth):
    name = "&nbsp;" * 4 * depth + code(cls.__name__)
    status = getattr(cls, "_status", None) or getattr(cls, "status_code", None)
    doc = re.sub(r"^\d+(, or \d+)?: ", "", " ".join(cls.__doc__.split("\n\n")[0].split()))
    own = cls is not exceptions.CallError
    return [
        name,
        str(status or "") if own else "",
        code(getattr(cls, "_openai", "")),
        doc[:1].upper() + doc[1:],
    ]


def setting_rows():
    path = ROOT / "python" / "ferrolite" / "_settings.py"
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            continue
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        doc = str(after.value.value) if is_text else ""
        kind = ast.unparse(node.annotation).replace("|", "\\|")
        yield [code(node.target.id), code(kind), code(ast.unparse(node.value)), doc.replace("\n", " ")]


def text():
    parts = [
        HEAD,
        "## Exceptions\n\nEach is an attribute of `ferrolite` and of `ferrolite.exceptions`. Once openai is imported, "
        "each is a subclass of openai's\nclass beside it, too. All of `CallError` have `message`, `status_code`, "
        "`llm_provider`, `model`, `code`, `param`, `type`, `body`,\n`response`, `request_id`, `num_retries`, "
        "`max_retries` and `litellm_response_headers`.\n",
        table(["exception", "status", "openai's class", ""], exception_rows()),
        "## Settings\n\nAttributes of `ferrolite`, read at the time of each call.\n",
        table(["setting", "type", "default", ""], setting_rows()),
        "## Providers\n\nThey have a page of their own: [providers.md](providers.md).\n",
        "## Environment variables\n\nAn empty variable counts as unset.\n",
        table(["variable", ""], [[", ".join(map(code, k.split(", "))), v] for k, v in VARIABLES.items()]),
    ]
    return "\n".join(parts)


def main():
    if "--check" in sys.argv[1:]:
        if OUT.read_text(encoding="utf-8") != text():
            sys.exit("docs/reference.md is not up to date: run `make docs`")
    else:
        OUT.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
