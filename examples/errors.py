"""Errors: what is raised, what it says, what is tried again.

Runs against the mock provider, which fails as its x-mock-… headers ask (docs/mock.md).
"""

import ferrolite
from ferrolite import completion
from ferrolite.testing import MockServer

MESSAGES = [{"role": "user", "content": "Hello"}]


def attempt(label, **arguments):
    try:
        reply = completion(messages=MESSAGES, **arguments)
    except ferrolite.CallError as error:  # the base of all errors of a call
        print(f"{label:<18} {type(error).__name__}, status {error.status_code}")
    else:
        print(f"{label:<18} {reply.choices[0].message.content}")


def main():
    with MockServer() as mock:
        target = {"model": "openai/gpt-4o", "api_base": f"{mock.base_url}/v1", "api_key": "any"}
        once = {**target, "num_retries": 0}

        for status in (400, 401, 403, 404, 429, 500, 503):
            attempt(f"status {status}", extra_headers={"x-mock-status": str(status)}, **once)

        # Two failures, then an answer: both are tried again.
        fails_twice = {"x-mock-fail-times": "2", "x-mock-retry-after": "0.01"}
        attempt("fails twice", extra_headers=fails_twice, num_retries=2, **target)

        attempt("too slow", timeout=0.2, extra_headers={"x-mock-latency-ms": "2000"}, **once)
        attempt("nobody there", **{**once, "api_base": "http://127.0.0.1:9"})
        attempt("unknown provider", model="nonsense/model")

        # A stream that breaks off keeps what had come.
        broken = {"x-mock-cut": "3"}
        try:
            for _ in completion(messages=MESSAGES, stream=True, extra_headers=broken, **once):
                pass
        except ferrolite.MidStreamFallbackError as error:
            print(f"{'stream breaks off':<18} {type(error).__name__} after {error.generated_content!r}")


if __name__ == "__main__":
    main()
