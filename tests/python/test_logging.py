"""Logging: the names and levels that LiteLLM's users set, from any thread; bodies at debug level only, keys never."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from _upstream import KEY, Exchange, Upstream, arguments, chat, python, quiet, text_events

import ferrolite
from ferrolite import _logging

NAMES = ["LiteLLM", "LiteLLM Router", "LiteLLM Proxy"]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    yield
    for name in NAMES:
        logging.getLogger(name).disabled = False
    _logging.set_level(logging.WARNING)


CALL = """
import sys, ferrolite
r = ferrolite.completion("openai/m", [{"role": "user", "content": "a-question"}], api_base=sys.argv[1], api_key=sys.argv[2])
print(r.choices[0].message.content)
"""


def answer(exchange: Exchange) -> None:
    if exchange.request.json().get("stream"):
        exchange.stream(text_events("an-answer"))
    else:
        exchange.json(chat("an-answer"))


@pytest.mark.parametrize("variable", ["FERROLITE_LOG", "LITELLM_LOG"])
@pytest.mark.parametrize("level", ["DEBUG", "debug", " Debug "])
def test_the_level_from_the_environment(variable: str, level: str) -> None:
    with Upstream(answer) as upstream:
        done = python(CALL, upstream.url, KEY, **{variable: level})
    assert done.stdout == "an-answer\n"
    assert "LiteLLM:DEBUG: request provider=openai model=m" in done.stderr
    assert "a-question" in done.stderr
    assert "an-answer" in done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize("level", ["INFO", "WARNING", "ERROR", "nonsense"])
def test_nothing_is_said_at_other_levels(level: str) -> None:
    with Upstream(answer) as upstream:
        quiet(python(CALL, upstream.url, KEY, FERROLITE_LOG=level), "an-answer")


def test_nothing_is_said_by_default() -> None:
    with Upstream(answer) as upstream:
        quiet(python(CALL, upstream.url, KEY), "an-answer")
        quiet(
            python("import logging; logging.basicConfig(level='DEBUG')" + CALL, upstream.url, KEY),
            "an-answer",
        )


def test_our_variable_comes_first() -> None:
    with Upstream(answer) as upstream:
        quiet(python(CALL, upstream.url, KEY, FERROLITE_LOG="ERROR", LITELLM_LOG="DEBUG"), "an-answer")


@pytest.mark.parametrize(
    "how",
    [
        "import logging; logging.getLogger('LiteLLM').setLevel(logging.DEBUG)",
        "import logging; from ferrolite import completion; logging.getLogger('LiteLLM').setLevel('DEBUG')",
        "import ferrolite; ferrolite.set_verbose = True",
        "import ferrolite; ferrolite.turn_on_debug()",
        "import ferrolite, logging; ferrolite._logging.verbose_logger.setLevel(logging.DEBUG)",
        "import ferrolite; ferrolite._turn_on_debug()",
    ],
)
def test_the_level_from_the_program(how: str) -> None:
    with Upstream(answer) as upstream:
        done = python(f"{how}\n{CALL}", upstream.url, KEY)
    assert done.stdout == "an-answer\n"
    assert "a-question" in done.stderr
    assert KEY not in done.stderr


def test_the_level_can_be_taken_back() -> None:
    code = (
        "import ferrolite; ferrolite.turn_on_debug(); ferrolite._logging.verbose_logger.setLevel('WARNING')\n"
    )
    with Upstream(answer) as upstream:
        quiet(python(code + CALL, upstream.url, KEY), "an-answer")


def test_disabled_debugging() -> None:
    code = "import ferrolite; ferrolite.turn_on_debug(); ferrolite._logging._disable_debugging()\n"
    with Upstream(answer) as upstream:
        quiet(python(code + CALL, upstream.url, KEY), "an-answer")


def test_lines_of_json() -> None:
    code = "import ferrolite; ferrolite.turn_on_debug(); ferrolite.turn_on_json()\n"
    with Upstream(answer) as upstream:
        done = python(code + CALL, upstream.url, KEY)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["level"] for line in lines} == {"DEBUG"}
    assert any("a-question" in line["message"] for line in lines)


def test_loggers_by_name_with_one_handler_each() -> None:
    for name in NAMES:
        logger = logging.getLogger(name)
        assert len(logger.handlers) == 1
        assert isinstance(logger.handlers[0], logging.StreamHandler)
        assert logger.level == logging.WARNING
    assert ferrolite.verbose_logger is logging.getLogger("LiteLLM")
    assert _logging.verbose_logger is ferrolite.verbose_logger


def test_records_reach_a_handler_of_the_programs(caplog: pytest.LogCaptureFixture) -> None:
    with Upstream(answer) as upstream, caplog.at_level(logging.DEBUG, "LiteLLM"):
        ferrolite.completion(**arguments(upstream))
        asyncio.run(ferrolite.acompletion(**arguments(upstream)))
        list(ferrolite.completion(**arguments(upstream, stream=True)))
    assert {record.name for record in caplog.records} == {"LiteLLM"}
    assert sum("request" in record.getMessage() for record in caplog.records) == 3
    assert sum("reply" in record.getMessage() for record in caplog.records) == 2


def test_a_retry_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def failing(exchange: Exchange) -> None:
        exchange.json({"error": {"message": "no"}}, 500, {"retry-after-ms": "1"})

    failed = pytest.raises(ferrolite.InternalServerError)
    with Upstream(failing) as upstream, caplog.at_level(logging.DEBUG, "LiteLLM"), failed:
        ferrolite.completion(**arguments(upstream, num_retries=1))
    assert sum(record.getMessage().startswith("retry") for record in caplog.records) == 1


def test_logging_from_many_threads_and_loops_does_not_lock_up(caplog: pytest.LogCaptureFixture) -> None:
    with Upstream(answer) as upstream, caplog.at_level(logging.DEBUG, "LiteLLM"):

        async def several() -> None:
            await asyncio.gather(*(ferrolite.acompletion(**arguments(upstream)) for _ in range(10)))

        def work(number: int) -> None:
            if number % 2:
                asyncio.run(several())
            else:
                for _ in range(10):
                    ferrolite.completion(**arguments(upstream))

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(work, range(12)))
    assert sum("request" in record.getMessage() for record in caplog.records) == 120


def test_a_handler_that_calls_back_does_not_lock_up() -> None:
    """A handler that makes a call of its own, and one that raises."""
    calls = threading.local()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if getattr(calls, "inside", False):
                return
            calls.inside = True
            try:
                said.append(
                    ferrolite.completion("openai/m", [{"role": "user", "content": "x"}], mock_response="y")
                )
            finally:
                calls.inside = False
            raise ZeroDivisionError

    said: list[Any] = []
    handler = Handler()
    logger = logging.getLogger("LiteLLM")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    old, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        with Upstream(answer) as upstream:
            assert ferrolite.completion(**arguments(upstream)).choices[0].message.content == "an-answer"
            assert (
                asyncio.run(ferrolite.acompletion(**arguments(upstream))).choices[0].message.content
                == "an-answer"
            )
        assert said
    finally:
        logging.raiseExceptions = old
        logger.removeHandler(handler)


def test_errors_print_nothing() -> None:
    """LiteLLM prints help texts unless `suppress_debug_info` is set; here there are none in any case."""
    code = """
import sys, ferrolite
ferrolite.suppress_debug_info = SUPPRESS
try:
    ferrolite.completion("openai/m", [{"role": "user", "content": "x"}], api_base=sys.argv[1], api_key="k")
except ferrolite.BadRequestError:
    print("refused")
"""
    with Upstream(lambda exchange: exchange.json({"error": {"message": "no"}}, 400)) as upstream:
        for value in ("True", "False"):
            quiet(python(code.replace("SUPPRESS", value), upstream.url), "refused")


def test_print_verbose(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "LiteLLM"):
        ferrolite.print_verbose("a text with %s in it")
    assert caplog.records[0].getMessage() == "a text with %s in it"
