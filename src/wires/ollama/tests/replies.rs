//! What whole replies mean.

use serde_json::{Value, json};

use super::{chat_reply, decode, encode, generate_reply, memo_with_tools, target, wire};
use crate::error::Kind;
use crate::hub::FinishReason;
use crate::wires::{HttpReply, Memo};

#[test]
fn a_plain_answer_names_the_model_with_its_provider() {
    let chat = decode("ollama_chat", &Memo::default(), chat_reply(json!({"content": "Hi"}), "stop")).unwrap();
    let generated = decode("ollama", &Memo::default(), generate_reply("Hi", "stop")).unwrap();
    for (response, model) in [(chat, "ollama_chat/llama3.1"), (generated, "ollama/llama3.1")] {
        assert_eq!(response.model, model);
        assert_eq!(response.choices[0].message.content.as_deref(), Some("Hi"));
        assert_eq!(response.usage.map(|usage| usage.total_tokens), Some(17));
    }
}

#[test]
fn oll_05_calls_come_as_objects_and_often_without_ids() {
    let message = json!({"content": "", "tool_calls": [
        {"function": {"name": "f", "arguments": {"a": 1, "b": "ü"}}},
        {"id": "own", "function": {"name": "g", "arguments": "{\"c\":2}"}},
        {"function": {"name": "h"}}, {"function": 7}, 7]});
    let response = decode("ollama_chat", &Memo::default(), chat_reply(message, "stop")).unwrap();
    let choice = &response.choices[0];
    assert_eq!(choice.finish_reason, FinishReason::ToolCalls);
    let calls: Vec<(Option<&str>, &str)> = choice
        .message
        .tool_calls
        .iter()
        .map(|call| (call.id.as_deref(), call.function.arguments.as_str()))
        .collect();
    assert_eq!(calls, [(None, "{\"a\": 1, \"b\": \"ü\"}"), (Some("own"), "{\"c\":2}"), (None, "{}")]);
}

#[test]
fn oll_05_a_call_may_be_the_answer_s_text_when_tools_are_in_the_prompt() {
    let memo = memo_with_tools();
    let decode = |memo: &Memo, text: &str| decode("ollama", memo, generate_reply(text, "stop")).unwrap();
    for arguments in ["{\"a\":1}", "\"{\\\"a\\\":1}\""] {
        let text = format!(" {{\"name\":\"f\",\"arguments\":{arguments}}}\n");
        let response = decode(&memo, &text);
        let choice = &response.choices[0];
        assert_eq!((choice.finish_reason, &choice.message.content), (FinishReason::ToolCalls, &None));
        let parsed: Value = serde_json::from_str(&choice.message.tool_calls[0].function.arguments).unwrap();
        assert_eq!(parsed, json!({"a": 1}));
        let plain = decode(&Memo::default(), &text);
        assert_eq!(
            plain.choices[0].message.content.as_deref(),
            Some(text.as_str()),
            "nobody asked for a call"
        );
    }
    for text in ["{\"name\":\"f\"}", "{\"a\":1}", "[1]", "{bad", "", "Hi", "{\"name\":7,\"arguments\":{}}"] {
        let response = decode(&memo, text);
        assert_eq!(response.choices[0].message.content.as_deref(), Some(text));
        assert_eq!(response.choices[0].finish_reason, FinishReason::Stop);
    }
}

#[test]
fn oll_06_reasons_to_end() {
    for (native, reason, kept) in [
        ("stop", FinishReason::Stop, None),
        ("length", FinishReason::Length, None),
        ("load", FinishReason::Stop, Some("load")),
        ("", FinishReason::Stop, None),
    ] {
        for body in [chat_reply(json!({"content": "a"}), native), generate_reply("a", native)] {
            let provider = if body.get("message").is_some() { "ollama_chat" } else { "ollama" };
            let choice = decode(provider, &Memo::default(), body).unwrap().choices.remove(0);
            assert_eq!(
                (choice.finish_reason, choice.native_finish_reason.as_deref()),
                (reason, kept),
                "{native}"
            );
        }
    }
    let cut = chat_reply(json!({"content": "", "tool_calls": [{"function": {"name": "f"}}]}), "length");
    let choice = decode("ollama_chat", &Memo::default(), cut).unwrap().choices.remove(0);
    assert_eq!(choice.finish_reason, FinishReason::ToolCalls);
}

#[test]
fn oll_07_thinking_stands_apart() {
    let read = |message: Value| {
        let message = decode("ollama_chat", &Memo::default(), chat_reply(message, "stop"))
            .unwrap()
            .choices
            .remove(0)
            .message;
        (message.reasoning_content, message.content)
    };
    for (text, thinking, rest) in [
        ("<think>a</think>b", Some("a"), "b"),
        ("<thinking>a</thinking>b", Some("a"), "b"),
        ("\n <think>\na\n</think>\n\nb", Some("\na\n"), "\n\nb"),
        ("<think></think>b", None, "b"),
        ("<think>a", Some("a"), ""),
        ("<think>a</think>b<think>c</think>", Some("a"), "b<think>c</think>"),
        ("x<think>a</think>b", None, "x<think>a</think>b"),
        ("a</think>b", None, "a</think>b"),
        ("<thin", None, "<thin"),
        (" ", None, " "),
    ] {
        let found = read(json!({"content": text}));
        assert_eq!(found, (thinking.map(str::to_owned), Some(rest.to_owned())), "{text}");
    }
    let given = read(json!({"content": "<think>a</think>b", "thinking": "hm"}));
    assert_eq!(given, (Some("hm".to_owned()), Some("<think>a</think>b".to_owned())));
    assert_eq!(read(json!({"thinking": "hm"})), (Some("hm".to_owned()), None));
}

