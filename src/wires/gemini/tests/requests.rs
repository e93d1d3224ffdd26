//! What is sent: the rules on conversations, and the body as a whole.

use serde_json::{Value, json};

use super::super::Gemini;
use super::{request, target};
use crate::error::{Error, Kind};
use crate::hub::Target;
use crate::wires::Wire;

const OLD: &str = "gemini-2.5-flash";
const NEW: &str = "gemini-3.5-flash";
const SKIP: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

fn encode(target: &Target, asked: Value) -> Result<Value, Error> {
    let prepared = Gemini.encode(&request(asked), target)?;
    Ok(serde_json::from_slice(&prepared.call.body).unwrap())
}

fn body(model: &str, asked: Value) -> Value {
    encode(&target(model), asked).unwrap()
}

fn contents(model: &str, messages: Value) -> Value {
    body(model, json!({"messages": messages}))["contents"].clone()
}

fn refused(model: &str, messages: Value) -> Error {
    encode(&target(model), json!({"messages": messages})).unwrap_err()
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn call(id: &str, name: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{\"a\":1}"}})
}

fn calling(calls: Value) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": calls})
}

fn result(id: &str, content: Value) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content})
}

#[test]
fn gem_01_roles_and_where_results_go() {
    let turns = contents(
        OLD,
        json!([
            user("u"),
            calling(json!([call("1", "f"), call("2", "g")])),
            result("1", json!("r")),
            result("2", json!("s")),
            user("So?")
        ]),
    );
    let respond = |name: &str, content: &str| json!({"functionResponse": {"name": name, "response": {"content": content}}});
    assert_eq!(
        turns,
        json!([
            {"role": "user", "parts": [{"text": "u"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}},
                {"functionCall": {"name": "g", "args": {"a": 1}}}]},
            {"role": "user", "parts": [respond("f", "r"), respond("g", "s")]},
            {"role": "user", "parts": [{"text": "So?"}]}
        ])
    );
    assert_eq!(refused(OLD, json!([{"role": "wizard", "content": "s"}])).kind(), Kind::BadRequest);
}

#[test]
fn gem_02_system_messages_go_apart_where_the_model_has_a_place() {
    let messages = json!([{"role": "system", "content": "a"}, user("u"), {"role": "assistant", "content": "m"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}]}, user("v")]);
    let apart = body(OLD, json!({"messages": messages}));
    assert_eq!(apart["systemInstruction"], json!({"parts": [{"text": "a"}, {"text": "b"}]}));
    assert_eq!(apart["contents"].as_array().unwrap().len(), 3);
    let inside = body("gemma-3-27b-it", json!({"messages": messages}));
    assert!(inside.get("systemInstruction").is_none());
    assert_eq!(inside["contents"][0]["parts"], json!([{"text": "a"}, {"text": "u"}]));
    assert_eq!(inside["contents"][2]["parts"], json!([{"text": "b"}, {"text": "v"}]));
    let alone = contents(OLD, json!([{"role": "system", "content": "a"}]));
    assert_eq!(alone, json!([{"role": "user", "parts": [{"text": "."}]}]));
}

#[test]
fn gem_03_blank_and_media_only_turns() {
    let image = json!({"type": "image_url", "image_url": "data:image/png;base64,AAAA"});
    let part = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    for (content, parts) in [
        (json!([{"type": "text", "text": ""}, {"type": "text", "text": "x"}]), json!([{"text": "x"}])),
        (json!([image]), json!([part, {"text": " "}])),
        (json!([]), json!([{"text": " "}])),
        (json!(null), json!([{"text": " "}])),
    ] {
        let turns = contents(OLD, json!([{"role": "user", "content": content}]));
        assert_eq!(turns, json!([{"role": "user", "parts": parts}]));
    }
}

#[test]
fn gem_04_the_name_of_a_result_is_that_of_its_call() {
    let name = |messages: Value| {
        let turns = contents(NEW, messages);
        turns.as_array().unwrap().last().unwrap()["parts"][0]["functionResponse"]["name"].clone()
    };
    let called = calling(json!([call("1", "f")]));
    let said = json!({"role": "assistant", "content": "hm"});
    assert_eq!(name(json!([user("u"), called, said, result("1", json!("r"))])), "f");
    let mut named = result("9", json!("r"));
    named["name"] = json!("other");
    assert_eq!(name(json!([user("u"), called, named])), "other");
    // Calls of two assistant messages in a row, answered together.
    let both = json!([user("u"), called, calling(json!([call("2", "g")])), result("1", json!("r"))]);
    assert_eq!(name(both), "f");
    let error = refused(OLD, json!([user("u"), called, result("9", json!("r"))]));
    assert_eq!(error.facts().param.as_deref(), Some("messages[2].tool_call_id"));
    assert!(error.message().contains("'9'"), "{error}");
}

