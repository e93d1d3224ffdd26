//! What becomes of messages, as known of each provider and by each verb.

use serde_json::{Value, json};

use crate::facts::{self, compare};
use crate::support::{accent, body, param, provider};

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
fn lists_become_strings() {
    let parts = |texts: &[&str]| -> Value {
        texts.iter().map(|text| json!({ "type": "text", "text": text })).collect()
    };
    let sent = |model: &str, role: &str, content: Value| {
        let message =
            json!({ "role": role, "content": content, "tool_call_id": (role == "tool").then_some("c") });
        messages(model, json!([message]))[0]["content"].clone()
    };
    let text = accent("v-flatten", "flatten = \"text\"");
    assert_eq!(sent(&text, "user", parts(&["a", "b"])), "ab");
    let image = json!([{ "type": "text", "text": "a" }, { "type": "image_url", "image_url": { "url": "https://x.invalid/y" } }]);
    assert_eq!(sent(&text, "user", image.clone()), image, "an image is not lost");
    let single = accent("v-flatten-single", "flatten = \"single_text\"");
    assert_eq!(sent(&single, "user", parts(&["a"])), "a");
    assert_eq!(sent(&single, "user", parts(&["a", "b"])), parts(&["a", "b"]));
    let assistant = accent("v-flatten-assistant", "flatten = \"assistant\"");
    assert_eq!(sent(&assistant, "assistant", parts(&["a"])), "a");
    assert_eq!(sent(&assistant, "user", parts(&["a"])), parts(&["a"]));
    let results = accent("v-flatten-results", "flatten = \"tool_results\"");
    assert_eq!(sent(&results, "user", parts(&["a"])), parts(&["a"]));
    assert_eq!(sent(&results, "tool", parts(&["a"])), "a");
    assert_eq!(
        sent(&results, "tool", parts(&["a", "b"])),
        json!(r#"[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]"#)
    );
}

#[test]
fn ort_03_marks_are_sent_to_some_models_and_stand_on_parts() {
    provider("v-marks", "", "cache_control_models = [\"claude\"]\ncache_control_in_parts = true");
    let marked = json!([{ "role": "user", "content": "a", "cache_control": { "type": "ephemeral" } }]);
    let part = json!([{ "type": "text", "text": "a", "cache_control": { "type": "ephemeral" } }]);
    assert_eq!(messages("v-marks/claude-x", marked.clone())[0], json!({ "role": "user", "content": part }));
    assert_eq!(messages("v-marks/other", marked)[0]["content"], json!([{ "type": "text", "text": "a" }]));
    let kept = accent("v-marks-kept", "keeps_cache_control = true");
    assert_eq!(messages(&kept, json!([{ "role": "user", "content": part }]))[0]["content"], part);
}

#[test]
fn developers_may_stay_developers() {
    let developer = json!([{ "role": "developer", "content": "a" }]);
    assert_eq!(
        messages(&accent("v-developer", "keeps_developer = true"), developer.clone())[0]["role"],
        "developer"
    );
    assert_eq!(messages(&accent("v-system", ""), developer)[0]["role"], "system");
}

#[test]
fn gen_22_names_are_kept_for_some_roles() {
    let model = accent("v-names", "keeps_names = [\"tool\"]");
    let sent = messages(
        &model,
        json!([
            { "role": "user", "name": "ada", "content": "a" },
            { "role": "tool", "name": "f", "tool_call_id": "c", "content": "b" },
        ]),
    );
    assert_eq!((sent[0].get("name"), &sent[1]["name"]), (None, &json!("f")));
}

#[test]
fn mis_04_empty_messages_are_left_out() {
    let model = accent("v-empty", "drops_empty = true");
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let sent = messages(
        &model,
        json!([
            { "role": "user", "content": "a" },
            { "role": "assistant", "content": "" },
            { "role": "assistant", "content": null, "tool_calls": [call] },
            { "role": "tool", "tool_call_id": "c", "content": "" },
        ]),
    );
    let roles: Vec<&str> =
        sent.as_array().unwrap().iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool"]);
}

#[test]
fn mis_06_files_are_bare_ids() {
    let model = accent("v-files", "bare_file_ids = true");
    let file = json!([{ "role": "user", "content": [{ "type": "file", "file": { "file_id": "f1" } }] }]);
    assert_eq!(messages(&model, file)[0]["content"], json!([{ "type": "file", "file_id": "f1" }]));
}

#[test]
fn systems_are_joined() {
    let model = accent("v-systems", "joins_systems = true");
    let sent = messages(
        &model,
        json!([
            { "role": "system", "content": "a" },
            { "role": "system", "content": "b" },
            { "role": "user", "content": "c" },
            { "role": "system", "content": "d" },
        ]),
    );
    let known = json!([
        { "role": "system", "content": "a\n\nb" },
        { "role": "user", "content": "c" },
        { "role": "system", "content": "d" },
    ]);
    assert_eq!(sent, known);
}

#[test]
fn calls_are_split() {
    let model = accent("v-split", "splits_calls = true");
    let call =
        |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let result = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": id });
    let sent = messages(
        &model,
        json!([
            { "role": "assistant", "content": "look", "tool_calls": [call("a"), call("b")] },
            result("b"), result("a"),
            { "role": "user", "content": "so" },
        ]),
    );
    let known = json!([
        { "role": "assistant", "content": "look", "tool_calls": [call("a")] },
        result("a"),
        { "role": "assistant", "tool_calls": [call("b")] },
        result("b"),
        { "role": "user", "content": "so" },
    ]);
    assert_eq!(sent, known);
}

fn reasoned() -> Value {
    json!([
        { "role": "user", "content": "a" },
        { "role": "assistant", "content": "b", "reasoning_content": "r" },
        { "role": "user", "content": "c" },
    ])
}

#[test]
fn past_reasoning_may_be_dropped() {
    let model = accent("v-past", "past_reasoning = \"drop\"");
    assert_eq!(messages(&model, reasoned())[1], json!({ "role": "assistant", "content": "b" }));
}

#[test]
fn mis_09_past_reasoning_may_be_chunks_for_models_that_reason() {
    let chunks = json!([
        { "type": "thinking", "thinking": [{ "type": "text", "text": "r" }], "closed": true },
        { "type": "text", "text": "b" },
    ]);
    assert_eq!(messages("mistral/mistral-small-latest", reasoned())[1]["content"], chunks);
    let plain = json!({ "role": "assistant", "content": "b" });
    assert_eq!(messages("mistral/unheard-of", reasoned())[1], plain);
}

#[test]
fn rsn_02_past_reasoning_may_be_required() {
    let model =
        accent("v-required", "allow = [\"thinking\"]\nreasoning = \"switch\"\npast_reasoning = \"required\"");
    let call = json!({ "id": "c", "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let history = |message: Value| json!([{ "role": "user", "content": "a" }, message, { "role": "tool", "tool_call_id": "c", "content": "x" }]);
    let bare = history(json!({ "role": "assistant", "content": null, "tool_calls": [call] }));
    let kept = history(json!({
        "role": "assistant", "content": null, "tool_calls": [call], "provider_specific_fields": { "reasoning_content": "r" },
    }));
    let sent = |messages: &Value, kind: &str| {
        let body = param(&model, json!({ "messages": messages, "thinking": { "type": kind } }));
        body["messages"][1].get("reasoning_content").cloned()
    };
    assert_eq!(sent(&bare, "enabled"), Some(json!(" ")));
    assert_eq!(sent(&kept, "enabled"), Some(json!("r")));
    assert_eq!(sent(&reasoned(), "disabled"), None);
}

#[test]
fn mis_02_ids_of_tool_calls_are_repaired_alike() {
    let model = accent("v-ids", "tool_id_length = 9");
    let conversation = |id: &str| {
        let call = json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
        json!([
            { "role": "assistant", "content": null, "tool_calls": [call] },
            { "role": "tool", "tool_call_id": id, "content": "x" },
        ])
    };
    let ids = |id: &str, repair: bool| {
        let body = param(&model, json!({ "messages": conversation(id), "modify_params": repair }));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&body["messages"][0]["tool_calls"][0]["id"]), text(&body["messages"][1]["tool_call_id"]))
    };
    let (call, result) = ids("call_0123456789abcdef", true);
    assert_eq!(call, result);
    assert!(call.len() == 9 && call.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(ids("D681PevKs", true).0, "D681PevKs", "one that fits stays");
    assert_eq!(ids("call_1", false).0, "call_1", "nothing is repaired unasked (GEN-14)");
}
