//! Anthropic's Messages of a caller's, passed through to Claude.

use serde_json::json;

use super::streams::chunks;
use super::*;
use crate::hub::{CallRequest, CallType};
use crate::wires::framing::{Frame, Frames};
use crate::wires::{Event, EventWire, Seen, WireId};

fn native() -> &'static dyn EventWire {
    WireId::BedrockInvoke.events(CallType::Messages).unwrap()
}

fn asked(mut params: Value) -> CallRequest {
    let hello = json!([{"role": "user", "content": "hi"}]);
    params.as_object_mut().unwrap().entry("messages").or_insert(hello);
    let stream = params["stream"] == true;
    params.as_object_mut().unwrap().shift_remove("stream");
    let Value::Object(params) = params else { panic!("parameters are an object") };
    CallRequest { params, stream, ..CallRequest::default() }
}

fn sent(params: Value) -> (HttpCall, Value) {
    let call = native().encode(&asked(params), &target(SONNET)).unwrap().call;
    let body = serde_json::from_slice(&call.body).unwrap();
    (call, body)
}

#[test]
fn a_message_is_asked_for_as_it_is() {
    let (call, body) = sent(json!({
        "max_tokens": 5, "top_k": 3, "metadata": {"user_id": "u", "trace": "mine"},
        "output_format": {"type": "json_schema", "schema": {}},
    }));
    assert_eq!(call.url, "https://b.example/model/m/invoke");
    let betas = json!(["structured-outputs-2025-11-13"]);
    assert_eq!(
        body,
        json!({
            "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5, "top_k": 3,
            "metadata": {"user_id": "u"}, "anthropic_version": "bedrock-2023-05-31", "anthropic_beta": betas,
            "output_config": {"format": {"type": "json_schema", "schema": {}}},
        })
    );
    let (call, _) = sent(json!({"max_tokens": 5, "stream": true}));
    assert_eq!(call.url, "https://b.example/model/m/invoke-with-response-stream");
}

#[test]
fn features_have_the_names_that_are_known_here() {
    let tools = json!([{"type": "tool_search_tool_regex_20251119", "name": "t"}]);
    let (call, body) = sent(json!({"max_tokens": 5, "tools": tools, "speed": "fast"}));
    assert_eq!(body["anthropic_beta"], json!(["tool-search-tool-2025-10-19"]));
    assert_eq!(call.headers["anthropic-beta"], "tool-search-tool-2025-10-19");
    assert_eq!(body["tools"][0]["type"], "tool_search_tool_regex");
    // What the caller names is sent as it is.
    let (_, body) = sent(json!({"max_tokens": 5, "anthropic_beta": ["fast-mode-2026-02-01"]}));
    assert_eq!(body["anthropic_beta"], json!(["fast-mode-2026-02-01"]));
    for kind in ["web_search_20250305", "web_fetch_20250910"] {
        let tools = json!([{"type": kind, "name": "w"}]);
        let refused = native().encode(&asked(json!({"max_tokens": 5, "tools": tools})), &target(SONNET));
        assert_eq!(refused.unwrap_err().facts().param.as_deref(), Some("tools"), "{kind}");
    }
}

fn read(bytes: &[u8]) -> Result<Vec<Event>> {
    let mut frames = Frames::new(native().framing());
    let mut reader = native().reader(&Memo::default(), &target(SONNET));
    let mut out = Vec::new();
    let mut done = false;
    let mut each = |frame: Frame<'_>| {
        done = reader.frame(frame, &mut out)? == Seen::Done;
        Ok(!done)
    };
    frames.push(bytes::Bytes::copy_from_slice(bytes), &mut each)?;
    if !done {
        reader.end()?;
    }
    Ok(out)
}

#[test]
fn events_are_anthropics_own() {
    let events = [
        json!({"type": "message_start", "message": {"id": "m1"}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3}}),
    ];
    let found = read(&chunks(&events)).unwrap();
    assert_eq!(found.iter().map(|event| event.data.clone()).collect::<Vec<_>>(), events);
    assert_eq!(found[0].name.as_deref(), Some("message_start"));
    let error = read(&chunks(&events[..1])).unwrap_err();
    assert_eq!(error.kind(), crate::error::Kind::Connection, "cut short: {error}");
    let failed = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    assert!(read(&chunks(&[failed])).unwrap_err().message().contains("Overloaded"));
}
