//! OAR: a conversation asked of OpenAI's Responses, as Messages for its models are.

use ferrolite::engine::Call;
use ferrolite::error::{Error, Kind};
use ferrolite::hub::{CallType, Collector, Deltas};
use ferrolite::wires::framing::Frames;
use ferrolite::wires::{HttpReply, Memo};
use serde_json::{Value, json};

use super::dialects::Face;
use super::support;

const MESSAGES: Face = Face { call_type: CallType::Messages, basis: "messages" };
const MODEL: &str = "openai/gpt-5";

fn sent(more: Value) -> Value {
    MESSAGES.sent(MODEL, with_limit(more))
}

fn with_limit(mut more: Value) -> Value {
    more["max_tokens"] = 100.into();
    more
}

fn call() -> Call {
    MESSAGES.call(MODEL, with_limit(json!({}))).unwrap()
}

fn answer(output: Value, status: &str, details: Value) -> Value {
    json!({ "id": "resp_1", "object": "response", "created_at": 7, "status": status, "model": "gpt-5-2025",
            "incomplete_details": details, "output": output,
            "usage": { "input_tokens": 11, "input_tokens_details": { "cached_tokens": 3 },
                       "output_tokens": 5, "output_tokens_details": { "reasoning_tokens": 2 }, "total_tokens": 16 } })
}

fn message(output: Value, status: &str, details: Value) -> Value {
    MESSAGES.encoded(call().target(), with_limit(json!({})), answer(output, status, details))
}

fn said(text: &str) -> Value {
    json!({ "type": "message", "id": "m", "role": "assistant",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }] })
}

/// Events as the answer that they make.
fn collected(events: &[Value]) -> Result<ferrolite::hub::ChatResponse, Error> {
    let call = call();
    let target = call.target();
    let wire = target.wire.chat().unwrap();
    let (mut decoder, mut frames) = (wire.decoder(Memo::default(), target), Frames::new(wire.framing()));
    let mut deltas = Deltas::default();
    let body = events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat();
    frames.push(body.into(), &mut |frame| decoder.frame(frame, &mut deltas).map(|_| true))?;
    decoder.end(&mut deltas)?;
    let mut collector = Collector::default();
    for delta in deltas.0 {
        collector.add(delta);
    }
    Ok(collector.finish())
}

fn event(kind: &str, place: u64, more: Value) -> Value {
    let mut event = json!({ "type": format!("response.{kind}"), "output_index": place });
    if let (Value::Object(event), Value::Object(more)) = (&mut event, more) {
        event.extend(more);
    }
    event
}

#[test]
fn oar_01_leading_system_texts_are_instructions() {
    let body = sent(json!({ "system": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }],
        "messages": [{ "role": "system", "content": "c" }, { "role": "user", "content": "q" }] }));
    assert_eq!(body["instructions"], "ab c");
    assert_eq!(
        body["input"],
        json!([{ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "q" }] }])
    );
}

#[test]
fn oar_03_reasoning_comes_first_then_text_then_calls() {
    let signature = "litellm_encrypted_reasoning:ENC";
    let body = sent(json!({ "messages": [
        { "role": "user", "content": "q" },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "hm", "signature": signature },
            { "type": "thinking", "thinking": "of Claude", "signature": "SIG" },
            { "type": "text", "text": "a" },
            { "type": "tool_use", "id": "c1", "name": "f", "input": { "a": 1 } }] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "c1", "content": "r" },
            { "type": "image", "source": { "type": "url", "url": "https://h/i.png" } },
            { "type": "document", "title": "a.pdf",
              "source": { "type": "base64", "media_type": "application/pdf", "data": "AA==" } }] },
    ] }));
    assert_eq!(
        body["input"].as_array().unwrap()[1..],
        [
            json!({ "type": "reasoning", "summary": [{ "type": "summary_text", "text": "hm" }],
                    "encrypted_content": "ENC" }),
            json!({ "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "a" }] }),
            json!({ "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\": 1}" }),
            json!({ "type": "function_call_output", "call_id": "c1", "output": "r" }),
            json!({ "type": "message", "role": "user", "content": [
                { "type": "input_image", "image_url": "https://h/i.png", "detail": "auto" },
                { "type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA==" }] }),
        ]
    );
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
}

#[test]
fn oar_06_parameters_are_flat() {
    let body = sent(json!({
        "tools": [{ "name": "f", "input_schema": { "type": "object" } }, { "type": "web_search_20250305", "name": "web_search" }],
        "tool_choice": { "type": "tool", "name": "f" }, "thinking": { "type": "enabled", "budget_tokens": 2048 },
        "output_format": { "type": "json_schema", "schema": { "type": "object" } }, "metadata": { "user_id": "u" },
    }));
    assert_eq!(
        body["tools"],
        json!([{ "type": "function", "name": "f", "parameters": { "type": "object" }, "strict": false },
               { "type": "web_search_preview" }])
    );
    assert_eq!(body["tool_choice"], json!({ "type": "function", "name": "f" }));
    assert_eq!(
        (&body["reasoning"], &body["max_output_tokens"]),
        (&json!({ "effort": "medium" }), &json!(100))
    );
    assert_eq!((&body["text"]["format"]["name"], &body["user"]), (&json!("structured_output"), &json!("u")));
}

#[test]
fn what_responses_cannot_say_goes_to_chat_completions() {
    let url =
        |more: Value| MESSAGES.call("openai/gpt-4o", with_limit(more)).unwrap().prepare().unwrap().call.url;
    assert!(url(json!({})).ends_with("/v1/responses"));
    assert!(url(json!({ "stop_sequences": ["x"] })).ends_with("/v1/chat/completions"));
    assert!(url(json!({ "use_chat_completions_api": true })).ends_with("/v1/chat/completions"));
}

#[test]
fn oar_08_states_are_reasons() {
    let reason =
        |status: &str, details: Value| message(json!([said("a")]), status, details)["stop_reason"].clone();
    assert_eq!(reason("completed", Value::Null), "end_turn");
    assert_eq!(reason("incomplete", json!({ "reason": "max_output_tokens" })), "max_tokens");
    assert_eq!(reason("incomplete", json!({ "reason": "content_filter" })), "refusal");
    let call = call();
    let mut failed = answer(json!([]), "failed", Value::Null);
    failed["error"] = json!({ "code": "server_error", "message": "bad" });
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: failed.to_string().into() };
    let error =
        call.target().wire.chat().unwrap().decode(&reply, &Memo::default(), call.target()).unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::InternalServer, "bad"));
}

