//! OAR: OpenAI's Responses, asked of a provider that has chat completions, and of one that speaks them itself.

use bytes::Bytes;
use ferrolite::engine::{Call, Keywords, Settings};
use ferrolite::error::{Error, Kind, Result};
use ferrolite::hub::{CallType, Deltas, FinishReason, StreamHead, Target, ThinkingBudgets, Usage};
use ferrolite::wires::framing::Frames;
use ferrolite::wires::openai::{Chunk, ChunkChoice, Chunker, ToolCallChunk};
use ferrolite::wires::responses::{ResponseId, of_provider};
use ferrolite::wires::{self, Destination, Event, HttpReply, Memo};
use serde_json::{Value, json};

use super::support::Variables;

fn keywords(model: &str, more: Value) -> Keywords {
    let mut all = json!({ "model": model, "api_key": "k", "input": "hi" });
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    let Value::Object(all) = all else { panic!("keywords are an object") };
    all
}

fn call_of(call_type: CallType, keywords: Keywords) -> Result<Call> {
    Call::from_keywords(call_type, keywords, Vec::new(), &Settings::default(), &Variables::default())
}

fn call(model: &str, more: Value) -> Result<Call> {
    call_of(CallType::Responses, keywords(model, more))
}

/// The body that would be sent.
fn sent(model: &str, more: Value) -> Value {
    let prepared = call(model, more).and_then(|call| call.prepare()).expect("the request can be sent");
    serde_json::from_slice(&prepared.call.body).expect("the body is JSON")
}

fn refused(model: &str, more: Value) -> Error {
    call(model, more).expect_err("the request is refused")
}

/// A chat completion's answer as a response.
fn answered(more: Value, message: Value, finish: &str) -> Value {
    let call = call("mistral/m", more.clone()).unwrap();
    let chat = call.bridge().unwrap();
    let reply = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m-1",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16,
                   "prompt_tokens_details": { "cached_tokens": 3 },
                   "completion_tokens_details": { "reasoning_tokens": 2 } },
    });
    let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
    let target = chat.target();
    let response = target.wire.chat().unwrap().decode(&reply, &Memo::default(), target).unwrap();
    let asked = asked(more);
    wires::dialect(CallType::Responses).unwrap().encode_response(response, &asked, target).unwrap()
}

fn asked(more: Value) -> Keywords {
    let destination = Destination { model: "m", drop_params: false, budgets: ThinkingBudgets::default() };
    wires::dialect(CallType::Responses)
        .unwrap()
        .decode_request(keywords("m", more), &destination)
        .unwrap()
        .asked
}

fn text(content: &str) -> Chunk {
    of(ChunkChoice { content: Some(content.to_owned()), ..ChunkChoice::default() })
}

fn thought(content: &str) -> Chunk {
    of(ChunkChoice { reasoning_content: Some(content.to_owned()), ..ChunkChoice::default() })
}

fn tool(index: u64, start: Option<(&str, &str)>, arguments: &str) -> Chunk {
    let (id, name) = start.unzip();
    let arguments = arguments.to_owned();
    let call = ToolCallChunk {
        index,
        id: id.map(Into::into),
        name: name.map(Into::into),
        arguments,
        provider_fields: None,
    };
    of(ChunkChoice { tool_calls: vec![call], ..ChunkChoice::default() })
}

fn end(reason: FinishReason) -> Chunk {
    of(ChunkChoice { finish_reason: Some(reason), ..ChunkChoice::default() })
}

fn of(choice: ChunkChoice) -> Chunk {
    Chunk { choices: vec![choice], ..Chunk::default() }
}

fn target() -> Target {
    call("mistral/m", json!({})).unwrap().target().clone()
}

/// Chunks as events, with the usage at their end.
fn streamed(more: Value, chunks: Vec<Chunk>) -> Vec<Value> {
    let mut encoder = wires::dialect(CallType::Responses).unwrap().encoder(asked(more), &target());
    let head =
        StreamHead { id: "chatcmpl-1".into(), created: 7, model: "m".into(), system_fingerprint: None };
    let mut out = Vec::new();
    let usage = Chunk { usage: Some(Usage::new(11, 5)), ..Chunk::default() };
    for chunk in chunks.into_iter().chain([usage]) {
        encoder.chunk(chunk, &head, &mut out);
    }
    encoder.finish(&head, &mut out);
    named(out)
}

