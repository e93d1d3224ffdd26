//! Images, documents and files.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{SONNET, body, call, dropping, prepare, refused, request, target, user};
use crate::error::Kind;
use crate::hub::{Chat, InlineMedia};
use crate::wires::Wire;
use crate::wires::anthropic::Anthropic;

const PNG: &str = "iVBORw0KGgo=";

fn block(part: Value) -> Value {
    body(&target(SONNET), json!({"messages": [user(json!([part]))]}))["messages"][0]["content"][0].clone()
}

fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url, "detail": "low"}})
}

fn file(file: Value) -> Value {
    json!({"type": "file", "file": file})
}

fn base64(kind: &str, mime: &str, data: &str) -> Value {
    json!({"type": kind, "source": {"type": "base64", "media_type": mime, "data": data}})
}

#[test]
fn ant_25_images() {
    let by_url = json!({"type": "image", "source": {"type": "url", "url": "https://x.y/a.png"}});
    assert_eq!(block(image("https://x.y/a.png")), by_url);
    assert_eq!(block(json!({"type": "image_url", "image_url": "https://x.y/a.png"})), by_url);
    let inline = format!("data:image/png;base64,{PNG}");
    assert_eq!(block(image(&inline)), base64("image", "image/png", PNG));
    assert_eq!(
        block(image("data:application/pdf;base64,JVBERi0=")),
        base64("document", "application/pdf", "JVBERi0=")
    );
    let mut marked = image(&inline);
    marked["cache_control"] = json!({"type": "ephemeral"});
    assert_eq!(block(marked)["cache_control"], json!({"type": "ephemeral"}));
}

#[test]
fn gen_25_format_names_the_type() {
    let part = json!({"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PNG}"), "format": "image/jpeg"}});
    assert_eq!(block(part), base64("image", "image/jpeg", PNG));
}

#[test]
fn gen_27_text_becomes_a_text_document() {
    let document =
        json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hello"}});
    assert_eq!(block(file(json!({"file_data": "data:text/plain;base64,aGVsbG8="}))), document);
    assert_eq!(block(image("data:text/csv;base64,aGVsbG8=")), document);
}

#[test]
fn ant_25_http_images_are_fetched_first() {
    let url = "http://x.y/a.png";
    let mut request = request(json!({"messages": [user(json!([image(url), image("https://x.y/b.png")]))]}));
    assert_eq!(Wire::<Chat>::remote_media(&Anthropic, &request, &target(SONNET)), [url]);
    let fetched = InlineMedia { mime: "image/png".into(), data: Bytes::from_static(b"\x89PNG\r\n\x1a\n") };
    request.media = HashMap::from([(url.to_owned(), fetched)]);
    let call = Wire::<Chat>::encode(&Anthropic, &request, &target(SONNET)).unwrap().call;
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["messages"][0]["content"][0], base64("image", "image/png", PNG));
}

#[test]
fn gen_28_broken_base64_is_refused() {
    for url in
        ["foobar", "data:image/png,abc", "data:image/png;base64,a b*", "data:image/png;base64,", "gs://b/x"]
    {
        let error = refused(&target(SONNET), json!({"messages": [user(json!([image(url)]))]}));
        assert_eq!(
            (error.kind(), error.facts().param.as_deref()),
            (Kind::BadRequest, Some("messages[0].content[0]"))
        );
    }
}

#[test]
fn ant_26_files() {
    let stored = |format: &str| block(file(json!({"file_id": "file_1", "format": format})));
    assert_eq!(
        stored("application/pdf"),
        json!({"type": "document", "source": {"type": "file", "file_id": "file_1"}})
    );
    assert_eq!(
        stored("image/webp"),
        json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}})
    );
    assert_eq!(
        block(file(json!({"file_id": "https://x.y/a.pdf"}))),
        json!({"type": "document", "source": {"type": "url", "url": "https://x.y/a.pdf"}})
    );
    assert_eq!(
        block(file(json!({"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}))),
        base64("document", "application/pdf", "JVBERi0=")
    );
    let error =
        refused(&target(SONNET), json!({"messages": [user(json!([file(json!({"filename": "a"}))]))]}));
    assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[0].file"));
}

#[test]
fn ant_26_other_files_go_into_the_container() {
    let keywords = json!({"messages": [user(json!([file(json!({"file_id": "file_1"}))]))]});
    let sent = body(&target(SONNET), keywords.clone());
    assert_eq!(sent["messages"][0]["content"][0], json!({"type": "container_upload", "file_id": "file_1"}));
    assert_eq!(sent["tools"], json!([{"type": "code_execution_20250522", "name": "code_execution"}]));
    assert_eq!(call(&target(SONNET), keywords).headers["anthropic-beta"], "files-api-2025-04-14");
}

#[test]
fn ant_25_images_of_tools() {
    let messages = json!([
        user("a"),
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "see"}, image(&format!("data:image/png;base64,{PNG}"))]},
    ]);
    let turns = body(&target(SONNET), json!({"messages": messages}))["messages"].clone();
    assert_eq!(turns[2]["content"][0]["content"][1], base64("image", "image/png", PNG));
}

#[test]
fn parts_the_provider_lacks_are_not_lost_silently() {
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAA=", "format": "wav"}});
    for part in [audio, json!({"type": "video_url", "video_url": {"url": "https://x"}})] {
        let keywords = json!({"messages": [user(json!([part, {"type": "text", "text": "a"}]))]});
        assert_eq!(refused(&target(SONNET), keywords.clone()).kind(), Kind::BadRequest);
        let turns = body(&dropping(SONNET), keywords)["messages"].clone();
        assert_eq!(turns[0]["content"], json!([{"type": "text", "text": "a"}]));
    }
}

#[test]
fn blocks_of_the_provider_pass() {
    let document = json!({
        "type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"},
        "title": "t", "citations": {"enabled": true},
    });
    assert_eq!(block(document.clone()), document);
}

#[test]
fn gen_10_the_callers_request_is_not_touched() {
    let request = request(json!({"messages": [user("a"), {"role": "assistant", "content": "b "}]}));
    let before = request.messages.clone();
    Wire::<Chat>::encode(&Anthropic, &request, &target(SONNET)).unwrap();
    assert_eq!(request.messages, before);
    assert!(prepare(&target(SONNET), json!({"messages": [user("a")]})).is_ok());
}
