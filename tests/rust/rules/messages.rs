//! AMI: Anthropic's Messages, asked of a provider that has chat completions, and of one that speaks them itself.

use ferrolite::error::{Error, Kind};
use ferrolite::hub::{CallType, FinishReason};
use ferrolite::wires::openai::{Chunk, ChunkChoice};
use serde_json::{Map, Value, json};

use super::dialects::{Face, finish, of, text, thought, tool};

const MESSAGES: Face = Face { call_type: CallType::Messages, basis: "messages" };
const VLLM: &str = "hosted_vllm/m";
const GEMINI: &str = "gemini/gemini-2.5-flash";
const CLAUDE_ON_BEDROCK: &str = "bedrock/converse/anthropic.claude-sonnet-4-5-20250929-v1:0";

fn sent(model: &str, more: Value) -> Value {
    MESSAGES.sent(model, with_limit(more))
}

fn refused(model: &str, more: Value) -> Error {
    MESSAGES.refused(model, with_limit(more))
}

fn with_limit(mut more: Value) -> Value {
    more["max_tokens"] = 100.into();
    more
}

/// What the turns become.
fn conversation(model: &str, turns: Value) -> Value {
    sent(model, json!({ "messages": turns }))["messages"].clone()
}

/// One block of a user's turn as a part.
fn part(block: Value) -> Value {
    conversation(VLLM, json!([{ "role": "user", "content": [block] }]))[0]["content"][0].clone()
}

fn tools(tools: Value) -> Value {
    sent(VLLM, json!({ "tools": tools }))["tools"].clone()
}

fn answered(message: Value, finish: &str) -> Value {
    MESSAGES.answered(VLLM, with_limit(json!({})), message, finish)
}

fn streamed(chunks: Vec<Chunk>) -> Vec<Value> {
    let events = MESSAGES.streamed(VLLM, with_limit(json!({})), chunks);
    for event in &events {
        assert_eq!(event.name.as_deref(), event.data["type"].as_str(), "every event has its name");
    }
    events.into_iter().map(|event| event.data).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// The blocks that a client puts together, as each of their deltas says it.
fn blocks(events: &[Value]) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    let mut open = false;
    for event in events {
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert!(!open, "blocks follow each other");
                assert_eq!(event["index"], out.len(), "indices are contiguous");
                open = true;
                out.push(event["content_block"].clone());
                out.last_mut().unwrap()["json"] = "".into();
            }
            "content_block_delta" => {
                assert!(open && event["index"] == out.len() - 1, "a delta is of the open block");
                let block = out.last_mut().unwrap();
                for (from, to) in [
                    ("text", "text"),
                    ("thinking", "thinking"),
                    ("signature", "signature"),
                    ("partial_json", "json"),
                ] {
                    if let Some(more) = event["delta"][from].as_str() {
                        block[to] = format!("{}{more}", block[to].as_str().unwrap()).into();
                    }
                }
            }
            "content_block_stop" => {
                assert!(open && event["index"] == out.len() - 1);
                open = false;
            }
            _ => {}
        }
    }
    assert!(!open, "every block ends");
    out
}

fn thinking_piece(piece: Value) -> Chunk {
    of(ChunkChoice { thinking_blocks: vec![piece], ..ChunkChoice::default() })
}

#[test]
fn ami_01_system_leads_and_tool_results_come_before_the_rest_of_their_turn() {
    let body = sent(VLLM, json!({ "system": "s", "messages": [{ "role": "user", "content": "hi" }] }));
    assert_eq!(
        body["messages"],
        json!([{ "role": "system", "content": "s" }, { "role": "user", "content": "hi" }])
    );
    let blocks = json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
    let body = sent(VLLM, json!({ "system": blocks }));
    assert_eq!(body["messages"][0]["content"], blocks);
    let messages = conversation(
        VLLM,
        json!([
            { "role": "user", "content": "q" },
            { "role": "assistant", "content": [
                { "type": "tool_use", "id": "t1", "name": "f", "input": {} },
                { "type": "tool_use", "id": "t2", "name": "f", "input": {} }] },
            { "role": "user", "content": [
                { "type": "text", "text": "one" },
                { "type": "tool_result", "tool_use_id": "t1", "content": "r1" },
                { "type": "text", "text": "two" },
                { "type": "tool_result", "tool_use_id": "t2", "content": "r2" }] },
        ]),
    );
    let roles: Vec<_> = messages.as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "tool", "user"]);
    assert_eq!((&messages[2]["tool_call_id"], &messages[3]["content"]), (&json!("t1"), &json!("r2")));
    assert_eq!(
        (&messages[4]["content"][0]["text"], &messages[4]["content"][1]["text"]),
        (&json!("one"), &json!("two"))
    );
}

