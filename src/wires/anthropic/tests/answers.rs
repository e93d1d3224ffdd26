//! Whole answers.

use serde_json::{Value, json};

use super::{SONNET, answer, decode, distortions, repairing, reply, target};
use crate::error::Kind;
use crate::hub::{Chat, ChatRequest, FinishReason, Usage};
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
    // For whoever has a tokenizer to estimate.
    assert_eq!(details(decode(&body).usage.unwrap()), json!({"reasoning_tokens": null}));
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
fn no_shape_of_an_answer_or_a_request_stops_us_dead() {
    let mut body = answer(json!([
        {"type": "thinking", "thinking": "a", "signature": "s"},
        {"type": "text", "text": "x", "citations": [{"cited_text": "z"}]},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"url": "u"}]},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
    ]));
    body["usage"]["iterations"] =
        json!([{"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 1}}]);
    for strange in distortions(&body) {
        let _ = Wire::<Chat>::decode(&Anthropic, &reply(&strange), &Memo::default(), &target(SONNET));
    }
    let keywords = json!({
        "messages": [
            {"role": "system", "content": "s", "cache_control": {"type": "ephemeral"}},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x"}},
                {"type": "file", "file": {"file_id": "f", "format": "application/pdf"}}]},
            {"role": "assistant", "content": "b", "thinking_blocks": [{"type": "thinking", "thinking": "t", "signature": "s"}],
             "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a.b", "arguments": "{}"}}],
             "provider_specific_fields": {"web_search_results": [{"tool_use_id": "1"}]}},
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "r"}]},
        ],
        "tools": [{"type": "function", "function": {"name": "a.b", "parameters": {"type": "object", "properties": {"x": {"type": "string"}}}}},
            {"type": "mcp", "server_label": "l", "server_url": "u", "headers": {"authorization": "Bearer t"}}],
        "tool_choice": {"type": "function", "function": {"name": "a.b"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "properties": {"x": {"$ref": "#/$defs/d"}}, "required": ["x"], "$defs": {"d": {"anyOf": [{"type": "string"}]}}}}},
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "low"},
        "context_management": {"edits": [{"type": "compact_20260112"}]}, "stop": ["a"], "metadata": {"user_id": "u"},
        "web_search_options": {"user_location": {"approximate": {"city": "x"}}}, "max_tokens": 5000, "betas": ["b"],
    });
    for strange in distortions(&keywords) {
        if let Value::Object(map) = strange
            && let Ok(request) = ChatRequest::from_map(map)
        {
            let _ = Wire::<Chat>::encode(&Anthropic, &request, &target(SONNET));
            let _ = Wire::<Chat>::encode(&Anthropic, &request, &repairing(SONNET));
        }
    }
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