/// Every event has its name, and they are numbered.
fn named(events: Vec<Event>) -> Vec<Value> {
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event.data["sequence_number"], number, "{}", event.data);
        assert_eq!(event.name.as_deref(), event.data["type"].as_str());
    }
    events.into_iter().map(|event| event.data).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().trim_start_matches("response.")).collect()
}

/// What a provider's own stream of events becomes.
fn passed_through(events: &[Value]) -> (Vec<Event>, Result<()>) {
    let call = call("openai/gpt-4o", json!({ "stream": true })).unwrap();
    let target = call.target();
    let wire = target.wire.events(CallType::Responses).unwrap();
    let (mut reader, mut frames) = (wire.reader(&Memo::default(), target), Frames::new(wire.framing()));
    let mut out = Vec::new();
    let body: Vec<_> =
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"])).collect();
    let ended = frames
        .push(Bytes::from(body.concat()), &mut |frame| reader.frame(frame, &mut out).map(|_| true))
        .and_then(|_| reader.end());
    (out, ended)
}

#[test]
fn oar_02_tool_calls_and_their_results_pair_by_call_id() {
    let body = sent(
        "mistral/m",
        json!({ "input": [
            { "role": "user", "content": "q" },
            { "type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}" },
            { "type": "custom_tool_call", "call_id": "c2", "name": "shell", "input": "ls" },
            { "type": "function_call_output", "call_id": "c1", "output": "r1" },
            { "type": "custom_tool_call_output", "call_id": "c2", "output": { "n": 1 } },
        ] }),
    );
    let messages = &body["messages"];
    assert_eq!(messages[1]["tool_calls"][0]["id"], "c1");
    assert_eq!(messages[1]["tool_calls"][1]["function"]["arguments"], "{\"content\": \"ls\"}");
    assert_eq!((&messages[2]["tool_call_id"], &messages[2]["content"]), (&json!("c1"), &json!("r1")));
    assert_eq!((&messages[3]["tool_call_id"], &messages[3]["content"]), (&json!("c2"), &json!("{\"n\": 1}")));
}

#[test]
fn oar_03_the_items_of_one_turn_are_one_message() {
    let body = sent(
        "deepseek/deepseek-reasoner",
        json!({ "input": [
            { "role": "user", "content": "q" },
            { "type": "reasoning", "id": "rs", "summary": [{ "type": "summary_text", "text": "hm" }] },
            { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "a" }] },
            { "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "c1", "output": "r" },
            { "role": "assistant", "content": "one" },
            { "role": "assistant", "content": "two" },
        ] }),
    );
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "assistant", "assistant"]);
    assert_eq!(messages[1]["reasoning_content"], "hm");
    assert_eq!(messages[1]["tool_calls"][0]["id"], "c1");
}

#[test]
fn oar_04_content_parts_have_their_counterparts() {
    let part = |part: Value| {
        let body = sent(
            "openai/gpt-4o",
            json!({
                "use_chat_completions_api": true, "input": [{ "role": "user", "content": [part] }],
            }),
        );
        body["messages"][0]["content"][0].clone()
    };
    assert_eq!(part(json!({ "type": "input_text", "text": "t" })), json!({ "type": "text", "text": "t" }));
    assert_eq!(
        part(json!({ "type": "input_image", "image_url": "https://h/i.png", "detail": "low" })),
        json!({ "type": "image_url", "image_url": { "url": "https://h/i.png", "detail": "low" } })
    );
    assert_eq!(
        part(
            json!({ "type": "input_file", "file_data": "data:application/pdf;base64,AA", "filename": "a.pdf" })
        ),
        json!({ "type": "file", "file": { "file_data": "data:application/pdf;base64,AA", "filename": "a.pdf" } })
    );
    let error = refused(
        "mistral/m",
        json!({ "input": [{ "role": "user", "content": [{ "type": "input_image" }] }] }),
    );
    assert_eq!(error.facts().param.as_deref(), Some("input[0].content[0]"));
}