#[test]
fn ami_02_finish_reasons_have_their_words() {
    let said = json!({ "role": "assistant", "content": "a" });
    for (finish, reason) in [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("zq_unknown", "end_turn"),
    ] {
        assert_eq!(answered(said.clone(), finish)["stop_reason"], reason, "{finish}");
    }
    let call = json!({ "role": "assistant", "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    assert_eq!(answered(call, "tool_calls")["stop_reason"], "tool_use");
    let refusal = json!({ "role": "assistant", "content": null, "refusal": "no" });
    let answer = answered(refusal.clone(), "stop");
    assert_eq!(
        (&answer["stop_reason"], &answer["stop_details"]["explanation"]),
        (&json!("refusal"), &json!("no"))
    );
    assert_eq!(answered(refusal, "length")["stop_reason"], "max_tokens");
}

#[test]
fn ami_03_events_come_in_anthropics_order() {
    let events = streamed(vec![text("a"), text("b"), finish(FinishReason::Stop)]);
    assert_eq!(
        kinds(&events),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    assert_eq!(events[5]["delta"]["stop_reason"], "end_turn");
    assert_eq!(events[5]["usage"], json!({ "input_tokens": 11, "output_tokens": 5 }));
    let all = streamed(vec![
        thought("hm"),
        text("a"),
        tool(0, Some(("c1", "f")), ""),
        tool(0, None, "{}"),
        finish(FinishReason::ToolCalls),
    ]);
    let kinds: Vec<_> = blocks(&all).iter().map(|block| block["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use"]);
}

#[test]
fn ami_04_nothing_is_sent_before_the_backend_has_begun() {
    let mut stream = MESSAGES.stream(VLLM, with_limit(json!({})));
    assert!(stream.out.is_empty());
    stream.add(text("a"));
    assert_eq!(stream.out[0].data["type"], "message_start");
    assert_eq!(stream.out[0].data["message"]["id"], "chatcmpl-1");
}

#[test]
fn ami_05_signatures_of_gemini_survive_the_round_trip() {
    let call = json!({ "role": "assistant", "tool_calls": [{ "id": "c1__thought__SIG", "function": { "name": "f", "arguments": "{}" } }] });
    let block = answered(call, "tool_calls")["content"][0].clone();
    assert_eq!(
        (&block["id"], &block["provider_specific_fields"]["signature"]),
        (&json!("c1"), &json!("SIG"))
    );
    let in_fields = json!({ "role": "assistant", "tool_calls": [{ "id": "c1", "function": { "name": "f", "arguments": "{}" },
                          "provider_specific_fields": { "thought_signature": "SIG" } }] });
    assert_eq!(answered(in_fields, "tool_calls")["content"][0], block);
    let body = sent(
        GEMINI,
        json!({ "messages": [
            { "role": "user", "content": "q" },
            { "role": "assistant", "content": [block] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "c1", "content": "r" }] },
        ] }),
    );
    assert_eq!(body["contents"][1]["parts"][0]["thoughtSignature"], "SIG");
}

#[test]
fn ami_06_a_failed_tool_says_so() {
    let turns = json!([
        { "role": "user", "content": "q" },
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": "f", "input": {} }] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t1", "is_error": true, "content": "no such city" }] },
    ]);
    assert_eq!(conversation(VLLM, turns.clone())[2]["content"], "[The tool failed] no such city");
    let tool = json!([{ "name": "f", "input_schema": { "type": "object" } }]);
    let body = sent(CLAUDE_ON_BEDROCK, json!({ "messages": turns, "tools": tool }));
    let result = &body["messages"][2]["content"][0]["toolResult"];
    assert_eq!((&result["status"], &result["content"][0]["text"]), (&json!("error"), &json!("no such city")));
}

