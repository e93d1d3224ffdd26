"""Budgets, tools of functions, prompt templates, and calls under older names."""

import asyncio
import json
from typing import Literal

import pytest
from _upstream import Upstream

import ferrolite
from ferrolite._json_schema import validate_schema
from ferrolite.utils import function_to_dict

# Functions as tools


def documented(a: int, b="x", c: list[str] | None = None, d: Literal["p", "q"] = "p", *args, e, **kwargs):
    """Do a thing
    with two lines.

    More words, which are not told.

    Parameters
    ----------
    a : int
        the first
        in two lines
    b : {'x', 'y'}
        the second
    e : float, optional

    Returns
    -------
    str
        a : nothing of this
    """


def test_a_function_is_told_of_by_its_types_and_its_words():
    assert function_to_dict(documented) == {
        "name": "documented",
        "description": "Do a thing\nwith two lines.",
        "parameters": {
            "type": "object",
            "properties": {
                "a": {"type": "integer", "description": "the first\nin two lines"},
                "b": {"type": "string", "enum": ["x", "y"], "description": "the second"},
                "c": {"type": "array", "items": {"type": "string"}},
                "d": {"type": "string", "enum": ["p", "q"]},
                "e": {"type": "number"},
            },
            "required": ["a", "e"],
        },
    }


def test_a_function_without_words_is_told_of_by_its_name():
    def plain(x, y: "Unknown" = 1):  # noqa: F821
        pass

    assert function_to_dict(plain) == {
        "name": "plain",
        "parameters": {
            "type": "object",
            "properties": {"x": {"type": "string"}, "y": {"type": "string"}},
            "required": ["x"],
        },
    }


# Budgets


@pytest.fixture
def manager(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return ferrolite.BudgetManager(project_name="p")


def test_a_budget_is_kept_in_a_file(manager):
    assert manager.create_budget(total_budget=10, user="u") == {"total_budget": 10}
    manager.user_dict["u"]["current_cost"] = 2.5
    assert manager.save_data() == {"status": "success"}
    again = ferrolite.BudgetManager(project_name="p")
    assert again.get_users() == ["u"]
    assert again.is_valid_user("u")
    assert not again.is_valid_user("v")
    assert (again.get_total_budget("u"), again.get_current_cost("u"), again.get_model_cost("u")) == (
        10,
        2.5,
        {},
    )
    with pytest.raises(KeyError):
        again.get_current_cost("v")
    assert again.reset_cost("u")["user"]["current_cost"] == 0


def test_a_budget_begins_anew_when_its_time_has_passed(manager):
    with pytest.raises(ValueError, match="daily"):
        manager.create_budget(total_budget=1, user="w", duration="hourly")
    manager.create_budget(total_budget=1, user="old", duration="daily", created_at=0)
    manager.create_budget(total_budget=1, user="new", duration="yearly")
    for user in ("old", "new"):
        manager.user_dict[user]["current_cost"] = 1
    manager.update_budget_all_users()
    assert (manager.get_current_cost("old"), manager.get_current_cost("new")) == (0, 1)


def test_a_hosted_client_has_no_address_of_its_own():
    with pytest.raises(ValueError, match="api_base"):
        ferrolite.BudgetManager(project_name="p", client_type="hosted")


# Prompt templates

MESSAGES = [{"role": "system", "content": "SYS"}, {"role": "user", "content": "U1"}]
ROLES = {
    "system": {"pre_message": "<S>", "post_message": "</S>"},
    "user": {"pre_message": "<U>", "post_message": "</U>"},
}


@pytest.fixture
def prompts(monkeypatch):
    monkeypatch.setattr(ferrolite, "custom_prompt_dict", {})


def sent_prompt(model, **keywords):
    with Upstream(lambda exchange: exchange.json({"model": "m", "response": "hi", "done": True})) as upstream:
        ferrolite.completion(model=model, messages=MESSAGES, api_base=upstream.origin, **keywords)
    return upstream.requests[-1].json()["prompt"]


def test_marks_are_registered_for_a_model(prompts):
    ferrolite.register_prompt_template(
        model="mine", roles=ROLES, initial_prompt_value="BEGIN", final_prompt_value="END"
    )
    assert sent_prompt("ollama/mine") == "BEGIN<S>SYS</S><U>U1</U>END"
    assert "<S>" not in sent_prompt("ollama/other")


def test_marks_are_given_to_a_call(prompts):
    assert sent_prompt("ollama/any", roles=ROLES, final_prompt_value="FIN") == "<S>SYS</S><U>U1</U>FIN"


def test_a_tokenizers_template_is_registered_for_a_model(prompts):
    config = {
        "chat_template": "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m['content'] }}{% endfor %}"
    }
    for form in (
        config | {"bos_token": "<B>"},
        {"tokenizer": config | {"bos_token": "<B>"}, "status": "success"},
    ):
        ferrolite.register_prompt_template(model="ollama/hf", tokenizer_config=form)
        assert sent_prompt("ollama/hf") == "<B>[system]SYS[user]U1"
    with pytest.raises(ValueError, match="chat_template"):
        ferrolite.register_prompt_template(model="hf", tokenizer_config={"bos_token": "<B>"})


def test_a_template_that_refuses_is_a_bad_request(prompts):
    ferrolite.register_prompt_template(
        model="hf", tokenizer_config={"chat_template": "{{ raise_exception('no system messages') }}"}
    )
    with pytest.raises(ferrolite.BadRequestError, match="no system messages"):
        ferrolite.completion("ollama/hf", MESSAGES, api_base="http://127.0.0.1:9")


# Checking answers


def test_an_answer_is_checked_against_its_schema():
    pytest.importorskip("jsonschema")
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    validate_schema(schema, '{"a": 1}')
    for answer in ('{"a": "x"}', "{}", "no json"):
        with pytest.raises(ferrolite.JSONSchemaValidationError) as failed:
            validate_schema(schema, answer)
        assert failed.value.raw_response == answer
        assert json.loads(failed.value.schema) == schema


# Older names


def test_calls_under_older_names_are_tried_again():
    def fail(exchange):
        exchange.json({"error": {"message": "no"}}, status=500, headers={"retry-after-ms": "1"})

    with Upstream(fail) as upstream, pytest.raises(ferrolite.InternalServerError):
        ferrolite.completion_with_retries(
            model="openai/m",
            messages=MESSAGES,
            api_base=upstream.url,
            api_key="k",
            retry_strategy="constant_retry",
        )
    assert len(upstream.requests) == 4


def test_acreate_is_acompletion():
    answer = asyncio.run(ferrolite.acreate(model="openai/m", messages=MESSAGES, mock_response="hi"))
    assert answer.choices[0].message.content == "hi"