#[test]
fn oll_08_an_estimate_needs_no_copy_of_the_conversation() {
    for provider in ["ollama", "ollama_chat"] {
        let prepared = encode(provider, json!({})).unwrap();
        assert_eq!(prepared.memo.sent.unwrap().as_ptr(), prepared.call.body.as_ptr());
        assert!(prepared.memo.notes.is_empty());
    }
}

#[test]
fn oll_08_what_is_not_counted_is_estimated() {
    let messages = json!({"messages": [{"role": "system", "content": "sys"},
        {"role": "user", "content": "Give me a path on Windows."}]});
    let counts = |provider: &str, body: Value| {
        let memo = encode(provider, messages.clone()).unwrap().memo;
        let usage = decode(provider, &memo, body).unwrap().usage.unwrap();
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    };
    let mut body = chat_reply(json!({"content": "Hello world out there"}), "stop");
    assert_eq!(counts("ollama_chat", body.clone()), (11, 6, 17));
    body.as_object_mut().unwrap().shift_remove("prompt_eval_count");
    assert_eq!(counts("ollama_chat", body.clone()), (19, 6, 25));
    body.as_object_mut().unwrap().shift_remove("eval_count");
    assert_eq!(counts("ollama_chat", body), (19, 4, 23));
    let prompt = json!({"response": "Hello world out there", "done": true});
    let (prompt_tokens, completion_tokens, _) = counts("ollama", prompt);
    assert!(prompt_tokens > 10 && completion_tokens == 4);
    let zero = json!({"response": "x", "done": true, "prompt_eval_count": 0, "eval_count": 0});
    assert_eq!(counts("ollama", zero), (0, 0, 0));
}

#[test]
fn oll_10_an_error_in_a_good_reply_is_an_error() {
    for provider in ["ollama_chat", "ollama"] {
        let error = decode(provider, &Memo::default(), json!({"error": "zq"})).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::InternalServer, "{\"error\":\"zq\"}"));
        let error =
            decode(provider, &Memo::default(), json!({"error": "no such file or directory"})).unwrap_err();
        assert_eq!(error.kind(), Kind::BadRequest);
    }
}

#[test]
fn bodies_that_are_no_answers() {
    for provider in ["ollama_chat", "ollama"] {
        for body in ["", "<html>", "[1]", "null", "{}", "{\"message\": 7}", "{\"id\": \"x\", ["] {
            let reply =
                HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.to_owned().into() };
            let error = wire(provider).decode(&reply, &Memo::default(), &target(provider)).unwrap_err();
            assert_eq!(error.kind(), Kind::InternalServer, "{provider} {body}");
        }
    }
}

#[test]
fn err_05_what_failures_mean() {
    let wire = wire("ollama_chat");
    let kind = |status: u16, body: &str| {
        let facts = wire.error_facts(status, body.as_bytes());
        let kind = wire.classify(&facts, &target("ollama_chat"));
        let error = facts.into_error(kind);
        (error.kind(), error.status())
    };
    let said = |text: &str| json!({"error": text}).to_string();
    for (status, message, expected) in [
        (400, "zq", (Kind::BadRequest, 400)),
        (401, "zq", (Kind::Authentication, 401)),
        (402, "zq", (Kind::PaymentRequired, 402)),
        (403, "zq", (Kind::PermissionDenied, 403)),
        (404, "model 'x' not found, try pulling it first", (Kind::NotFound, 404)),
        (408, "zq", (Kind::Timeout, 408)),
        (413, "zq", (Kind::BadRequest, 413)),
        (429, "zq", (Kind::RateLimit, 429)),
        (500, "zq", (Kind::InternalServer, 500)),
        (502, "zq", (Kind::BadGateway, 502)),
        (503, "zq", (Kind::ServiceUnavailable, 503)),
        (504, "zq", (Kind::Timeout, 504)),
        (529, "zq", (Kind::Api, 529)),
        (500, "open x: no such file or directory", (Kind::BadRequest, 500)),
        (500, "Invalid response object from API", (Kind::BadRequest, 500)),
        (500, "Failed to establish a new connection", (Kind::ServiceUnavailable, 503)),
        (500, "Request timed out", (Kind::Timeout, 408)),
        (400, "input length exceeds maximum context length", (Kind::ContextWindowExceeded, 400)),
        (400, "Your request was rejected as a result of our safety system.", (Kind::BadRequest, 400)),
    ] {
        assert_eq!(kind(status, &said(message)), expected, "{status} {message}");
    }
    let object = json!({"error": {"message": "Request timed out"}}).to_string();
    assert_eq!(kind(500, &object).0, Kind::Timeout);
    for body in ["", "<html>", "[]", "null", "{\"error\": null}", "{\"error\": {\"message\": 7}}"] {
        assert_eq!(kind(500, body).0, Kind::InternalServer, "{body}");
    }
}
