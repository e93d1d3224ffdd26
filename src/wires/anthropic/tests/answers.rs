//! Whole answers.

use serde_json::{Value, json};

use super::{SONNET, answer, decode, reply, target};
use crate::error::Kind;
use crate::hub::{Chat, FinishReason, Usage};
use crate::wires::anthropic::Anthropic;
use crate::wires::{Memo, Wire};

fn stopped(reason: &str) -> FinishReason {
    let mut body = answer(json!([{"type": "text", "text": "x"}]));
    body["stop_reason"] = reason.into();
    decode(&body).choices[0].finish_reason
}

fn counted(usage: Value) -> Usage {
    let mut body = answer(json!([{"type": "text", "text": "x"}]));
    body["usage"] = usage;
    decode(&body).usage.unwrap()
}

#[test]
fn ant_32_why_it_stopped() {
    for reason in ["end_turn", "stop_sequence", "zq_unknown", ""] {
        assert_eq!(stopped(reason), FinishReason::Stop, "{reason}");
    }
    for reason in ["max_tokens", "pause_turn", "compaction", "model_context_window_exceeded"] {
        assert_eq!(stopped(reason), FinishReason::Length, "{reason}");
    }
    assert_eq!(stopped("tool_use"), FinishReason::ToolCalls);
    assert_eq!(stopped("refusal"), FinishReason::ContentFilter);
}

#[test]
fn ant_32_a_refusal_keeps_its_reasons() {
    let mut body = answer(json!([]));
    body["stop_reason"] = "refusal".into();
    body["stop_details"] = json!({"type": "refusal", "explanation": "no"});
    let message = decode(&body).choices.remove(0).message;
    assert_eq!(message.refusal, Some("no".into()));
    assert_eq!(message.provider_fields["stop_reason"], "refusal");
    assert_eq!(message.provider_fields["stop_details"], body["stop_details"]);
}

#[test]
fn gen_36_a_call_of_the_caller_is_a_reason() {
    let body = answer(json!([{"type": "tool_use", "id": "t", "name": "f", "input": {}}]));
    assert_eq!(decode(&body).choices[0].finish_reason, FinishReason::ToolCalls);
}

#[test]
fn ant_33_text_thinking_and_citations() {
    let thinking = json!({"type": "thinking", "thinking": "a", "signature": "s"});
    let redacted = json!({"type": "redacted_thinking", "data": "D"});
    let message = decode(&answer(json!([
        thinking,
        {"type": "text", "text": "The sky ", "citations": [{"type": "char_location", "cited_text": "z"}]},
        redacted,
        {"type": "text", "text": "is blue."},
        {"type": "unheard_of", "x": 1},
    ])))
    .choices
    .remove(0)
    .message;
    assert_eq!(message.content.as_deref(), Some("The sky is blue."));
    assert_eq!(message.reasoning_content.as_deref(), Some("a"));
    assert_eq!(message.thinking_blocks, [thinking, redacted]);
    assert_eq!(
        message.provider_fields["citations"],
        json!([[{"type": "char_location", "cited_text": "z", "supported_text": "The sky "}]])
    );
}

#[test]
fn ant_33_an_empty_answer_has_no_content() {
    assert_eq!(decode(&answer(json!([]))).choices[0].message.content, None);
}

#[test]
fn ant_34_server_tools_are_calls_with_results_in_the_fields() {
    let result = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
        "content": [{"type": "web_search_result", "url": "https://example.com", "title": "T"}]});
    let response = decode(&answer(json!([
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        result,
        {"type": "text", "text": "So."},
    ])));
    let choice = &response.choices[0];
    assert_eq!(choice.finish_reason, FinishReason::Stop, "nothing is left for the caller to run");
    let call = &choice.message.tool_calls[0];
    assert_eq!(call.id.as_deref(), Some("srvtoolu_1"));
    assert_eq!(call.function.arguments, "{\"query\": \"q\"}");
    assert_eq!(choice.message.provider_fields["web_search_results"], json!([result]));
    assert_eq!(
        choice.message.provider_fields["web_search_calls"],
        json!([{
            "id": "ws_srvtoolu_1", "type": "web_search_call", "status": "completed",
            "action": {"type": "search", "query": "q", "queries": ["q"], "sources": [{"type": "url", "url": "https://example.com"}]},
        }])
    );
}

