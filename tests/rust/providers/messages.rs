//! What becomes of messages, and how answers name their model.

use serde_json::{Value, json};

use crate::facts::{self, compare};
use crate::support::{answer, body, reply};

const IMAGES: &str = "an image is never lost in silence: the provider may refuse it";

fn messages(model: &str, messages: Value) -> Value {
    body(model, json!({ "messages": messages })).unwrap_or_else(|error| panic!("{model}: {error}"))["messages"].clone()
}

#[test]
fn messages_fare_as_known() {
    let mut found = Vec::new();
    for (provider, facts) in facts::providers() {
        let model = format!("{provider}/{}", facts.chat().model);
        let said = |probe: &str| facts.messages.get(probe).map_or("", String::as_str);
        let mut check = |probe: &str, got: &Value, known: Value| {
            if *got != known {
                found.push(format!("{provider}: {probe} {got} instead of {known}"));
            }
        };
        let parts = |texts: &[&str]| -> Value {
            texts.iter().map(|text| json!({ "type": "text", "text": text })).collect()
        };

        let got = messages(
            &model,
            json!([{ "role": "developer", "content": "a" }, { "role": "user", "content": "b" }]),
        );
        let role = if said("developer_then_user").contains("unchanged") { "developer" } else { "system" };
        check("developer", &got[0]["role"], json!(role));

        let marked = json!([{ "type": "text", "text": "a", "cache_control": { "type": "ephemeral" } }]);
        let got = messages(&model, json!([{ "role": "user", "content": marked }]));
        let known = match said("cache_control") {
            text if text.contains("unchanged") => marked,
            text if text.contains("flattened") => json!("a"),
            _ => parts(&["a"]),
        };
        check("cache_control", &got[0]["content"], known);

        let got = messages(&model, json!([{ "role": "user", "content": parts(&["a", "b"]) }]));
        let known = if said("content_list_two_texts").contains("flattened") {
            json!("ab")
        } else {
            parts(&["a", "b"])
        };
        check("texts", &got[0]["content"], known);

        let got = messages(
            &model,
            json!([
                { "role": "user", "content": "a" },
                { "role": "assistant", "content": "b", "reasoning_content": "c" },
                { "role": "user", "content": "d" },
            ]),
        );
        let removed = said("assistant_reasoning").contains("removed");
        check("reasoning", &got[1]["reasoning_content"], if removed { Value::Null } else { json!("c") });

        let got = messages(&model, json!([{ "role": "user", "name": "n", "content": "a" }]));
        let removed = said("user_name").contains("removed");
        check("name", &got[0]["name"], if removed { Value::Null } else { json!("n") });

        let image = json!([{ "type": "text", "text": "a" }, { "type": "image_url", "image_url": { "url": "https://x.invalid/y.png" } }]);
        let got = messages(&model, json!([{ "role": "user", "content": image }]));
        let lost = said("image_url_object").contains("lost");
        check("image", &got[0]["content"], if lost { json!("a") } else { image });
    }
    compare(
        &found,
        &[
            ("deepseek", "image", IMAGES),
            ("docker_model_runner", "image", IMAGES),
            ("heroku", "image", IMAGES),
            ("mistral", "reasoning", "earlier reasoning goes back as chunks of the content (MIS-09)"),
            ("publicai", "image", IMAGES),
            ("sambanova", "image", IMAGES),
        ],
    );
}

#[test]
fn answers_name_their_model_as_known() {
    let mut found = Vec::new();
    for (provider, facts) in facts::providers() {
        let model = format!("{provider}/{}", facts.chat().model);
        let got = answer(&model, json!({}), &reply(json!({ "role": "assistant", "content": "x" }))).unwrap();
        let known = match facts.model_in_result.as_deref() {
            Some("reply model") => "m".to_owned(),
            Some("requested model") => model,
            _ => format!("{provider}/m"),
        };
        if got.model != known {
            found.push(format!("{provider}: {} instead of {known}", got.model));
        }
    }
    compare(&found, &[("ai21_chat", "ai21/m", "another name of ai21, under which answers come")]);
}
