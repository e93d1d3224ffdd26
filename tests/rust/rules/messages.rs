//! AMI: Anthropic's Messages: what is asked, of a provider that has chat completions, and of one that speaks them itself.

use ferrolite::error::{Error, Kind};
use ferrolite::hub::{CallType, FinishReason};
use serde_json::{Map, Value, json};

use super::dialects::{Face, finish, tool};

pub const MESSAGES: Face = Face { call_type: CallType::Messages, basis: "messages" };
pub const VLLM: &str = "hosted_vllm/m";
const GEMINI: &str = "gemini/gemini-2.5-flash";
const CLAUDE_ON_BEDROCK: &str = "bedrock/converse/anthropic.claude-sonnet-4-5-20250929-v1:0";

fn sent(model: &str, more: Value) -> Value {
    MESSAGES.sent(model, with_limit(more))
}

fn refused(model: &str, more: Value) -> Error {
    MESSAGES.refused(model, with_limit(more))
}

pub fn with_limit(mut more: Value) -> Value {
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

pub fn answered(message: Value, finish: &str) -> Value {
    MESSAGES.answered(VLLM, with_limit(json!({})), message, finish)
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