#[test]
fn oar_04_media_of_tool_results_come_after_all_results() {
    let body = sent(
        "mistral/m",
        json!({ "input": [
            { "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}" },
            { "type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}" },
            { "type": "function_call_output", "call_id": "c1", "output": [
                { "type": "input_text", "text": "t" },
                { "type": "input_image", "image_url": "data:image/png;base64,AA" },
            ] },
            { "type": "function_call_output", "call_id": "c2", "output": null },
        ] }),
    );
    let messages = body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["assistant", "tool", "tool", "user"]);
    assert_eq!(messages[2]["content"], "");
    assert_eq!(messages[3]["content"][1]["type"], "image_url");
}

#[test]
fn oar_05_text_format_becomes_response_format() {
    let schema = json!({ "type": "object", "properties": {} });
    let body = sent(
        "mistral/m",
        json!({ "text": { "format": { "type": "json_schema", "name": "n", "schema": schema, "strict": true } } }),
    );
    assert_eq!(
        body["response_format"],
        json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": schema, "strict": true } })
    );
    let plain = sent("mistral/m", json!({ "text": { "format": { "type": "text" } } }));
    assert!(plain.get("response_format").is_none());
}

#[test]
fn oar_06_tools_and_choices_are_nested() {
    let tools = json!([
        { "type": "function", "name": "f", "parameters": { "properties": {} }, "strict": true },
        { "type": "custom", "name": "c", "description": "d" },
    ]);
    let with = |choice: Value| {
        sent(
            "openai/gpt-4o",
            json!({ "use_chat_completions_api": true, "tools": tools, "tool_choice": choice }),
        )
    };
    let body = with(json!({ "type": "function", "name": "f" }));
    assert_eq!(
        body["tools"][0]["function"],
        json!({ "name": "f", "description": "", "parameters": { "type": "object", "properties": {} }, "strict": true })
    );
    assert_eq!(body["tools"][1]["function"]["parameters"]["required"], json!(["content"]));
    assert_eq!(body["tool_choice"], json!({ "type": "function", "function": { "name": "f" } }));
    assert_eq!(with(json!("required"))["tool_choice"], "required");
    let allowed = json!({ "type": "allowed_tools", "mode": "required", "tools": [{ "type": "function", "name": "f" }] });
    let body = with(allowed);
    assert_eq!((&body["tool_choice"], body["tools"].as_array().unwrap().len()), (&json!("required"), 1));
}

#[test]
fn oar_07_the_effort_is_taken_out_of_reasoning() {
    let body = sent(
        "openai/gpt-5",
        json!({ "use_chat_completions_api": true, "reasoning": { "effort": "low", "summary": "auto" } }),
    );
    assert_eq!(body["reasoning_effort"], "low");
    assert!(body.get("reasoning").is_none());
}

#[test]
fn oar_08_finish_reasons_are_states() {
    let response = |finish| answered(json!({}), json!({ "role": "assistant", "content": "x" }), finish);
    assert_eq!(response("stop")["status"], "completed");
    let cut = response("length");
    assert_eq!((&cut["status"], &cut["output"][0]["status"]), (&json!("incomplete"), &json!("incomplete")));
    assert_eq!(cut["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(response("content_filter")["incomplete_details"]["reason"], "content_filter");
    let events = streamed(json!({}), vec![text("x"), end(FinishReason::Length)]);
    assert_eq!(kinds(&events).last(), Some(&"incomplete"));
}

#[test]
fn oar_10_a_call_is_known_by_its_call_id() {
    let call = json!([{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } }]);
    let message = json!({ "role": "assistant", "content": null, "tool_calls": call });
    let response = answered(json!({}), message, "tool_calls");
    assert_eq!(
        response["output"],
        json!([{ "type": "function_call", "id": "fc_c1", "call_id": "c1", "name": "f", "arguments": "{}",
                 "status": "completed" }])
    );
}

#[test]
fn oar_11_signed_thinking_goes_out_and_comes_back() {
    let blocks = r#"[{"type":"thinking","thinking":"hm","signature":"s"}]"#;
    let body = sent(
        "anthropic/claude-sonnet-4-5",
        json!({ "reasoning": { "effort": "low" }, "input": [
            { "role": "user", "content": "q" },
            { "type": "reasoning", "id": "rs", "content": [{ "type": "output_text", "text": "hm" }],
              "encrypted_content": blocks },
            { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "a" }] },
            { "role": "user", "content": "n" },
        ] }),
    );
    assert_eq!(
        body["messages"][1]["content"][0],
        json!({ "type": "thinking", "thinking": "hm", "signature": "s" })
    );
    let piece = |key: &str, text: &str| {
        of(ChunkChoice {
            thinking_blocks: vec![json!({ "type": "thinking", key: text })],
            ..ChunkChoice::default()
        })
    };
    let mut first = thought("hm");
    first.choices[0].thinking_blocks = vec![json!({ "type": "thinking", "thinking": "hm" })];
    let events =
        streamed(json!({}), vec![first, piece("signature", "s"), text("a"), end(FinishReason::Stop)]);
    assert_eq!(events.last().unwrap()["response"]["output"][0]["encrypted_content"], blocks);
}