#[test]
fn oar_09_calls_are_counted_without_the_items_between() {
    let added = |place, id: &str| {
        event(
            "output_item.added",
            place,
            json!({ "item": { "type": "function_call", "call_id": id, "name": "f" } }),
        )
    };
    let arguments =
        |place, json: &str| event("function_call_arguments.delta", place, json!({ "delta": json }));
    let response = answer(json!([]), "completed", Value::Null);
    let made = collected(&[
        event("created", 0, json!({ "response": { "id": "resp_1", "model": "gpt-5" } })),
        event("output_item.added", 0, json!({ "item": { "type": "reasoning" } })),
        event("reasoning_summary_text.delta", 0, json!({ "delta": "hm" })),
        event(
            "output_item.done",
            0,
            json!({ "item": { "type": "reasoning", "id": "rs", "encrypted_content": "ENC" } }),
        ),
        added(1, "c1"),
        event("output_text.delta", 2, json!({ "delta": "a" })),
        added(3, "c2"),
        arguments(3, "{\"b\":"),
        arguments(1, "{}"),
        arguments(3, "2}"),
        event(
            "output_item.done",
            4,
            json!({ "item": { "type": "function_call", "call_id": "c3", "name": "g",
                                                       "arguments": "{\"c\":3}" } }),
        ),
        event("completed", 0, json!({ "response": response })),
    ])
    .unwrap();
    let said = &made.choices[0].message;
    let calls: Vec<_> = said
        .tool_calls
        .iter()
        .map(|call| (call.id.as_deref().unwrap(), call.function.arguments.as_str()))
        .collect();
    assert_eq!(calls, [("c1", "{}"), ("c2", "{\"b\":2}"), ("c3", "{\"c\":3}")]);
    assert_eq!((said.content.as_deref(), said.reasoning_content.as_deref()), (Some("a"), Some("hm")));
    assert_eq!(
        said.thinking_blocks,
        [json!({ "type": "thinking", "thinking": "hm", "signature": "litellm_encrypted_reasoning:ENC" })]
    );
    let item = json!({ "type": "reasoning", "id": "rs", "encrypted_content": "ENC", "summary": null });
    assert_eq!(said.extra["reasoning_items"], json!([item]), "OAR-11");
}