#[test]
fn gem_05_shapes_of_results() {
    for (content, response) in [
        (json!("{\"a\": 1}"), json!({"a": 1})),
        (json!("  {\"a\": {\"b\": []}} "), json!({"a": {"b": []}})),
        (json!("[1,2]"), json!({"content": "[1,2]"})),
        (json!("42"), json!({"content": "42"})),
        (json!("plain"), json!({"content": "plain"})),
        (json!("{\"a\": 1"), json!({"content": "{\"a\": 1"})),
        (json!("{\"a\": {\"$ref\": \"x\"}}"), json!({"content": "{\"a\": {\"$ref\": \"x\"}}"})),
        (json!("{\"a\": \"$ref\"}"), json!({"a": "$ref"})),
        (json!(null), json!({"content": ""})),
        (json!([{"type": "text", "text": "{\"a\""}, {"type": "text", "text": ": 1}"}]), json!({"a": 1})),
    ] {
        let turns = contents(OLD, json!([user("u"), calling(json!([call("1", "f")])), result("1", content)]));
        assert_eq!(turns[2]["parts"][0]["functionResponse"]["response"], response);
    }
}

#[test]
fn gem_05_media_in_results() {
    let content = json!([{"type": "text", "text": "x"}, {"type": "image_url", "image_url":
        {"url": "data:image/png;base64,AAAA"}}]);
    let messages = json!([user("u"), calling(json!([call("1", "f")])), result("1", content)]);
    let part = json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}});
    let old = contents(OLD, messages.clone());
    assert_eq!(old[2]["parts"][1], part);
    let new = contents(NEW, messages);
    assert_eq!(new[2]["parts"][0]["functionResponse"]["parts"], json!([part]));
}

#[test]
fn gem_06_ids_from_gemini_3_on() {
    let messages = json!([user("u"), calling(json!([call("c1", "f")])), result("c1", json!("r"))]);
    let new = contents(NEW, messages.clone());
    assert_eq!(new[1]["parts"][0]["functionCall"]["id"], "c1");
    assert_eq!(new[2]["parts"][0]["functionResponse"]["id"], "c1");
    let old = contents(OLD, messages);
    assert!(old[1]["parts"][0]["functionCall"].get("id").is_none());
    assert!(old[2]["parts"][0]["functionResponse"].get("id").is_none());
}

#[test]
fn gem_07_a_signature_behind_an_id_is_split_off() {
    for result_id in ["c1__thought__SIG", "c1"] {
        let messages = json!([
            user("u"),
            calling(json!([call("c1__thought__SIG", "f")])),
            result(result_id, json!("r"))
        ]);
        let turns = contents(NEW, messages);
        assert_eq!(turns[1]["parts"][0]["thoughtSignature"], "SIG");
        assert_eq!(turns[1]["parts"][0]["functionCall"]["id"], "c1");
        assert_eq!(turns[2]["parts"][0]["functionResponse"]["id"], "c1");
        assert_eq!(turns[2]["parts"][0]["functionResponse"]["name"], "f");
    }
}

#[test]
fn gem_08_signatures_are_not_copied_to_siblings() {
    let mut first = call("1", "f");
    first["provider_specific_fields"] = json!({"thought_signature": "SIG"});
    let turns = contents(NEW, json!([user("u"), calling(json!([first, call("2", "g")]))]));
    assert_eq!(turns[1]["parts"][0]["thoughtSignature"], "SIG");
    assert!(turns[1]["parts"][1].get("thoughtSignature").is_none());
}

#[test]
fn gem_09_lost_signatures_are_said_to_be_lost() {
    let messages = json!([user("u"), calling(json!([call("1", "f"), call("2", "g")]))]);
    let new = contents(NEW, messages.clone());
    assert_eq!(new[1]["parts"][0]["thoughtSignature"], SKIP);
    assert!(new[1]["parts"][1].get("thoughtSignature").is_none());
    assert!(contents(OLD, messages)[1]["parts"][0].get("thoughtSignature").is_none());
}