#[test]
fn ami_07_thinking_is_a_level_of_effort_for_all_but_claude() {
    let effort = |thinking: Value| {
        sent(VLLM, json!({ "thinking": thinking, "output_config": { "effort": "low" } }))["reasoning_effort"]
            .clone()
    };
    for (budget, level) in [(5000, "high"), (4096, "high"), (2048, "medium"), (1024, "low"), (1, "minimal")] {
        assert_eq!(effort(json!({ "type": "enabled", "budget_tokens": budget })), level, "{budget}");
    }
    assert_eq!(effort(json!({ "type": "disabled" })), "none");
    assert_eq!(effort(json!({ "type": "adaptive" })), "low");
    assert_eq!(sent(VLLM, json!({ "thinking": { "type": "adaptive" } }))["reasoning_effort"], "medium");
    let wrong = refused(VLLM, json!({ "thinking": { "type": "enabled", "budget_tokens": "many" } }));
    assert_eq!(wrong.facts().param.as_deref(), Some("thinking.budget_tokens"));
    let thinking = json!({ "type": "enabled", "budget_tokens": 1024 });
    let body = MESSAGES.sent(
        CLAUDE_ON_BEDROCK,
        json!({ "max_tokens": 3000, "messages": [{ "role": "user", "content": "q" }], "thinking": thinking }),
    );
    assert_eq!(body["additionalModelRequestFields"]["thinking"], thinking);
}

#[test]
fn ami_08_errors_have_anthropics_body() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ] {
        let mut error = Error::new(Kind::Api, "words").with_status(status);
        error.facts_mut().request_id = Some("req_1".into());
        assert_eq!(
            ferrolite::wires::messages::error_body(&error),
            json!({ "type": "error", "error": { "type": kind, "message": "words" }, "request_id": "req_1" })
        );
    }
}

#[test]
fn ami_11_a_late_system_message_does_not_part_calls_from_results() {
    let turns = json!([
        { "role": "system", "content": "first" },
        { "role": "user", "content": "q" },
        { "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": "f", "input": {} }] },
        { "role": "system", "content": "late" },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "t1", "content": "r" }, { "type": "text", "text": "more" }] },
    ]);
    let messages = conversation(VLLM, turns);
    let roles: Vec<_> = messages.as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "user", "user"]);
    assert_eq!(messages[4]["content"][1]["text"], "late");
}

#[test]
fn ami_12_the_choice_among_tools() {
    let chosen = |choice: Value| {
        sent(VLLM, json!({ "tools": [{ "name": "f", "input_schema": {} }], "tool_choice": choice }))["tool_choice"].clone()
    };
    assert_eq!(chosen(json!({ "type": "any" })), "required");
    assert_eq!(chosen(json!({ "type": "auto" })), "auto");
    assert_eq!(chosen(json!({ "type": "none" })), "none");
    assert_eq!(
        chosen(json!({ "type": "tool", "name": "f" })),
        json!({ "type": "function", "function": { "name": "f" } })
    );
    assert_eq!(refused(VLLM, json!({ "tool_choice": { "type": "zq" } })).kind(), Kind::BadRequest);
}

#[test]
fn ami_13_tools_one_at_a_time() {
    let body = sent(
        VLLM,
        json!({ "tools": [{ "name": "f", "input_schema": {} }],
                "tool_choice": { "type": "auto", "disable_parallel_tool_use": true } }),
    );
    assert_eq!(body["parallel_tool_calls"], false);
}

