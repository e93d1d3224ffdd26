//! The same language at a host that has the model in the address.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use super::{OPUS, SONNET, answer, body, call, reply, request, target, user};
use crate::hub::{Accent, Chat, Hosted, InlineMedia, Target};
use crate::wires::anthropic::Anthropic;
use crate::wires::{Memo, Wire};

fn hosted(model: &str) -> Target {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, here)| ((*name).to_owned(), (*here).to_owned())).collect()
    };
    let hosted = Hosted {
        version: "host-1".into(),
        betas: pairs(&[
            ("context-management-2025-06-27", "context-management-2025-06-27"),
            ("advanced-tool-use-2025-11-20", "search-here"),
        ]),
        tools: pairs(&[("web_search_", "web-search-here")]),
    };
    Target {
        path: Some("/models/m:raw".into()),
        stream_path: Some("/models/m:streamRaw".into()),
        accent: Arc::new(Accent { hosted: Some(hosted), ..Accent::default() }),
        ..target(model)
    }
}

#[test]
fn the_model_is_in_the_address_and_the_version_in_the_body() {
    let asked = json!({"messages": [user(json!("q"))], "max_tokens": 5});
    let whole = body(&hosted(SONNET), asked.clone());
    assert_eq!(whole["anthropic_version"], "host-1");
    assert!(whole.get("model").is_none() && whole.get("stream").is_none());
    let mut streamed = asked;
    streamed["stream"] = true.into();
    assert_eq!(body(&hosted(SONNET), streamed.clone())["stream"], true);
    assert!(call(&hosted(SONNET), streamed).url.ends_with("/models/m:streamRaw"));
}

#[test]
fn ant_28_only_features_that_the_host_knows_are_asked_for() {
    let asked = |keyword: &str, value: serde_json::Value| {
        let mut asked = json!({"messages": [user(json!("q"))], "max_tokens": 5});
        asked[keyword] = value;
        let sent = call(&hosted(SONNET), asked);
        let body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
        let header = sent.headers.get("anthropic-beta").map(|value| value.to_str().unwrap().to_owned());
        (body.get("anthropic_beta").cloned(), header)
    };
    let known = "context-management-2025-06-27";
    let edits = json!({"edits": [{"type": "clear_tool_uses_20250919"}]});
    assert_eq!(asked("context_management", edits), (Some(json!([known])), Some(known.to_owned())));
    let tool = |kind: &str| json!([{"type": kind, "name": "t"}]);
    let search = asked("tools", tool("tool_search_tool_regex_20251119"));
    assert_eq!(search, (Some(json!(["search-here"])), Some("search-here".to_owned())));
    // Not one that is known here; a tool that a header turns on; a name of the caller's own.
    assert_eq!(asked("tools", tool("web_fetch_20250910")), (None, None));
    assert_eq!(asked("tools", tool("web_search_20250305")), (None, Some("web-search-here".to_owned())));
    assert_eq!(asked("betas", json!(["mine"])), (Some(json!(["mine"])), Some("mine".to_owned())));
}

#[test]
fn ant_25_a_host_gets_images_and_files_inline() {
    let parts = json!([
        {"type": "image_url", "image_url": {"url": "https://x.y/a.png"}},
        {"type": "file", "file": {"file_id": "https://x.y/a.pdf"}},
    ]);
    let mut asked = request(json!({"messages": [user(parts)], "max_tokens": 5}));
    let wanted = Wire::<Chat>::remote_media(&Anthropic, &asked, &hosted(SONNET));
    assert_eq!(wanted, ["https://x.y/a.png", "https://x.y/a.pdf"]);
    assert!(Wire::<Chat>::remote_media(&Anthropic, &asked, &target(SONNET)).is_empty());
    let media = |mime: &str| InlineMedia { mime: mime.into(), data: Bytes::from_static(b"abc") };
    asked.media = HashMap::from([
        (wanted[0].clone(), media("image/png")),
        (wanted[1].clone(), media("application/pdf")),
    ]);
    let sent = Wire::<Chat>::encode(&Anthropic, &asked, &hosted(SONNET)).unwrap().call;
    let body: serde_json::Value = serde_json::from_slice(&sent.body).unwrap();
    let inline = |mime: &str| json!({"type": "base64", "media_type": mime, "data": "YWJj"});
    assert_eq!(body["messages"][0]["content"][0]["source"], inline("image/png"));
    assert_eq!(body["messages"][0]["content"][1]["source"], inline("application/pdf"));
}

#[test]
fn ant_29_a_schema_stands_in_the_output_config() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let sent = body(
        &hosted(OPUS),
        json!({"messages": [user(json!("q"))], "response_format": format, "reasoning_effort": "low"}),
    );
    assert_eq!(sent["output_config"]["format"], json!({"type": "json_schema", "schema": schema}));
    assert_eq!(sent["output_config"]["effort"], "low");
    assert!(sent.get("output_format").is_none());
}

#[test]
fn the_model_is_named_as_the_caller_names_it() {
    let body = reply(&answer(json!([{"type": "text", "text": "a"}])));
    let read = Wire::<Chat>::decode(&Anthropic, &body, &Memo::default(), &hosted("claude-x@1")).unwrap();
    assert_eq!(read.model, "claude-x@1");
}

#[test]
fn gen_06_extra_body_comes_last_at_a_host_too() {
    let asked =
        json!({"messages": [user(json!("q"))], "extra_body": {"anthropic_version": "mine", "model": "m"}});
    let sent = body(&hosted(SONNET), asked);
    assert_eq!((&sent["anthropic_version"], &sent["model"]), (&json!("mine"), &json!("m")));
}