#[test]
fn gem_10_a_signature_of_a_call_is_not_repeated_on_the_text() {
    let mut signed = call("1", "f");
    signed["provider_specific_fields"] = json!({"thought_signature": "CALL"});
    let message = |signatures: Value| {
        json!({"role": "assistant", "content": "x", "tool_calls": [signed],
            "provider_specific_fields": {"thought_signatures": signatures}})
    };
    let turns = contents(NEW, json!([user("u"), message(json!(["CALL"]))]));
    assert!(turns[1]["parts"][0].get("thoughtSignature").is_none());
    let turns = contents(NEW, json!([user("u"), message(json!(["TEXT", "CALL"]))]));
    assert_eq!(turns[1]["parts"][0]["thoughtSignature"], "TEXT");
    assert_eq!(turns[1]["parts"][1]["thoughtSignature"], "CALL");
}

#[test]
fn gem_11_signatures_go_back_on_the_part_they_came_with() {
    let message = json!({"role": "assistant", "content": "a", "reasoning_content": "th",
        "thinking_blocks": [{"type": "thinking", "thinking": "th", "signature": "S0"}],
        "provider_specific_fields": {"thought_signatures": ["S0", "S1"]}});
    let turns = contents(NEW, json!([user("u"), message]));
    assert_eq!(
        turns[1]["parts"],
        json!([{"thought": true, "text": "th", "thoughtSignature": "S0"}, {"text": "a", "thoughtSignature": "S1"}])
    );
    // Another provider's signature would be refused.
    let foreign = json!({"role": "assistant", "content": "a", "reasoning_content": "th",
        "thinking_blocks": [{"type": "thinking", "thinking": "th", "signature": "foreign"}]});
    let turns = contents(NEW, json!([user("u"), foreign]));
    assert_eq!(turns[1]["parts"], json!([{"thought": true, "text": "th"}, {"text": "a"}]));
}

#[test]
fn gem_14_calls_that_ran_at_the_provider_go_back() {
    let message = json!({"role": "assistant", "content": "x", "provider_specific_fields": {
        "thought_signatures": ["S"], "server_side_tool_invocations": [
            {"tool_type": "GOOGLE_SEARCH_WEB", "id": "a", "args": {"q": 1}, "thought_signature": "S", "response": {"r": 1}}]}});
    let turns = contents(NEW, json!([user("u"), message]));
    assert_eq!(
        turns[1]["parts"],
        json!([{"text": "x"},
            {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "a", "args": {"q": 1}}, "thoughtSignature": "S"},
            {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "id": "a", "response": {"r": 1}}}])
    );
}