#[test]
fn ami_14_long_names_are_cut_on_the_way_and_whole_for_the_caller() {
    let name = "x".repeat(70);
    let cut = format!("{}_c71bd109", "x".repeat(55));
    let more = json!({
        "tools": [{ "name": name, "input_schema": {} }],
        "tool_choice": { "type": "tool", "name": name },
        "messages": [
            { "role": "user", "content": "q" },
            { "role": "assistant", "content": [{ "type": "tool_use", "id": "t1", "name": name, "input": {} }] },
            { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t1", "content": "r" }] }],
    });
    let body = sent(VLLM, more.clone());
    assert_eq!(body["tools"][0]["function"]["name"], cut);
    assert_eq!(body["tool_choice"]["function"]["name"], cut);
    assert_eq!(body["messages"][1]["tool_calls"][0]["function"]["name"], cut);
    let call = json!({ "role": "assistant", "tool_calls": [{ "id": "c", "function": { "name": cut, "arguments": "{}" } }] });
    let answer = MESSAGES.answered(VLLM, with_limit(more.clone()), call, "tool_calls");
    assert_eq!(answer["content"][0]["name"], name);
    let chunks = vec![tool(0, Some(("c", &cut)), "{}"), finish(FinishReason::ToolCalls)];
    let events = MESSAGES.streamed(VLLM, with_limit(more), chunks);
    assert_eq!(events[1].data["content_block"]["name"], name);
}

#[test]
fn ami_15_tools_are_functions() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let own = json!({ "type": "function", "function": { "name": "g", "parameters": {} } });
    let made = tools(json!([
        { "type": "custom", "name": "f", "description": "d", "input_schema": schema },
        { "input_schema": schema },
        own,
        { "googleSearch": {} },
    ]));
    assert_eq!(
        made[0],
        json!({ "type": "function", "function": { "name": "f", "description": "d", "parameters": schema } })
    );
    assert_eq!(made[1]["function"]["name"], "tool_1");
    assert_eq!((&made[2], &made[3]), (&own, &json!({ "googleSearch": {} })));
    let strict = sent(
        "openai/gpt-4o",
        json!({ "use_chat_completions_api": true,
        "tools": [{ "name": "f", "input_schema": schema, "strict": true }] }),
    );
    assert_eq!(strict["tools"][0]["function"]["strict"], true);
}

#[test]
fn ami_16_keys_of_a_tool_do_not_get_into_its_schema() {
    let made =
        tools(json!([{ "name": "f", "input_schema": { "type": "object" }, "zq": 1, "defer_loading": true }]));
    assert_eq!(
        made,
        json!([{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }])
    );
    let hosted = json!({ "tools": [{ "type": "bash_20250124", "name": "bash" }] });
    assert_eq!(refused(VLLM, hosted.clone()).kind(), Kind::UnsupportedParams);
    let mut dropping = hosted;
    dropping["drop_params"] = true.into();
    assert!(sent(VLLM, dropping).get("tools").is_none());
}

#[test]
fn ami_17_a_web_search_is_a_parameter() {
    let search = json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": 3 });
    let body = sent(
        "openai/gpt-4o-search-preview",
        json!({ "use_chat_completions_api": true, "tools": [search, { "name": "f", "input_schema": {} }] }),
    );
    assert_eq!(body["web_search_options"], json!({}));
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn ami_18_the_form_of_the_answer() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let format = json!({ "type": "json_schema", "schema": schema });
    for more in [
        json!({ "output_format": format }),
        json!({ "output_config": { "format": format } }),
        json!({ "output_format": format, "output_config": { "format": { "type": "json_schema", "schema": {} } } }),
    ] {
        let body = sent(VLLM, more);
        assert_eq!(body["response_format"]["json_schema"]["schema"], schema);
        assert!(body.get("output_format").is_none() && body.get("output_config").is_none());
    }
}

#[test]
fn ami_19_a_schema_keeps_its_meaning() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "string" } },
                         "required": ["a"] });
    let body = sent(VLLM, json!({ "output_format": { "type": "json_schema", "schema": schema } }));
    let sent = &body["response_format"]["json_schema"];
    assert_eq!(sent["schema"], schema);
    assert!(sent.get("strict").is_none());
}

#[test]
fn ami_20_parameters_have_their_counterparts() {
    let more = json!({ "use_chat_completions_api": true, "stop_sequences": ["END"], "metadata": { "user_id": "u" },
                       "temperature": 0.5, "top_p": 0.9 });
    let body = sent("openai/gpt-4o", more);
    assert_eq!(
        (&body["stop"], &body["user"], &body["max_tokens"]),
        (&json!(["END"]), &json!("u"), &json!(100))
    );
    assert_eq!((&body["temperature"], &body["top_p"]), (&json!(0.5), &json!(0.9)));
    assert!(body.get("metadata").is_none() && body.get("stop_sequences").is_none());
    assert_eq!(sent(GEMINI, json!({ "top_k": 5 }))["generationConfig"]["topK"], 5);
}

#[test]
fn ami_21_contents_of_tool_results() {
    let content = |content: Value| {
        let block = json!({ "type": "tool_result", "tool_use_id": "t1", "content": content });
        let call = json!({ "type": "tool_use", "id": "t1", "name": "f", "input": {} });
        let turns = json!([{ "role": "user", "content": "q" }, { "role": "assistant", "content": [call] },
                           { "role": "user", "content": [block] }]);
        conversation(VLLM, turns)[2]["content"].clone()
    };
    let text = |text: &str| json!({ "type": "text", "text": text });
    assert_eq!(content(json!("s")), "s");
    assert_eq!(content(json!([text("one")])), "one");
    assert_eq!(content(json!([text("one"), text("two")])), json!([text("one"), text("two")]));
    assert_eq!(content(Value::Null), "");
    assert_eq!(content(json!([])), "");
}

