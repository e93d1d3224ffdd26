//! The same language where the target says the path, follows addresses of the web and takes labels.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::Gemini;
use super::{request, target};
use crate::hub::{Accent, Target};
use crate::wires::Wire;

fn elsewhere(model: &str) -> Target {
    Target {
        base: "https://host.example".into(),
        path: Some("/v1/models/m:generateContent".into()),
        stream_path: Some("/v1/models/m:streamGenerateContent?alt=sse".into()),
        accent: Arc::new(Accent { labels: true, takes_web_media: true, ..Accent::default() }),
        ..target(model)
    }
}

fn body(target: &Target, asked: Value) -> Value {
    serde_json::from_slice(&Gemini.encode(&request(asked), target).unwrap().call.body).unwrap()
}

#[test]
fn the_target_says_the_path() {
    let url = |asked| Gemini.encode(&request(asked), &elsewhere("m")).unwrap().call.url;
    assert_eq!(url(json!({})), "https://host.example/v1/models/m:generateContent");
    let streamed = url(json!({"stream": true}));
    assert_eq!(streamed, "https://host.example/v1/models/m:streamGenerateContent?alt=sse");
}

#[test]
fn gem_21_media_of_the_web_with_a_known_type_stay_where_they_are() {
    let asked = |image: Value| {
        json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "t"}, {"type": "image_url", "image_url": image},
        ]}]})
    };
    for (image, mime) in [
        (json!({"url": "https://x.y/a.png"}), "image/png"),
        (json!({"url": "https://x.y/A.PNG?v=1.0"}), "image/png"),
        (json!({"url": "https://x.y/a", "format": "image/webp"}), "image/webp"),
    ] {
        let url = image["url"].clone();
        assert!(
            Gemini.remote_media(&request(asked(image.clone())), &elsewhere("gemini-2.5-flash")).is_empty()
        );
        assert_eq!(Gemini.remote_media(&request(asked(image.clone())), &target("gemini-2.5-flash")).len(), 1);
        let sent = body(&elsewhere("gemini-2.5-flash"), asked(image));
        let data = json!({"fileData": {"mimeType": mime, "fileUri": url}});
        assert_eq!(sent["contents"][0]["parts"][1], data);
    }
    for url in ["http://x.y/a.png", "https://x.y/a", "https://x.y/a.unheard"] {
        let wanted =
            Gemini.remote_media(&request(asked(json!({"url": url}))), &elsewhere("gemini-2.5-flash"));
        assert_eq!(wanted, [url]);
    }
}

#[test]
fn labels_are_the_callers_or_say_who_asks() {
    let sent = |asked: Value| body(&elsewhere("gemini-2.5-flash"), asked).get("labels").cloned();
    assert_eq!(sent(json!({"labels": {"team": "a"}})), Some(json!({"team": "a"})));
    let noted = json!({"metadata": {"trace": "t", "requester_metadata": {"who": "me", "n": 1}}});
    assert_eq!(sent(noted.clone()), Some(json!({"who": "me"})));
    assert_eq!(sent(json!({"metadata": {"trace": "t"}})), None);
    assert!(body(&target("gemini-2.5-flash"), noted).get("labels").is_none());
}

#[test]
fn gem_06_a_tuned_model_that_is_called_by_its_number_gets_no_ids() {
    let call = json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let messages = json!([
        {"role": "system", "content": "s"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "r"},
    ]);
    let sent = body(&elsewhere("1234567890"), json!({"messages": messages}));
    assert_eq!(sent["contents"][1]["parts"][0], json!({"functionCall": {"name": "f", "args": {}}}));
    assert_eq!(sent["systemInstruction"]["parts"][0]["text"], "s");
}