#[test]
fn gen_12_turns_of_one_speaker_are_merged() {
    let said = |text: &str| json!({"role": "assistant", "content": text});
    let turns = contents(OLD, json!([user("a"), user("b"), said("c"), said("d"), user("e")]));
    assert_eq!(
        turns,
        json!([{"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}, {"text": "d"}]},
            {"role": "user", "parts": [{"text": "e"}]}])
    );
}

#[test]
fn gen_16_arguments_are_an_object() {
    for (arguments, args) in
        [(json!(""), json!({})), (json!("null"), json!({})), (json!({"x": 1}), json!({"x": 1}))]
    {
        let mut call = call("1", "f");
        call["function"]["arguments"] = arguments;
        let turns = contents(OLD, json!([user("u"), calling(json!([call]))]));
        assert_eq!(turns[1]["parts"][0]["functionCall"]["args"], args);
    }
}

#[test]
fn gen_17_arguments_that_are_none_are_refused() {
    for arguments in ["{bad", "[1]", "7"] {
        let mut call = call("1", "f");
        call["function"]["arguments"] = json!(arguments);
        let error = refused(OLD, json!([user("u"), calling(json!([call]))]));
        assert_eq!(error.facts().param.as_deref(), Some("messages[1].tool_calls[0].function.arguments"));
        assert!(error.message().contains("'f'"), "{error}");
    }
}

#[test]
fn gen_06_extra_body_comes_last() {
    let asked = json!({"temperature": 0.5, "tools": [{"googleSearch": {}}], "extra_body": {
        "generation_config": {"topK": 3}, "foo": 1, "tools": [], "cache": {"no-cache": true}, "tags": ["x"],
        "systemInstruction": {"parts": []}}});
    let sent = body(OLD, asked);
    assert_eq!(sent["generationConfig"], json!({"temperature": 0.5, "topK": 3}));
    assert_eq!(sent["foo"], 1);
    assert_eq!(sent["tools"], json!([]));
    assert_eq!(sent["systemInstruction"], json!({"parts": []}));
    assert!(sent.get("cache").is_none() && sent.get("tags").is_none());
    let replaced = body(OLD, json!({"extra_body": {"contents": [7]}}));
    assert_eq!(replaced["contents"], json!([7]));
}

#[test]
fn gen_26_only_what_must_be_inline_is_fetched() {
    let part = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let asked = request(
        json!({"messages": [{"role": "user", "content": [part("https://a/x.png"), part("https://a/x.png"),
        part("gs://b/y.png"), part("https://youtu.be/z"), part("data:image/png;base64,AAAA"),
        part("https://generativelanguage.googleapis.com/v1beta/files/f"),
        {"type": "file", "file": {"file_id": "http://c/d.pdf"}}]}]}),
    );
    assert_eq!(Gemini.remote_media(&asked, &target(OLD)), ["https://a/x.png", "http://c/d.pdf"]);
    let error = Gemini.encode(&asked, &target(OLD)).unwrap_err();
    assert_eq!(error.kind(), Kind::ImageFetch);
}

#[test]
fn gen_29_without_a_field_for_a_schema_it_is_said() {
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}});
    let said = |messages: Value| {
        let sent = body("my-model", json!({"messages": messages, "response_format": format}));
        assert_eq!(sent["generationConfig"], json!({"responseMimeType": "application/json"}));
        sent["contents"].as_array().unwrap().last().unwrap()["parts"].clone()
    };
    assert_eq!(said(json!([user("u")])).as_array().unwrap().len(), 2);
    let after_result = said(json!([user("u"), calling(json!([call("1", "f")])), result("1", json!("r"))]));
    assert_eq!(after_result.as_array().unwrap().len(), 1);
}

#[test]
fn gem_22_older_models_take_one_resolution() {
    let part = |detail: &str| json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": detail}});
    let messages =
        json!([{"role": "user", "content": [{"type": "text", "text": "t"}, part("low"), part("high")]}]);
    let old = body(OLD, json!({"messages": messages}));
    assert_eq!(old["generationConfig"], json!({"mediaResolution": "MEDIA_RESOLUTION_HIGH"}));
    let new = body(NEW, json!({"messages": messages}));
    assert!(new.get("generationConfig").is_none());
    assert_eq!(new["contents"][0]["parts"][1]["mediaResolution"], json!({"level": "MEDIA_RESOLUTION_LOW"}));
}

#[test]
fn unknown_parts_are_refused_and_videos_taken() {
    let video = json!({"role": "user", "content": [{"type": "text", "text": "t"},
        {"type": "video_url", "video_url": {"url": "gs://b/x.mp4"}}]});
    assert_eq!(
        contents(OLD, json!([video]))[0]["parts"][1],
        json!({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/x.mp4"}})
    );
    let error = refused(OLD, json!([{"role": "user", "content": [{"type": "zq"}]}]));
    assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[0]"));
}

#[test]
fn addresses_of_models() {
    for (model, stream, url) in [
        (OLD, false, "https://example.com/v1beta/models/gemini-2.5-flash:generateContent"),
        (OLD, true, "https://example.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("models/x", false, "https://example.com/v1beta/models/x:generateContent"),
        ("tunedModels/x", false, "https://example.com/v1alpha/models/tunedModels/x:generateContent"),
        ("a b?x#ü", false, "https://example.com/v1beta/models/a%20b%3Fx%23%C3%BC:generateContent"),
    ] {
        let asked = request(json!({"stream": stream}));
        assert_eq!(Gemini.encode(&asked, &target(model)).unwrap().call.url, url);
    }
}

#[test]
fn gen_01_parameters_that_are_allowed_all_the_same_keep_their_meaning() {
    let mut asked = request(json!({"logprobs": true}));
    asked.extra = super::map(json!({"top_logprobs": 3, "reasoning_effort": "low"}));
    let prepared = Gemini.encode(&asked, &target("gemini-2.0-flash")).unwrap();
    let sent: Value = serde_json::from_slice(&prepared.call.body).unwrap();
    assert_eq!(
        sent["generationConfig"],
        json!({"responseLogprobs": true, "logprobs": 3,
            "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": true}})
    );
}