#[test]
fn ami_22_an_unknown_block_is_refused_or_left_out_with_a_word() {
    let turns = json!([{ "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "zq" }] }]);
    let error = refused(VLLM, json!({ "messages": turns }));
    assert_eq!(error.kind(), Kind::BadRequest);
    assert_eq!(error.facts().param.as_deref(), Some("messages[0].content[1]"));
    let body = sent(VLLM, json!({ "messages": turns, "drop_params": true }));
    assert_eq!(body["messages"][0]["content"], json!([{ "type": "text", "text": "a" }]));
}

#[test]
fn ami_23_images_and_documents() {
    assert_eq!(
        part(
            json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } })
        ),
        json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,AA==" } })
    );
    assert_eq!(
        part(json!({ "type": "image", "source": { "type": "url", "url": "https://h/i.png" } })),
        json!({ "type": "image_url", "image_url": { "url": "https://h/i.png" } })
    );
    assert_eq!(
        part(json!({ "type": "document", "title": "a.pdf",
                     "source": { "type": "base64", "media_type": "application/pdf", "data": "AA==" } })),
        json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA==" } })
    );
    assert_eq!(
        part(
            json!({ "type": "document", "source": { "type": "text", "media_type": "text/plain", "data": "hi" } })
        ),
        json!({ "type": "file", "file": { "filename": "document", "file_data": "data:text/plain;base64,aGk=" } })
    );
    assert_eq!(
        part(json!({ "type": "document", "source": { "type": "url", "url": "https://h/a.pdf" } })),
        json!({ "type": "image_url", "image_url": { "url": "https://h/a.pdf" } })
    );
}

#[test]
fn ami_24_what_the_model_said_before() {
    let mark = json!({ "type": "ephemeral" });
    let turns = |blocks: Value| {
        json!([{ "role": "user", "content": "q" }, { "role": "assistant", "content": blocks },
                                       { "role": "user", "content": "more" }])
    };
    let plain = json!([
        { "type": "thinking", "thinking": "hm", "signature": "SIG", "cache_control": mark },
        { "type": "redacted_thinking", "data": "DATA" },
        { "type": "text", "text": "a" }, { "type": "text", "text": "b" },
    ]);
    let said = conversation(VLLM, turns(plain.clone()))[1].clone();
    assert_eq!((&said["content"], &said["reasoning_content"]), (&json!("ab"), &json!("hm")));
    let claude = conversation(CLAUDE_ON_BEDROCK, turns(plain));
    let blocks = claude[1]["content"].as_array().unwrap();
    assert_eq!(blocks[0]["reasoningContent"]["reasoningText"]["signature"], "SIG");
    assert!(claude.to_string().find("cachePoint").is_none(), "thinking takes no mark");
    let marked =
        json!([{ "type": "text", "text": "a", "cache_control": mark }, { "type": "text", "text": "b" }]);
    assert_eq!(conversation(VLLM, turns(marked.clone()))[1]["content"], "ab");
    let kept = conversation(CLAUDE_ON_BEDROCK, turns(marked));
    assert!(kept[1]["content"].as_array().unwrap().iter().any(|block| block.get("cachePoint").is_some()));
}

#[test]
fn ami_26_the_stop_sequence_that_was_met_is_told() {
    let more = with_limit(json!({ "stop_sequences": ["END"] }));
    let target = MESSAGES.call(VLLM, more.clone()).unwrap().target().clone();
    let reply = |stop: Value| {
        let choice = json!({ "index": 0, "message": { "role": "assistant", "content": "a" },
                             "finish_reason": "stop", "stop_reason": stop });
        MESSAGES.encoded(&target, more.clone(), json!({ "id": "x", "model": "m", "choices": [choice] }))
    };
    let hit = reply(json!("END"));
    assert_eq!((&hit["stop_reason"], &hit["stop_sequence"]), (&json!("stop_sequence"), &json!("END")));
    for other in [json!(null), json!(151_643), json!("else")] {
        assert_eq!(reply(other)["stop_reason"], "end_turn");
    }
}

#[test]
fn ami_27_blocks_of_an_answer_in_order() {
    let said = json!({ "role": "assistant", "content": "a", "refusal": "no",
        "thinking_blocks": [{ "type": "redacted_thinking", "data": "D" },
                            { "type": "thinking", "thinking": "hm", "signature": "S" }],
        "tool_calls": [{ "id": "c", "function": { "name": "f", "arguments": "{}" } }] });
    let answer = answered(said, "tool_calls");
    let kinds: Vec<_> = answer["content"].as_array().unwrap().iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "redacted_thinking", "text", "text", "tool_use"]);
    let bare = answered(json!({ "role": "assistant", "content": "a", "reasoning_content": "hm" }), "stop");
    assert_eq!(bare["content"][0], json!({ "type": "thinking", "thinking": "hm" }));
}