#[test]
fn oar_13_counts_have_the_names_of_responses() {
    let response = answered(json!({}), json!({ "role": "assistant", "content": "x" }), "stop");
    assert_eq!(
        response["usage"],
        json!({ "input_tokens": 11, "input_tokens_details": { "cached_tokens": 3 }, "output_tokens": 5,
                "output_tokens_details": { "reasoning_tokens": 2 }, "total_tokens": 16 })
    );
}

#[test]
fn oar_14_citations_are_flat() {
    let citation =
        json!({ "type": "url_citation", "url_citation": { "url": "u", "start_index": 0, "end_index": 2 } });
    let message = json!({ "role": "assistant", "content": "abc", "annotations": [citation] });
    let flat = json!({ "type": "url_citation", "url": "u", "start_index": 0, "end_index": 2 });
    let response = answered(json!({}), message, "stop");
    assert_eq!(response["output"][0]["content"][0]["annotations"], json!([flat]));
    let mut cited = text("abc");
    cited.choices[0].annotations = Some(vec![citation]);
    let events = streamed(json!({}), vec![cited, end(FinishReason::Stop)]);
    assert!(kinds(&events).contains(&"output_text.annotation.added"));
    assert_eq!(events.last().unwrap()["response"]["output"][0]["content"][0]["annotations"], json!([flat]));
}

#[test]
fn oar_15_a_text_comes_in_this_order() {
    let events =
        streamed(json!({ "instructions": "I" }), vec![text("He"), text("llo"), end(FinishReason::Stop)]);
    assert_eq!(
        kinds(&events),
        [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed"
        ]
    );
    let response = &events[9]["response"];
    assert_eq!(response["output"][0]["content"][0]["text"], "Hello");
    assert_eq!(response["usage"]["total_tokens"], 16);
    assert_eq!(
        (&response["instructions"], &events[0]["response"]["instructions"]),
        (&json!("I"), &json!("I"))
    );
    assert_eq!(response["id"], of_provider("mistral", "chatcmpl-1"));
    assert_eq!(events[2]["item"]["id"], response["output"][0]["id"]);
    // A stream without anything in it is a response, too.
    assert_eq!(kinds(&streamed(json!({}), Vec::new())), ["created", "in_progress", "completed"]);
}

#[test]
fn oar_15_thoughts_end_before_the_text_begins() {
    let events = streamed(json!({}), vec![thought("hm"), text("a"), end(FinishReason::Stop)]);
    assert_eq!(
        kinds(&events)[2..8],
        [
            "output_item.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added"
        ]
    );
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!((&output[0]["type"], &output[1]["type"]), (&json!("reasoning"), &json!("message")));
}

#[test]
fn oar_16_calls_keep_their_arguments_apart() {
    let chunks = vec![
        text("t"),
        tool(0, Some(("c1", "f")), ""),
        tool(0, None, "{\"a\""),
        tool(1, Some(("c2", "g")), "{}"),
        tool(0, None, ":1}"),
        end(FinishReason::ToolCalls),
    ];
    let events = streamed(json!({}), chunks);
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!((&output[1]["arguments"], &output[2]["arguments"]), (&json!("{\"a\":1}"), &json!("{}")));
    for index in [1, 2] {
        let own: Vec<_> = events.iter().filter(|event| event["output_index"] == index).cloned().collect();
        let kinds = kinds(&own);
        assert_eq!(kinds.first(), Some(&"output_item.added"));
        assert_eq!(own[0]["item"]["arguments"], "");
        assert_eq!(kinds[kinds.len() - 2..], ["function_call_arguments.done", "output_item.done"]);
    }
}