#[test]
fn oar_11_the_whole_answer_of_a_stream_has_its_reasoning_items() {
    let item = json!({ "type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "ENC" });
    let response = answer(json!([item, said("a")]), "completed", Value::Null);
    let made = collected(&[
        event("output_text.delta", 1, json!({ "delta": "a" })),
        event("completed", 0, json!({ "response": response })),
    ])
    .unwrap();
    assert_eq!(made.choices[0].message.extra["reasoning_items"], json!([item]));
}

#[test]
fn oar_11_reasoning_items_go_back_as_they_came() {
    let summary = json!([{ "type": "summary_text", "text": "a" }, { "type": "summary_text", "text": "b" }]);
    let sealed = json!({ "type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "ENC",
                         "status": "completed" });
    let bare = json!({ "type": "reasoning", "id": "rs_2", "summary": [] });
    let reply = answer(json!([sealed, bare, said("hi")]), "completed", Value::Null);
    let call = call();
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
    let made = call.target().wire.chat().unwrap().decode(&reply, &Memo::default(), call.target()).unwrap();
    let message = &made.choices[0].message;
    let items = message.extra["reasoning_items"].clone();
    let expected =
        json!({ "type": "reasoning", "id": "rs_1", "encrypted_content": "ENC", "summary": summary });
    assert_eq!((items.as_array().unwrap().len(), &items[0]), (2, &expected));

    let turns = json!([{ "role": "user", "content": "q" },
                       { "role": "assistant", "content": "hi", "reasoning_items": items,
                         "thinking_blocks": message.thinking_blocks },
                       { "role": "user", "content": "more" }]);
    let sent = |more: Value| {
        let mut asked = json!({ "model": "openai/responses/gpt-5", "api_key": "k", "messages": turns });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let body = support::sent(asked);
        let input = body["input"].as_array().unwrap().clone();
        input.into_iter().filter(|item| item["type"] == "reasoning").collect::<Vec<_>>()
    };
    let full = json!({ "type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "ENC" });
    let bare = json!({ "type": "reasoning", "id": "rs_2", "summary": [] });
    assert_eq!(sent(json!({})), [full.clone(), bare]);
    assert_eq!(sent(json!({ "store": false })), [full], "an id that nobody keeps says nothing");
}

#[test]
fn oar_11_encrypted_reasoning_is_the_signature_of_a_thought() {
    let reasoning = json!({ "type": "reasoning", "id": "rs", "summary": [{ "type": "summary_text", "text": "hm" }],
                            "encrypted_content": "ENC" });
    let made = message(json!([reasoning, said("a")]), "completed", Value::Null);
    let block =
        json!({ "type": "thinking", "thinking": "hm", "signature": "litellm_encrypted_reasoning:ENC" });
    assert_eq!(made["content"], json!([block, { "type": "text", "text": "a" }]));
    assert_eq!(
        made["usage"],
        json!({ "input_tokens": 8, "output_tokens": 5, "cache_read_input_tokens": 3 }),
        "OAR-13"
    );
    // Claude is not shown what it cannot read (AMI-25).
    let turns = json!([{ "role": "user", "content": "q" }, { "role": "assistant", "content": made["content"] },
                       { "role": "user", "content": "more" }]);
    let more = with_limit(json!({ "messages": turns }));
    let native = MESSAGES.sent("anthropic/claude-sonnet-4-5", more);
    assert_eq!(native["messages"][1]["content"], json!([{ "type": "text", "text": "a" }]));
}

#[test]
fn ami_25_foreign_thinking_is_not_sent_to_claude_over_chat() {
    let turns = json!([
        { "role": "user", "content": "q" },
        { "role": "assistant", "content": [
            { "type": "thinking", "thinking": "x", "signature": "litellm_encrypted_reasoning:ENC" },
            { "type": "thinking", "thinking": "own", "signature": "SIG" },
            { "type": "text", "text": "a" }] },
        { "role": "user", "content": "more" },
    ]);
    let more = with_limit(json!({ "messages": turns, "use_chat_completions_api": true }));
    let body = MESSAGES.sent("anthropic/claude-sonnet-4-5", more);
    let blocks = body["messages"][1]["content"].as_array().unwrap();
    assert_eq!((blocks.len(), &blocks[0]["signature"]), (2, &json!("SIG")));
}

#[test]
fn oar_14_citations_move_with_their_text() {
    let part = |text: &str| {
        json!({ "type": "output_text", "text": text, "annotations": [
            { "type": "url_citation", "url": "https://h", "title": "t", "start_index": 0, "end_index": 2 }] })
    };
    let item = json!({ "type": "message", "content": [part("äö "), part("x")] });
    let reply = answer(json!([item]), "completed", Value::Null);
    let call = call();
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
    let made = call.target().wire.chat().unwrap().decode(&reply, &Memo::default(), call.target()).unwrap();
    let annotations = made.choices[0].message.annotations.clone().unwrap();
    let starts: Vec<_> = (0..2).map(|at| annotations[at]["start_index"].clone()).collect();
    assert_eq!(starts, [json!(0), json!(3)]);
}

#[test]
fn str_14_a_response_that_is_cut_is_an_error() {
    let text = event("output_text.delta", 0, json!({ "delta": "a" }));
    assert_eq!(collected(std::slice::from_ref(&text)).unwrap_err().kind(), Kind::Connection);
    let failed = json!({ "type": "error", "code": "rate_limit_exceeded", "message": "slow" });
    assert_eq!(collected(&[text, failed]).unwrap_err().kind(), Kind::RateLimit);
}
