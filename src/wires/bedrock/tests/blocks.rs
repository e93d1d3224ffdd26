//! Parts of messages as blocks.

use serde_json::json;

use super::*;
use crate::error::Kind;
use crate::hub::InlineMedia;

const PDF: &str = "data:application/pdf;base64,JVBERi0=";

fn file(data: &str) -> Value {
    json!({"type": "file", "file": {"file_data": data, "filename": "My file.pdf"}})
}

#[test]
fn bed_10_a_document_gets_a_word_beside_it() {
    let mut marked = file(PDF);
    marked["cache_control"] = json!({"type": "ephemeral"});
    let sent = blocks(&target(SONNET), json!([marked]));
    assert!(sent[0].get("document").is_some());
    assert_eq!(sent[1], json!({"text": "."}));
    assert_eq!(sent[2], json!({"cachePoint": {"type": "default"}}));
    let with_text = blocks(&target(SONNET), json!([{"type": "text", "text": "t"}, file(PDF)]));
    assert_eq!(with_text.as_array().unwrap().len(), 2);
}

#[test]
fn bed_11_names_come_of_the_content() {
    let other = file("data:application/pdf;base64,JVBERi1x");
    let messages = json!([
        {"role": "user", "content": [{"type": "text", "text": "t"}, file(PDF), other]},
        {"role": "assistant", "content": "k"},
        {"role": "user", "content": [{"type": "text", "text": "t"}, file(PDF)]},
    ]);
    let sent = turns(&target(SONNET), messages.clone());
    let name = |turn: usize, at: usize| sent[turn]["content"][at]["document"]["name"].as_str().unwrap();
    let first = name(0, 1);
    assert!(first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{first}");
    assert_ne!(first, name(0, 2));
    assert_eq!(name(2, 1), format!("{first}-2"));
    assert_eq!(turns(&target(SONNET), messages), sent, "the same conversation, the same names");
}

#[test]
fn bed_12_accepted_types() {
    for (mime, kind, format) in [
        ("image/png", "image", "png"),
        ("image/jpg", "image", "jpeg"),
        ("image/gif", "image", "gif"),
        ("image/webp", "image", "webp"),
        ("text/csv", "document", "csv"),
        ("text/plain", "document", "txt"),
        ("text/markdown", "document", "md"),
        ("text/html", "document", "html"),
        ("application/msword", "document", "doc"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document", "docx"),
        ("application/vnd.ms-excel", "document", "xls"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "document", "xlsx"),
        ("video/mp4", "video", "mp4"),
        ("video/quicktime", "video", "mov"),
        ("video/x-matroska", "video", "mkv"),
        ("video/webm", "video", "webm"),
        ("video/x-flv", "video", "flv"),
        ("video/mpeg", "video", "mpeg"),
        ("video/x-ms-wmv", "video", "wmv"),
        ("video/3gpp", "video", "three_gp"),
    ] {
        let sent = blocks(&target(NOVA), json!([file(&format!("data:{mime};base64,aGk="))]));
        assert_eq!(sent[0][kind]["format"], format, "{mime}");
        assert_eq!(sent[0][kind]["source"], json!({"bytes": "aGk="}));
    }
    for wrong in ["image/tiff", "application/zip", "audio/mp3"] {
        let part = json!({"type": "image_url", "image_url": {"url": format!("data:{wrong};base64,aGk=")}});
        let error = refused(&target(SONNET), json!({"messages": [{"role": "user", "content": [part]}]}));
        assert_eq!(error.kind(), Kind::BadRequest);
        assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[0]"));
    }
}

#[test]
fn bed_13_marks_become_points_behind_their_block() {
    let marked = |ttl: Option<&str>| {
        let mut mark = json!({"type": "ephemeral"});
        if let Some(ttl) = ttl {
            mark["ttl"] = ttl.into();
        }
        json!([{"type": "text", "text": "a", "cache_control": mark}, {"type": "text", "text": "b"}])
    };
    let point = |model: &str, ttl| blocks(&target(model), marked(ttl))[1].clone();
    assert_eq!(point(SONNET, None), json!({"cachePoint": {"type": "default"}}));
    assert_eq!(point(SONNET, Some("1h")), json!({"cachePoint": {"type": "default", "ttl": "1h"}}));
    assert_eq!(point(SONNET, Some("2h")), json!({"cachePoint": {"type": "default"}}));
    assert_eq!(point(SONNET_4, Some("1h")), json!({"cachePoint": {"type": "default"}}), "too old for a time");
    assert_eq!(point(NOVA, Some("1h")), json!({"cachePoint": {"type": "default"}}));
    assert_eq!(point(LLAMA, None), json!({"text": "b"}));
    let mark = json!({"type": "ephemeral"});
    let sent = body(
        &target(SONNET),
        json!({"messages": [
            {"role": "system", "content": "s", "cache_control": mark},
            {"role": "user", "content": "x", "cache_control": mark},
        ]}),
    );
    let point = json!({"cachePoint": {"type": "default"}});
    assert_eq!(sent["system"], json!([{"text": "s"}, point]));
    assert_eq!(sent["messages"][0]["content"], json!([{"text": "x"}, point]));
}

#[test]
fn gen_26_remote_media_are_fetched_and_sent_inline() {
    let url = "https://e.example/x.png";
    let mut request = request(json!({"messages": [{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "file", "file": {"file_id": "http://e.example/a.pdf"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
    ]}]}));
    let wanted = Wire::<Chat>::remote_media(&Converse, &request, &target(SONNET));
    assert_eq!(wanted, [url, "http://e.example/a.pdf"]);
    let media = |mime: &str| InlineMedia { mime: mime.into(), data: bytes::Bytes::from_static(b"hi") };
    request.media.insert(url.into(), media("image/png"));
    request.media.insert("http://e.example/a.pdf".into(), media("application/pdf"));
    let call = Wire::<Chat>::encode(&Converse, &request, &target(SONNET)).unwrap().call;
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    let content = &sent["messages"][0]["content"];
    assert_eq!(content[0]["image"], json!({"source": {"bytes": "aGk="}, "format": "png"}));
    assert_eq!(content[1]["document"]["format"], "pdf");
}

#[test]
fn gen_28_payloads_that_are_no_base64_are_refused() {
    for wrong in
        ["data:image/png;base64,a b", "data:image/png;base64,", "data:image/png;base64,abcde", "nonsense"]
    {
        let part = json!({"type": "image_url", "image_url": {"url": wrong}});
        let error = refused(&target(SONNET), json!({"messages": [{"role": "user", "content": [part]}]}));
        assert_eq!(error.kind(), Kind::BadRequest, "{wrong}");
    }
}

#[test]
fn files_in_s3_and_other_forms() {
    let sent = |part: Value| blocks(&target(NOVA), json!([{"type": "text", "text": "t"}, part]))[1].take();
    let s3 = sent(json!({"type": "file", "file": {"file_id": "s3://bucket/a.mp4"}}));
    assert_eq!(
        s3,
        json!({"video": {"source": {"s3Location": {"uri": "s3://bucket/a.mp4"}}, "format": "mp4"}})
    );
    let raw = sent(json!({"type": "file", "file": {"file_data": "aGk=", "format": "text/plain"}}));
    assert_eq!(raw["document"]["format"], "txt");
    let own = json!({"type": "document", "source": {"type": "text", "data": "hi"}});
    assert_eq!(sent(own)["document"]["source"], json!({"bytes": "aGk="}));
    let native = json!({"image": {"format": "png", "source": {"bytes": "aGk="}}});
    assert_eq!(sent(native.clone()), native);
    let unknown = json!({"messages": [{"role": "user", "content": [{"type": "zq", "a": 1}]}]});
    assert_eq!(refused(&target(NOVA), unknown.clone()).kind(), Kind::BadRequest);
    assert_eq!(body(&dropping(NOVA), unknown)["messages"], json!([]));
}