#[test]
fn oar_16_a_tool_with_free_text_is_called_with_it() {
    let custom = json!({ "tools": [{ "type": "custom", "name": "shell" }] });
    let chunks = vec![
        tool(0, Some(("c1", "shell")), "{\"content\":"),
        tool(0, None, "\"ls\"}"),
        end(FinishReason::ToolCalls),
    ];
    let events = streamed(custom, chunks);
    assert_eq!(
        kinds(&events)[3..6],
        ["custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done"]
    );
    let item = &events.last().unwrap()["response"]["output"][0];
    assert_eq!((&item["type"], &item["input"]), (&json!("custom_tool_call"), &json!("ls")));
}

#[test]
fn oar_17_a_conversation_that_nobody_has_is_refused() {
    for name in ["previous_response_id", "conversation", "prompt"] {
        let error = refused("mistral/m", json!({ name: "x" }));
        assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::BadRequest, Some(name)));
    }
    let item = json!({ "input": [{ "type": "item_reference", "id": "i" }] });
    assert_eq!(refused("mistral/m", item).kind(), Kind::BadRequest);
    // Where the provider keeps it, its own id is sent.
    let body = sent("openai/gpt-4o", json!({ "previous_response_id": of_provider("openai", "resp_1") }));
    assert_eq!(body["previous_response_id"], "resp_1");
}

#[test]
fn oar_19_tools_of_other_servers_are_left_out() {
    let hosted = json!({ "tools": [{ "type": "mcp", "server_url": "https://h" }, { "type": "web_search" }],
                         "tool_choice": "required", "parallel_tool_calls": false });
    let body = sent("cerebras/m", hosted);
    for name in ["tools", "tool_choice", "parallel_tool_calls", "web_search_options"] {
        assert!(body.get(name).is_none(), "{name}");
    }
    let body = sent(
        "openai/gpt-4o-search-preview",
        json!({ "use_chat_completions_api": true,
                "tools": [{ "type": "web_search_preview", "search_context_size": "low" }] }),
    );
    assert_eq!(body["web_search_options"], json!({ "search_context_size": "low" }));
}

#[test]
fn oar_20_nothing_is_stored_for_a_bridged_response() {
    let body = sent("mistral/m", json!({ "store": true, "background": true, "include": ["x"] }));
    for name in ["store", "background", "include"] {
        assert!(body.get(name).is_none(), "{name}");
    }
    assert_eq!(sent("openai/gpt-4o", json!({ "store": false }))["store"], false);
}

#[test]
fn a_native_request_is_passed_on() {
    let more = json!({ "metadata": { "a": "b" }, "stream": true, "max_tool_calls": 3, "extra_body": { "vendor": 0 } });
    assert_eq!(
        sent("openai/gpt-4o", more),
        json!({ "model": "gpt-4o", "input": "hi", "metadata": { "a": "b" }, "max_tool_calls": 3, "stream": true,
                "vendor": 0 })
    );
}

#[test]
fn gen_01_what_a_native_target_does_not_take_is_refused() {
    for (model, name, value) in [
        ("perplexity/sonar", "metadata", json!({ "a": "b" })),
        ("volcengine/m", "truncation", json!("auto")),
        ("openai/gpt-4o", "reasoning", json!({ "effort": "low" })),
    ] {
        let error = refused(model, json!({ name: value }));
        assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::UnsupportedParams, Some(name)));
        assert!(sent(model, json!({ name: value, "drop_params": true })).get(name).is_none());
    }
    assert_eq!(
        sent("openai/o4-mini", json!({ "reasoning": { "effort": "low" } }))["reasoning"]["effort"],
        "low"
    );
    assert!(sent("xai/grok-4", json!({ "metadata": { "a": "b" } })).get("metadata").is_none());
}

#[test]
fn a_limit_below_what_openai_takes_is_the_least() {
    assert_eq!(sent("openai/gpt-4o", json!({ "max_output_tokens": 9 }))["max_output_tokens"], 16);
    assert_eq!(sent("openai/gpt-4o", json!({ "max_output_tokens": 17 }))["max_output_tokens"], 17);
    assert_eq!(sent("xai/grok-4", json!({ "max_output_tokens": 9 }))["max_output_tokens"], 9);
}

#[test]
fn some_models_of_a_provider_have_responses() {
    for (model, is_native) in [
        ("databricks/databricks-gpt-5", true),
        ("databricks/databricks-claude-sonnet-4", false),
        ("azure_ai/gpt-4o", true),
        ("azure_ai/mistral-large", false),
    ] {
        let call = call(model, json!({ "api_base": "https://h.example.com" })).unwrap();
        assert_eq!(call.bridge().is_none(), is_native, "{model}");
    }
}

