"""Batches: a file of requests goes out, a file of answers comes back.

Runs against the mock provider, which works a batch off at once; real ones take up to a day.
"""

import json
import time

from ferrolite import create_batch, create_file, file_content, retrieve_batch
from ferrolite.testing import MockServer

QUESTIONS = ["Why is the sky blue?", "Why is grass green?"]


def lines():
    """The requests, one a line."""
    for number, question in enumerate(QUESTIONS):
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": question}]}
        yield json.dumps(
            {
                "custom_id": f"question-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": body,
            }
        )


def main():
    with MockServer() as mock:
        account = {"custom_llm_provider": "openai", "api_base": f"{mock.base_url}/v1", "api_key": "any"}
        file = create_file(file=("questions.jsonl", "\n".join(lines()).encode()), purpose="batch", **account)
        batch = create_batch(
            completion_window="24h", endpoint="/v1/chat/completions", input_file_id=file.id, **account
        )
        while batch.status not in ("completed", "failed", "expired", "cancelled"):
            time.sleep(60)
            batch = retrieve_batch(batch.id, **account)
        print(f"{batch.status}: {batch.request_counts.completed} of {batch.request_counts.total}")

        for line in file_content(batch.output_file_id, **account).text.splitlines():
            answer = json.loads(line)
            print(
                answer["custom_id"], answer["response"]["body"]["choices"][0]["message"]["content"], sep=": "
            )


if __name__ == "__main__":
    main()
