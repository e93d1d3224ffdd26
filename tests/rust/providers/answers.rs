//! What is read out of answers, and how they name their model: as known of each provider and by each verb.

use serde_json::json;

use crate::facts::{self, compare};
use crate::support::{accent, answer, reply};

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
    compare(&found, &[]);
}

#[test]
fn models_are_named_three_ways() {
    let named = |name: &str, verb: &str| {
        answer(&accent(name, verb), json!({}), &reply(json!({ "role": "assistant", "content": "x" })))
            .unwrap()
            .model
    };
    assert_eq!(named("v-prefixed", ""), "v-prefixed/m");
    let reply_model = json!({ "id": "x", "model": "other", "choices": [] });
    let other = |name: &str, verb: &str| answer(&accent(name, verb), json!({}), &reply_model).unwrap().model;
    assert_eq!(other("v-reply", "model = \"reply\""), "other");
    assert_eq!(other("v-requested", "model = \"requested\""), "v-requested/m");
}

#[test]
fn rsn_10_think_tags_may_stay() {
    let tagged = reply(json!({ "role": "assistant", "content": "<think>a</think>b" }));
    let content = |model: &str| answer(model, json!({}), &tagged).unwrap().choices[0].message.content.clone();
    assert_eq!(content(&accent("v-tags", "keeps_think_tags = true")).as_deref(), Some("<think>a</think>b"));
    assert_eq!(content(&accent("v-no-tags", "")).as_deref(), Some("b"));
}

#[test]
fn rsn_05_a_reasoning_field_has_both_names() {
    let model = accent("v-field", "keeps_reasoning_field = true");
    let got =
        answer(&model, json!({}), &reply(json!({ "role": "assistant", "content": "x", "reasoning": "r" })))
            .unwrap();
    let message = &got.choices[0].message;
    assert_eq!(message.reasoning_content.as_deref(), Some("r"));
    assert_eq!(message.extra["reasoning"], "r");
    assert!(!message.provider_fields.contains_key("reasoning"));
}

#[test]
fn unknown_service_tiers_are_auto() {
    let model = accent("v-tiers", r#"known_service_tiers = ["auto", "flex"]"#);
    let tier = |tier: &str| {
        let mut whole = reply(json!({ "role": "assistant", "content": "x" }));
        whole["service_tier"] = json!(tier);
        answer(&model, json!({}), &whole).unwrap().extra["service_tier"].clone()
    };
    assert_eq!((tier("on_demand"), tier("flex")), (json!("auto"), json!("flex")));
}

#[test]
fn mis_07_content_lists_are_text_and_thinking() {
    let content = json!([
        { "type": "thinking", "thinking": [{ "type": "text", "text": "a" }] },
        { "type": "reasoning", "summary": [{ "type": "summary_text", "text": "b", "signature": "s" }] },
        { "type": "text", "text": "c" },
    ]);
    let got =
        answer(&accent("v-lists", ""), json!({}), &reply(json!({ "role": "assistant", "content": content })))
            .unwrap();
    let message = &got.choices[0].message;
    assert_eq!((message.content.as_deref(), message.reasoning_content.as_deref()), (Some("c"), Some("ab")));
    assert_eq!(message.thinking_blocks, [json!({ "type": "thinking", "thinking": "b", "signature": "s" })]);
}