#[test]
fn a_calls_signature_goes_out_and_comes_back() {
    let signed = json!({ "thought_signature": "S" });
    let mut chunk = tool(0, Some(("c1", "f")), "{}");
    chunk.choices[0].tool_calls[0].provider_fields = signed.as_object().cloned();
    let events = streamed(json!({}), vec![chunk, end(FinishReason::ToolCalls)]);
    let item = &events.last().unwrap()["response"]["output"][0];
    assert_eq!(item["provider_specific_fields"], signed);
    let body = sent(
        "gemini/gemini-3-pro-preview",
        json!({ "input": [
        { "role": "user", "content": "q" }, item, { "type": "function_call_output", "call_id": "c1", "output": "r" },
    ] }),
    );
    assert_eq!(body["contents"][1]["parts"][0]["thoughtSignature"], "S");
}

#[test]
fn native_events_are_passed_on_with_the_callers_ids() {
    let response = json!({ "id": "resp_1", "output": [] });
    let events = [
        json!({ "type": "response.created", "response": response, "sequence_number": 0 }),
        json!({ "type": "response.new_thing", "x": 1.5, "sequence_number": 1 }),
        json!({ "type": "response.completed", "response": response, "sequence_number": 2 }),
    ];
    let (out, ended) = passed_through(&events);
    ended.unwrap();
    assert_eq!(out[0].data["response"]["id"], of_provider("openai", "resp_1"));
    assert_eq!(out[1].data, events[1]);
    assert_eq!(out.len(), 3);
}

#[test]
fn str_14_a_native_stream_that_is_cut_is_an_error() {
    let created = json!({ "type": "response.created", "response": { "id": "r" } });
    assert_eq!(passed_through(&[created]).1.unwrap_err().kind(), Kind::Connection);
}

#[test]
fn a_failure_in_a_native_stream_is_an_error() {
    let told = |event: Value| passed_through(&[event]).1.unwrap_err();
    let error = told(json!({ "type": "error", "code": "server_error", "message": "boom" }));
    assert_eq!((error.kind(), error.message()), (Kind::InternalServer, "boom"));
    let error = told(json!({ "type": "response.failed",
        "response": { "id": "r", "error": { "code": "rate_limit_exceeded", "message": "slow" } } }));
    assert_eq!((error.kind(), error.message()), (Kind::RateLimit, "slow"));
    assert_eq!(told(json!({ "type": "response.failed" })).kind(), Kind::InternalServer);
}

#[test]
fn str_16_a_bridged_stream_that_fails_says_so() {
    let mut encoder = wires::dialect(CallType::Responses).unwrap().encoder(Keywords::new(), &target());
    let mut out = Vec::new();
    let head = StreamHead { id: "c".into(), ..StreamHead::default() };
    encoder.chunk(text("a"), &head, &mut out);
    encoder.fail(&Error::new(Kind::InternalServer, "boom"), &mut out);
    let events = named(out);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["error"]["message"]),
        (&json!("response.failed"), &json!("boom"))
    );
}

#[test]
fn str_30_a_whole_response_replays_as_events() {
    let call = call("openai/gpt-4o", json!({})).unwrap();
    let wire = call.target().wire.events(CallType::Responses).unwrap();
    let response = json!({ "id": "r", "status": "completed", "usage": { "total_tokens": 1 }, "output": [
        { "type": "message", "id": "m", "role": "assistant", "status": "completed",
          "content": [{ "type": "output_text", "text": "a", "annotations": [] }] },
        { "type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": "{}" },
    ] });
    let events = named(wire.replay(response.clone()));
    assert_eq!(
        kinds(&events)[2..],
        [
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "completed"
        ]
    );
    assert_eq!(events.last().unwrap()["response"], response);
    assert_eq!(events[2]["item"]["content"], json!([]));
}

