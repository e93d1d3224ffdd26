"""A panic of the core fails the call that it happens in; nobody waits for ever."""

from __future__ import annotations

from _upstream import Exchange, Upstream, chunk, python

# PyO3 resumes a panic when it fetches this exception. A log handler runs inside of the core.
PANIC = """
import asyncio, contextlib, logging, os, signal, sys, threading, time
import ferrolite

MESSAGES = [{"role": "user", "content": "x"}]
with contextlib.suppress(ferrolite.BadRequestError):
    ferrolite.completion("openai/m", [object()])
Panic = next(kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException")

def panic(*_):
    raise Panic("a panic of the test")

def call(function, **more):
    return function("openai/m", MESSAGES, api_base=sys.argv[1], api_key="k", max_retries=0, **more)

class Handler(logging.Handler):
    def emit(self, record):
        panic()

def panic_at_once():
    ferrolite.verbose_logger.handlers[:] = [Handler()]
    ferrolite.verbose_logger.setLevel(logging.DEBUG)
"""


def told(code: str, upstream: Upstream) -> str:
    done = python(PANIC + code, upstream.url, limit=20)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_async_call_fails() -> None:
    code = """
async def main():
    panic_at_once()
    for stream in (False, True):
        try:
            await asyncio.wait_for(call(ferrolite.acompletion, stream=stream), 5)
        except ferrolite.InternalServerError as error:
            print("panic" in str(error))

asyncio.run(main())
"""
    with Upstream() as upstream:
        assert told(code, upstream) == "True\nTrue\n"


def test_a_call_that_is_waited_for_fails() -> None:
    code = """
panic_at_once()
for stream in (False, True):
    try:
        call(ferrolite.completion, stream=stream)
    except ferrolite.InternalServerError as error:
        print("panic" in str(error))
"""
    with Upstream() as upstream:
        assert told(code, upstream) == "True\nTrue\n"


def test_no_reader_of_a_stream_waits_for_one_that_panicked() -> None:
    code = """
signal.signal(signal.SIGUSR1, panic)
stream = call(ferrolite.completion, stream=True)
next(stream)

def interrupt():
    time.sleep(0.3)
    other.start()
    time.sleep(0.3)
    os.kill(os.getpid(), signal.SIGUSR1)

read = []
other = threading.Thread(target=lambda: read.append(list(stream)), daemon=True)
threading.Thread(target=interrupt).start()
try:
    next(stream)
except ferrolite.InternalServerError as error:
    print("panic" in str(error))
other.join(5)
print(read)
"""

    def answer(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.piece(chunk({"content": "a"}))
        exchange.hang()

    with Upstream(answer) as upstream:
        assert told(code, upstream) == "True\n[[]]\n"