#[test]
fn ami_28_ids_of_calls_are_clean_and_differ() {
    let call = |id: &str| json!({ "id": id, "function": { "name": "f", "arguments": "{}" } });
    let said =
        json!({ "role": "assistant", "tool_calls": [call("a/1"), call("a.1"), call("functions.f:0")] });
    let answer = answered(said, "tool_calls");
    let ids: Vec<_> =
        answer["content"].as_array().unwrap().iter().map(|block| block["id"].as_str().unwrap()).collect();
    assert_eq!((ids[0], ids[2]), ("a_1", "functions_f_0"));
    assert!(ids[1].starts_with("a_1_"), "{}", ids[1]);
    let fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    assert!(ids.iter().all(|id| id.chars().all(fine)));
}

#[test]
fn ami_29_arguments_that_are_no_object() {
    let block = |arguments: &str, finish: &str| {
        let call = json!({ "id": "c", "function": { "name": "f", "arguments": arguments } });
        let answer = answered(json!({ "role": "assistant", "tool_calls": [call] }), finish);
        (answer["stop_reason"].clone(), answer["content"][0].clone())
    };
    assert_eq!(block("", "tool_calls").1["input"], json!({}));
    let (_, bad) = block("{bad", "tool_calls");
    assert_eq!((&bad["input"], &bad["provider_specific_fields"]["arguments"]), (&json!({}), &json!("{bad")));
    let (reason, cut) = block(r#"{"a": [1, {"b": "te"#, "length");
    assert_eq!((reason, &cut["input"]), (json!("max_tokens"), &json!({ "a": [1, { "b": "te" }] })));
    assert_eq!(block(r#"{"a": 1, "b":"#, "length").1["input"], json!({ "a": 1, "b": null }));
    assert_eq!(block(r#"{"a": 1, "#, "length").1["input"], json!({ "a": 1 }));
}

#[test]
fn ami_30_what_came_from_a_cache_is_no_input() {
    let usage =
        |usage: Value| MESSAGES.answer_with_usage(VLLM, with_limit(json!({})), usage)["usage"].clone();
    assert_eq!(
        usage(json!({ "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16 })),
        json!({ "input_tokens": 11, "output_tokens": 5 })
    );
    assert_eq!(
        usage(json!({ "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16,
                      "prompt_tokens_details": { "cached_tokens": 4, "cache_creation_tokens": 3 } })),
        json!({ "input_tokens": 4, "output_tokens": 5,
                "cache_creation_input_tokens": 3, "cache_read_input_tokens": 4 })
    );
    let more = usage(json!({ "prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8,
                             "prompt_tokens_details": { "cached_tokens": 9 } }));
    assert_eq!(more["input_tokens"], 0);
}

#[test]
fn ami_31_blank_beginnings_open_no_block_and_no_token_is_lost() {
    let events = streamed(vec![text(""), thought(""), thought("h"), text("a"), finish(FinishReason::Stop)]);
    let blocks = blocks(&events);
    assert_eq!(blocks.len(), 2);
    assert_eq!((&blocks[0]["thinking"], &blocks[1]["text"]), (&json!("h"), &json!("a")));
}

#[test]
fn ami_32_a_chunk_with_several_things_is_taken_apart() {
    let all = of(ChunkChoice {
        content: Some("a".into()),
        reasoning_content: Some("hm".into()),
        tool_calls: tool(0, Some(("c", "f")), "{}").choices.remove(0).tool_calls,
        finish_reason: Some(FinishReason::ToolCalls),
        ..ChunkChoice::default()
    });
    let events = streamed(vec![all]);
    let blocks = blocks(&events);
    let kinds: Vec<_> = blocks.iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["thinking", "text", "tool_use"]);
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn ami_33_calls_that_interleave_are_written_one_after_the_other() {
    let events = streamed(vec![
        tool(0, Some(("c0", "f")), ""),
        tool(0, None, "{\"a\":"),
        tool(1, Some(("c1", "g")), "{"),
        tool(0, None, "1}"),
        tool(1, None, "}"),
        finish(FinishReason::ToolCalls),
    ]);
    let blocks = blocks(&events);
    assert_eq!((&blocks[0]["id"], &blocks[0]["json"]), (&json!("c0"), &json!("{\"a\":1}")));
    assert_eq!((&blocks[1]["id"], &blocks[1]["json"]), (&json!("c1"), &json!("{}")));
}

#[test]
fn ami_34_more_arguments_do_not_close_their_call() {
    let events = streamed(vec![
        tool(0, Some(("c0", "f")), ""),
        tool(0, None, "{"),
        tool(0, None, "}"),
        finish(FinishReason::ToolCalls),
    ]);
    assert_eq!(blocks(&events).len(), 1);
    assert_eq!(kinds(&events).iter().filter(|kind| **kind == "content_block_stop").count(), 1);
}

#[test]
fn ami_35_signatures_end_their_block_and_text_comes_once() {
    let piece = |text: &str| {
        of(ChunkChoice {
            reasoning_content: Some(text.to_owned()),
            thinking_blocks: vec![json!({ "type": "thinking", "thinking": text })],
            ..ChunkChoice::default()
        })
    };
    let events = streamed(vec![
        piece("h"),
        piece("m"),
        thinking_piece(json!({ "type": "thinking", "thinking": "hm", "signature": "S1" })),
        piece("again"),
        thinking_piece(json!({ "type": "thinking", "thinking": "", "signature": "S2" })),
        thinking_piece(json!({ "type": "redacted_thinking", "data": "D" })),
        text("a"),
        finish(FinishReason::Stop),
    ]);
    let blocks = blocks(&events);
    assert_eq!((&blocks[0]["thinking"], &blocks[0]["signature"]), (&json!("hm"), &json!("S1")));
    assert_eq!((&blocks[1]["thinking"], &blocks[1]["signature"]), (&json!("again"), &json!("S2")));
    assert_eq!((&blocks[2]["data"], &blocks[3]["text"]), (&json!("D"), &json!("a")));
}

#[test]
fn ami_36_reason_and_usage_are_one_event() {
    let events = streamed(vec![text("a"), finish(FinishReason::Length)]);
    let deltas: Vec<_> = events.iter().filter(|event| event["type"] == "message_delta").collect();
    assert_eq!(deltas.len(), 1);
    assert_eq!(
        (&deltas[0]["delta"]["stop_reason"], &deltas[0]["usage"]["output_tokens"]),
        (&json!("max_tokens"), &json!(5))
    );
}

#[test]
fn ami_37_a_failure_in_the_middle_is_one_event() {
    let mut stream = MESSAGES.stream(VLLM, with_limit(json!({})));
    stream.add(text("a"));
    let before = stream.out.len();
    stream.fail(&Error::new(Kind::RateLimit, "slow down"));
    assert_eq!(stream.out.len(), before + 1);
    let last = &stream.out[before];
    assert_eq!(
        (last.name.as_deref(), &last.data["error"]["type"]),
        (Some("error"), &json!("rate_limit_error"))
    );
}

#[test]
fn ami_38_streams_do_not_mix() {
    let mut one = MESSAGES.stream(VLLM, with_limit(json!({})));
    let mut other = MESSAGES.stream(VLLM, with_limit(json!({})));
    one.add(text("a"));
    other.add(thought("b"));
    assert_eq!(one.out[1].data["content_block"]["type"], "text");
    assert_eq!(other.out[1].data["content_block"]["type"], "thinking");
    assert_eq!(other.out[1].data["index"], 0);
}

#[test]
fn a_provider_that_speaks_messages_gets_them_as_they_are() {
    let more = json!({ "max_tokens": 9, "system": "s", "top_k": 3, "metadata": { "user_id": "u", "own": 1 },
                       "output_format": { "type": "json_schema", "schema": {} }, "zq": { "deep": null } });
    let prepared = MESSAGES.call("anthropic/claude-sonnet-4-5", more).unwrap().prepare().unwrap();
    let body: Map<String, Value> = serde_json::from_slice(&prepared.call.body).unwrap();
    assert_eq!(prepared.call.url, "https://api.anthropic.com/v1/messages");
    assert_eq!(prepared.call.headers["anthropic-version"], "2023-06-01");
    assert_eq!(prepared.call.headers["anthropic-beta"], "structured-outputs-2025-11-13");
    assert_eq!((&body["system"], &body["top_k"], &body["stream"]), (&json!("s"), &json!(3), &json!(false)));
    assert_eq!((&body["metadata"], &body["zq"]), (&json!({ "user_id": "u" }), &json!({ "deep": null })));
    let without = MESSAGES.call("anthropic/claude-sonnet-4-5", json!({})).and_then(|call| call.prepare());
    assert_eq!(without.unwrap_err().facts().param.as_deref(), Some("max_tokens"));
}

#[test]
fn events_of_a_provider_are_handed_on_to_their_end() {
    let start = json!({ "type": "message_start", "message": { "id": "m" } });
    let stop = json!({ "type": "message_stop" });
    let (events, ended) =
        MESSAGES.passed_through("anthropic/claude-sonnet-4-5", with_limit(json!({})), &[start.clone(), stop]);
    assert!(ended.is_ok());
    assert_eq!(events[0].data, start);
    assert_eq!(events[0].to_sse(), format!("event: message_start\ndata: {start}\n\n"));
    let error = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "busy" } });
    let (events, ended) = MESSAGES.passed_through(
        "anthropic/claude-sonnet-4-5",
        with_limit(json!({})),
        &[start.clone(), error],
    );
    assert_eq!((events.len(), ended.unwrap_err().kind()), (1, Kind::InternalServer));
    let (_, ended) = MESSAGES.passed_through("anthropic/claude-sonnet-4-5", with_limit(json!({})), &[start]);
    assert_eq!(ended.unwrap_err().kind(), Kind::Connection, "STR-14");
}

#[test]
fn str_30_a_whole_message_becomes_its_events() {
    let message = json!({ "id": "m", "type": "message", "role": "assistant", "content": [
        { "type": "thinking", "thinking": "hm", "signature": "S" }, { "type": "text", "text": "a" },
        { "type": "tool_use", "id": "t", "name": "f", "input": { "a": 1 } }],
        "stop_reason": "tool_use", "stop_sequence": null, "usage": { "input_tokens": 1, "output_tokens": 2 } });
    let call = MESSAGES.call("anthropic/claude-sonnet-4-5", with_limit(json!({}))).unwrap();
    let events = call.target().wire.events(CallType::Messages).unwrap().replay(message);
    let events: Vec<_> = events.into_iter().map(|event| event.data).collect();
    let blocks = blocks(&events);
    assert_eq!((&blocks[0]["thinking"], &blocks[0]["signature"]), (&json!("hm"), &json!("S")));
    assert_eq!((&blocks[1]["text"], &blocks[2]["json"]), (&json!("a"), &json!("{\"a\":1}")));
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
}

#[test]
fn rows_say_who_speaks_messages_and_where() {
    let url = |model: &str| {
        let prepared = MESSAGES.call(model, with_limit(json!({}))).unwrap().prepare().unwrap();
        prepared.call.url
    };
    assert_eq!(url("deepseek/deepseek-chat"), "https://api.deepseek.com/anthropic/v1/messages");
    assert_eq!(url("minimax/m"), "https://api.minimax.io/anthropic/v1/messages");
    assert_eq!(url("bigmodel/m"), "https://open.bigmodel.cn/api/anthropic/v1/messages");
    assert!(url("meta/m").ends_with("/v1/messages"));
    assert!(url("mistral/m").ends_with("/v1/chat/completions"));
}

#[test]
fn claude_speaks_messages_wherever_it_is_served() {
    let prepared = |model: &str, more: Value| {
        let call = MESSAGES.call(model, with_limit(more)).unwrap();
        assert!(call.bridge().is_none(), "{model}");
        call.prepare().unwrap().call
    };
    let vertex = json!({ "vertex_project": "p", "vertex_location": "us-east5", "stream": true,
                         "output_format": { "type": "json_schema", "schema": {} } });
    let http = prepared("vertex_ai/claude-sonnet-4-5", vertex);
    assert!(
        http.url.ends_with("/publishers/anthropic/models/claude-sonnet-4-5:streamRawPredict?alt=sse"),
        "{}",
        http.url
    );
    let body: Map<String, Value> = serde_json::from_slice(&http.body).unwrap();
    assert_eq!((&body["anthropic_version"], &body["stream"]), (&json!("vertex-2023-10-16"), &json!(true)));
    assert!(!body.contains_key("model"));
    assert!(!http.headers.contains_key("anthropic-beta"), "ANT-28: the host does not know it");
    let http =
        prepared("azure_ai/claude-sonnet-4-5", json!({ "api_base": "https://r.services.ai.azure.com" }));
    assert_eq!(http.url, "https://r.services.ai.azure.com/anthropic/v1/messages");
    let as_chat = json!({ "use_chat_completions_api": true });
    assert!(MESSAGES.call("anthropic/claude-sonnet-4-5", with_limit(as_chat)).unwrap().bridge().is_some());
}