#[test]
fn a_stored_response_is_found_by_its_id() {
    let about = |call_type, more: Value| {
        let mut all = json!({ "api_key": "k", "response_id": of_provider("openai", "resp_1") });
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        let Value::Object(all) = all else { panic!() };
        call_of(call_type, all).and_then(|call| call.prepare()).map(|prepared| prepared.call)
    };
    let got = about(CallType::GetResponse, json!({ "starting_after": 3 })).unwrap();
    assert_eq!(
        (got.method.as_str(), got.url.as_str()),
        ("GET", "https://api.openai.com/v1/responses/resp_1?starting_after=3")
    );
    assert_eq!(about(CallType::DeleteResponse, json!({})).unwrap().method, "DELETE");
    let cancelled = about(CallType::CancelResponse, json!({})).unwrap();
    assert!(cancelled.url.ends_with("/responses/resp_1/cancel"));
    assert_eq!(cancelled.body, "{}");
    let items = about(CallType::ListInputItems, json!({ "limit": 20, "include": ["a", "b"] })).unwrap();
    assert!(items.url.ends_with("/responses/resp_1/input_items?limit=20&include=a%2Cb"), "{}", items.url);
    let foreign = json!({ "response_id": "../x?y" });
    assert!(about(CallType::GetResponse, foreign.clone()).is_err());
    let named =
        about(CallType::GetResponse, json!({ "response_id": "../x?y", "custom_llm_provider": "openai" }))
            .unwrap();
    assert_eq!(named.url, "https://api.openai.com/v1/responses/..%2Fx%3Fy");
    let bridged = json!({ "response_id": "r", "custom_llm_provider": "mistral" });
    assert_eq!(about(CallType::GetResponse, bridged).unwrap_err().kind(), Kind::BadRequest);
}

#[test]
fn az_01_responses_are_no_deployments() {
    let place = |base: &str, version: Value| {
        let call = call("azure/dep", json!({ "api_base": base, "api_version": version })).unwrap();
        let query = call.envelope().route.query.iter().map(|(name, value)| format!("{name}={value}"));
        format!("{}?{}", call.prepare().unwrap().call.url, query.collect::<Vec<_>>().join("&"))
    };
    let root = "https://openai-eu.azure.com";
    let v1 = format!("{root}/openai/v1/responses?api-version=preview");
    let dated = format!("{root}/openai/responses?api-version=2025-04-01-preview");
    for base in ["", "/", "/openai/v1", "/openai/v1/responses", "/openai/deployments/dep"] {
        assert_eq!(place(&format!("{root}{base}"), Value::Null), v1, "{base}");
        assert_eq!(place(&format!("{root}{base}"), json!("2024-10-21")), v1, "{base}");
    }
    assert_eq!(place(root, json!("2025-04-01-preview")), dated);
    assert_eq!(place(&format!("{root}/openai/responses?api-version=2025-04-01-preview"), Value::Null), dated);
    assert_eq!(place(root, json!("v1")), format!("{root}/openai/v1/responses?api-version=v1"));
}

#[test]
fn ids_are_read_as_they_are_written() {
    let read = ResponseId::parse(&of_provider("xai", "a;response_id:b"));
    assert_eq!((read.provider.as_deref(), read.id.as_str()), (Some("xai"), "a;response_id:b"));
}

#[test]
fn what_a_stream_of_chat_says_the_response_says() {
    // Through the chat wire's own decoder and chunker, as the engine does it.
    let call = call("mistral/m", json!({ "stream": true })).unwrap();
    let target = call.target();
    let wire = target.wire.chat().unwrap();
    let mut decoder = wire.decoder(Memo::default(), target);
    let mut chunker = Chunker::new(true, || "call_new".to_owned());
    let (mut deltas, mut chunks) = (Deltas::default(), Vec::new());
    for delta in [
        json!({ "content": "a" }),
        json!({ "tool_calls": [{ "index": 0, "id": "c", "function": { "name": "f" } }] }),
    ] {
        let frame = json!({ "id": "s", "choices": [{ "index": 0, "delta": delta }] }).to_string();
        decoder.frame(wires::framing::Frame { event: None, data: frame.as_bytes() }, &mut deltas).unwrap();
        chunker.add(&mut deltas.0, &mut chunks);
    }
    let last =
        json!({ "id": "s", "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }).to_string();
    decoder.frame(wires::framing::Frame { event: None, data: last.as_bytes() }, &mut deltas).unwrap();
    chunker.add(&mut deltas.0, &mut chunks);
    let events = streamed(json!({}), chunks);
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!((&output[0]["content"][0]["text"], &output[1]["arguments"]), (&json!("a"), &json!("{}")));
}