#[test]
fn ant_34_code_that_ran() {
    let mut body = answer(json!([
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash_code_execution", "input": {"command": "ls"}},
        {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_1",
         "content": {"type": "bash_code_execution_result", "stdout": "o", "stderr": "bad", "return_code": 1}},
    ]));
    body["container"] = json!({"id": "c1"});
    let fields = decode(&body).choices.remove(0).message.provider_fields;
    assert_eq!(
        fields["code_interpreter_results"],
        json!([{
            "type": "code_interpreter_call", "id": "srvtoolu_1", "code": "ls", "container_id": "c1",
            "status": "completed", "outputs": [{"type": "logs", "logs": "oSTDERR: bad"}],
        }])
    );
    assert_eq!(fields["container"], json!({"id": "c1"}));
}

#[test]
fn gen_17_input_that_is_no_object_is_handed_on() {
    let body = answer(json!([{"type": "tool_use", "id": "t", "name": "f", "input": "{\"a\": 1"}]));
    assert_eq!(decode(&body).choices[0].message.tool_calls[0].function.arguments, "{\"a\": 1");
}

#[test]
fn usg_01_the_prompt_holds_cached_tokens() {
    let usage = counted(json!({
        "input_tokens": 3, "output_tokens": 20, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
        "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 2}, "service_tier": "priority",
    }));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (15, 20, 35));
    assert_eq!(
        Value::Object(usage.prompt_tokens_details.unwrap()),
        json!({
            "cached_tokens": 7, "text_tokens": 3, "cache_creation_tokens": 5, "cache_write_tokens": 5,
            "cache_creation_token_details": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
        })
    );
    assert_eq!(
        Value::Object(usage.extra),
        json!({
            "cache_creation_input_tokens": 5, "cache_read_input_tokens": 7, "service_tier": "priority",
            "server_tool_use": {"web_search_requests": 1},
        })
    );
}

#[test]
fn usg_08_reasoning_tokens() {
    let details = |usage: Usage| Value::Object(usage.completion_tokens_details.unwrap());
    let none = counted(json!({"input_tokens": 1, "output_tokens": 5}));
    assert_eq!(details(none), json!({"reasoning_tokens": 0, "text_tokens": 5}));
    let told =
        json!({"input_tokens": 1, "output_tokens": 5, "output_tokens_details": {"thinking_tokens": 3}});
    assert_eq!(details(counted(told)), json!({"reasoning_tokens": 3, "text_tokens": 2}));
    let body = answer(json!([{"type": "thinking", "thinking": "a", "signature": "s"}]));
    let mut usage = decode(&body).usage.unwrap();
    assert!(usage.reasoning_is_unknown());
    usage.estimate_reasoning(99);
    assert_eq!(details(usage), json!({"reasoning_tokens": 5, "text_tokens": 0}));
}

#[test]
fn usg_09_iterations_replace_the_totals() {
    let usage = counted(json!({
        "input_tokens": 3, "output_tokens": 20,
        "iterations": [
            {"type": "compaction", "input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 1, "cache_creation_input_tokens": 2},
            {"type": "message", "input_tokens": 5, "output_tokens": 7},
        ],
    }));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (108, 17));
}

#[test]
fn usg_10_null_counts_are_zero() {
    let usage = counted(
        json!({"input_tokens": 3, "output_tokens": null, "cache_read_input_tokens": null, "server_tool_use": null}),
    );
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (3, 0));
}

#[test]
fn an_unreadable_answer_is_shown() {
    let decode = |body: &str| {
        let reply = crate::wires::HttpReply { body: body.to_owned().into(), ..reply(&Value::Null) };
        Wire::<Chat>::decode(&Anthropic, &reply, &Memo::default(), &target(SONNET)).unwrap_err()
    };
    for body in ["", "<html>login</html>", "null", "[1]", "{}", "{\"content\": 5}"] {
        assert_eq!(decode(body).kind(), Kind::InternalServer, "{body}");
    }
    assert!(decode("<html>login</html>").message().contains("<html>login</html>"));
    let error = decode("{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"over\"}}");
    assert_eq!((error.kind(), error.status()), (Kind::InternalServer, 500));
}
