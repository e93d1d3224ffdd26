//! Callers' formats without their network, and those that have no numbered rules: text completions and Google's
//! `generateContent`.

use bytes::Bytes;
use ferrolite::engine::{Call, Settings};
use ferrolite::error::{Error, Kind, Result};
use ferrolite::hub::{CallType, FinishReason, StreamHead, Target, ThinkingBudgets, Usage};
use ferrolite::wires::framing::Frames;
use ferrolite::wires::openai::{Chunk, ChunkChoice, ToolCallChunk};
use ferrolite::wires::{self, Destination, Dialect, Event, EventEncoder, HttpReply, Memo};
use serde_json::{Map, Value, json};

use super::support::Variables;

/// A call type, and which keyword it has its conversation in.
pub struct Face {
    pub call_type: CallType,
    pub basis: &'static str,
}

/// A stream that is being encoded.
pub struct Stream {
    encoder: Box<dyn EventEncoder>,
    head: StreamHead,
    pub out: Vec<Event>,
}

impl Stream {
    pub fn add(&mut self, chunk: Chunk) {
        self.encoder.chunk(chunk, &self.head, &mut self.out);
    }

    pub fn fail(&mut self, error: &Error) {
        self.encoder.fail(error, &mut self.out);
    }
}

impl Face {
    fn dialect(&self) -> &'static dyn Dialect {
        wires::dialect(self.call_type).unwrap()
    }

    fn keywords(&self, model: &str, more: Value) -> Map<String, Value> {
        let turns = match self.call_type {
            CallType::Messages => json!([{ "role": "user", "content": "hi" }]),
            _ => json!("hi"),
        };
        let mut all = json!({ "model": model, "api_key": "k", "api_base": null, self.basis: turns });
        if model.starts_with("bedrock/") {
            all["aws_region_name"] = "us-east-1".into();
        }
        if model.starts_with("hosted_vllm/") {
            all["api_base"] = "http://localhost/v1".into();
        }
        let (Value::Object(mut all), Value::Object(more)) = (all, more) else {
            panic!("keywords are an object")
        };
        all.extend(more);
        all
    }

    pub fn call(&self, model: &str, more: Value) -> Result<Call> {
        let keywords = self.keywords(model, more);
        Call::from_keywords(self.call_type, keywords, Vec::new(), &Settings::default(), &Variables::default())
    }

    /// The body that would be sent.
    pub fn sent(&self, model: &str, more: Value) -> Value {
        let prepared =
            self.call(model, more).and_then(|call| call.prepare()).expect("the request can be sent");
        serde_json::from_slice(&prepared.call.body).expect("the body is JSON")
    }

    pub fn refused(&self, model: &str, more: Value) -> Error {
        self.call(model, more).and_then(|call| call.prepare()).expect_err("the request is refused")
    }

    fn asked(&self, model: &str, more: Value) -> Map<String, Value> {
        let destination = Destination { model, drop_params: false, budgets: ThinkingBudgets::default() };
        self.dialect().decode_request(self.keywords(model, more), &destination).unwrap().asked
    }

    /// A chat completion as an answer in this format.
    pub fn encoded(&self, target: &Target, more: Value, reply: Value) -> Value {
        let reply =
            HttpReply { status: 200, headers: http::HeaderMap::new(), body: reply.to_string().into() };
        let answer = target.wire.chat().unwrap().decode(&reply, &Memo::default(), target).unwrap();
        let asked = self.asked(&target.model, more);
        self.dialect().encode_response(answer, &asked, target).unwrap()
    }

    pub fn answered(&self, model: &str, more: Value, message: Value, finish: &str) -> Value {
        let call = self.call(model, more.clone()).unwrap();
        let usage = json!({ "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16 });
        self.encoded(call.target(), more, chat(message, finish, usage))
    }

    pub fn answer_with_usage(&self, model: &str, more: Value, usage: Value) -> Value {
        let call = self.call(model, more.clone()).unwrap();
        self.encoded(call.target(), more, chat(json!({ "role": "assistant", "content": "a" }), "stop", usage))
    }

    pub fn stream(&self, model: &str, more: Value) -> Stream {
        let call = self.call(model, more.clone()).unwrap();
        let encoder = self.dialect().encoder(self.asked(model, more), call.target());
        let head =
            StreamHead { id: "chatcmpl-1".into(), created: 7, model: "m".into(), system_fingerprint: None };
        Stream { encoder, head, out: Vec::new() }
    }

    /// Chunks as events, with the usage at their end.
    pub fn streamed(&self, model: &str, more: Value, chunks: Vec<Chunk>) -> Vec<Event> {
        let mut stream = self.stream(model, more);
        let usage = Chunk { usage: Some(Usage::new(11, 5)), ..Chunk::default() };
        for chunk in chunks.into_iter().chain([usage]) {
            stream.add(chunk);
        }
        stream.encoder.finish(&stream.head, &mut stream.out);
        stream.out
    }

    /// What a provider's own stream becomes.
    pub fn passed_through(&self, model: &str, more: Value, events: &[Value]) -> (Vec<Event>, Result<()>) {
        let call = self.call(model, more).unwrap();
        let target = call.target();
        let wire = target.wire.events(self.call_type).unwrap();
        let (mut reader, mut frames) = (wire.reader(&Memo::default(), target), Frames::new(wire.framing()));
        let mut out = Vec::new();
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let ended = frames
            .push(Bytes::from(body), &mut |frame| reader.frame(frame, &mut out).map(|_| true))
            .and_then(|_| reader.end());
        (out, ended)
    }
}

fn chat(message: Value, finish: &str, usage: Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m-1",
        "choices": [{ "index": 0, "message": message, "finish_reason": finish }], "usage": usage,
    })
}

pub fn of(choice: ChunkChoice) -> Chunk {
    Chunk { choices: vec![choice], ..Chunk::default() }
}

pub fn text(content: &str) -> Chunk {
    of(ChunkChoice { content: Some(content.to_owned()), ..ChunkChoice::default() })
}

pub fn thought(content: &str) -> Chunk {
    of(ChunkChoice { reasoning_content: Some(content.to_owned()), ..ChunkChoice::default() })
}

pub fn tool(index: u64, start: Option<(&str, &str)>, arguments: &str) -> Chunk {
    let (id, name) = start.unzip();
    let call = ToolCallChunk {
        index,
        id: id.map(Into::into),
        name: name.map(Into::into),
        arguments: arguments.to_owned(),
        provider_fields: None,
    };
    of(ChunkChoice { tool_calls: vec![call], ..ChunkChoice::default() })
}

pub fn finish(reason: FinishReason) -> Chunk {
    of(ChunkChoice { finish_reason: Some(reason), ..ChunkChoice::default() })
}

const TEXTS: Face = Face { call_type: CallType::TextCompletion, basis: "prompt" };
const CONTENT: Face = Face { call_type: CallType::GenerateContent, basis: "contents" };

fn data(events: Vec<Event>) -> Vec<Value> {
    events.into_iter().map(|event| event.data).collect()
}

#[test]
fn text_goes_to_completions_unless_the_model_is_one_of_chat() {
    let url = |model: &str| TEXTS.call(model, json!({})).unwrap().prepare().unwrap().call.url;
    assert_eq!(url("openai/gpt-3.5-turbo-instruct"), "https://api.openai.com/v1/completions");
    assert_eq!(url("openai/ft-of-my-own"), "https://api.openai.com/v1/completions");
    assert_eq!(url("openai/gpt-4o"), "https://api.openai.com/v1/chat/completions");
    assert_eq!(url("hosted_vllm/m"), "http://localhost/v1/completions");
    assert_eq!(url("mistral/m"), "https://api.mistral.ai/v1/chat/completions");
}

#[test]
fn text_parameters_go_as_they_are_to_a_provider_that_has_them() {
    let more =
        json!({ "prompt": [[1, 2], [3]], "echo": true, "suffix": "s", "best_of": 2, "logprobs": 1, "zq": 1 });
    let body = TEXTS.sent("hosted_vllm/m", more.clone());
    for (name, value) in more.as_object().unwrap() {
        assert_eq!(&body[name], value, "{name}");
    }
}

#[test]
fn text_prompts_are_the_users_messages_for_chat() {
    let body = TEXTS.sent("mistral/m", json!({ "prompt": ["a", "b"], "max_tokens": 3 }));
    assert_eq!(
        body["messages"],
        json!([{ "role": "user", "content": "a" }, { "role": "user", "content": "b" }])
    );
    assert!(body.get("prompt").is_none());
    let error = TEXTS.refused("mistral/m", json!({ "prompt": [1, 2] }));
    assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::BadRequest, Some("prompt")));
}

#[test]
fn text_parameters_that_chat_lacks_are_refused_or_dropped() {
    for more in [json!({ "suffix": "s" }), json!({ "best_of": 2 })] {
        let error = TEXTS.refused("mistral/m", more.clone());
        assert_eq!(error.kind(), Kind::UnsupportedParams, "{more}");
        let mut dropping = more;
        dropping["drop_params"] = true.into();
        TEXTS.sent("mistral/m", dropping);
    }
    TEXTS.sent("mistral/m", json!({ "best_of": 1, "suffix": "" }));
}

#[test]
fn text_logprobs_are_lists_side_by_side() {
    let body = TEXTS.sent("openai/gpt-4o", json!({ "logprobs": 2 }));
    assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(2)));
    let more = json!({ "logprobs": 1, "echo": true, "prompt": "Sky: " });
    let call = TEXTS.call("openai/gpt-4o", more.clone()).unwrap();
    let token = |text: &str| json!({ "token": text, "logprob": -0.1, "bytes": null, "top_logprobs": [{ "token": text, "logprob": -0.1 }] });
    let mut reply = chat(json!({ "role": "assistant", "content": "is blue" }), "length", json!({}));
    reply["choices"][0]["logprobs"] = json!({ "content": [token("is"), token(" blue")] });
    let answer = TEXTS.encoded(call.target(), more, reply);
    let choice = &answer["choices"][0];
    assert_eq!((&choice["text"], &choice["finish_reason"]), (&json!("Sky: is blue"), &json!("length")));
    assert_eq!(
        choice["logprobs"],
        json!({ "tokens": ["is", " blue"], "token_logprobs": [-0.1, -0.1], "text_offset": [5, 7],
                "top_logprobs": [{ "is": -0.1 }, { " blue": -0.1 }] })
    );
    assert_eq!(answer["object"], "text_completion");
}

#[test]
fn text_chunks_have_their_text_in_the_choice() {
    let chunks = || vec![text("a"), text("b"), finish(FinishReason::Stop)];
    let events = data(TEXTS.streamed("mistral/m", json!({ "echo": true, "prompt": "p" }), chunks()));
    let texts: Vec<_> = events.iter().map(|event| event["choices"][0]["text"].clone()).collect();
    assert_eq!(texts, [json!("pa"), json!("b"), json!(null)]);
    assert_eq!(events[2]["choices"][0]["finish_reason"], "stop");
    assert!(events.iter().all(|event| event["id"] == "chatcmpl-1" && event.get("usage").is_none()));
    let asked = json!({ "stream_options": { "include_usage": true } });
    let events = data(TEXTS.streamed("openai/gpt-4o", asked, chunks()));
    assert_eq!((&events[3]["choices"], &events[3]["usage"]["total_tokens"]), (&json!([]), &json!(16)));
}

#[test]
fn text_chunks_of_a_provider_are_handed_on_to_their_end() {
    let chunk = |text: &str, finish: Value| json!({ "choices": [{ "index": 0, "text": text, "finish_reason": finish }] });
    let whole = [chunk("a", Value::Null), chunk("", json!("stop"))];
    let (events, ended) = TEXTS.passed_through("hosted_vllm/m", json!({}), &whole);
    assert_eq!((data(events), ended.is_ok()), (whole.to_vec(), true));
    let (_, ended) = TEXTS.passed_through("hosted_vllm/m", json!({}), &whole[..1]);
    assert_eq!(ended.unwrap_err().kind(), Kind::Connection, "STR-14");
    let failed = json!({ "error": { "message": "no", "code": 429 } });
    let (_, ended) = TEXTS.passed_through("hosted_vllm/m", json!({}), &[failed]);
    assert_eq!(ended.unwrap_err().kind(), Kind::RateLimit);
}

#[test]
fn content_goes_to_google_in_googles_form() {
    let more = json!({ "contents": "hi", "system_instruction": "s", "foo": 1,
        "config": { "temperature": 0.5, "max_output_tokens": 9, "tools": [{ "google_search": {} }], "http_options": {},
                    "safety_settings": [], "thinking_config": { "thinking_budget": 5 }, "seed": null } });
    let call = CONTENT.call("gemini/gemini-2.5-flash", more).unwrap().prepare().unwrap().call;
    assert!(call.url.ends_with("/v1beta/models/gemini-2.5-flash:generateContent"), "{}", call.url);
    assert_eq!(
        serde_json::from_slice::<Value>(&call.body).unwrap(),
        json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }],
                "systemInstruction": { "parts": [{ "text": "s" }] }, "safetySettings": [],
                "tools": [{ "google_search": {} }], "foo": 1,
                "generationConfig": { "temperature": 0.5, "maxOutputTokens": 9, "thinkingConfig": { "thinking_budget": 5 } } })
    );
    let streams =
        CONTENT.call("gemini/gemini-2.5-flash", json!({ "stream": true })).unwrap().prepare().unwrap();
    assert!(streams.call.url.ends_with(":streamGenerateContent?alt=sse"));
}

#[test]
fn content_becomes_a_conversation() {
    let more = json!({ "contents": [
        { "role": "user", "parts": [
            { "text": "a" }, { "inlineData": { "mimeType": "image/png", "data": "_-8=" } },
            { "file_data": { "file_uri": "https://h/i.png", "mime_type": "image/png" } }] },
        { "role": "model", "parts": [
            { "text": "hm", "thought": true }, { "text": "x" },
            { "functionCall": { "name": "f", "args": { "a": 1 } }, "thoughtSignature": "SIG" },
            { "functionCall": { "name": "f", "args": {} } }, { "functionCall": { "id": "c9", "name": "g" } }] },
        { "role": "user", "parts": [
            { "text": "more" }, { "functionResponse": { "name": "f", "response": { "r": 1 } } },
            { "functionResponse": { "id": "c9", "name": "g", "response": { "r": 3 } } },
            { "functionResponse": { "name": "f", "response": { "r": 2 } } }] },
    ] });
    let messages = CONTENT.sent("hosted_vllm/m", more)["messages"].clone();
    assert_eq!(messages[0]["content"][1]["image_url"]["url"], "data:image/png;base64,/+8=");
    assert_eq!(messages[0]["content"][2]["image_url"]["url"], "https://h/i.png");
    assert_eq!((&messages[1]["content"], &messages[1]["reasoning_content"]), (&json!("x"), &json!("hm")));
    let ids: Vec<_> = (0..3).map(|at| messages[1]["tool_calls"][at]["id"].clone()).collect();
    let answered: Vec<_> = (2..5).map(|at| messages[at]["tool_call_id"].clone()).collect();
    assert_eq!(answered, [ids[0].clone(), ids[2].clone(), ids[1].clone()]);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(
        (&messages[2]["content"], &messages[4]["content"]),
        (&json!("{\"r\": 1}"), &json!("{\"r\": 2}"))
    );
    assert_eq!(messages[5], json!({ "role": "user", "content": "more" }));
    let error =
        CONTENT.refused("hosted_vllm/m", json!({ "contents": [{ "parts": [{ "executableCode": {} }] }] }));
    assert_eq!(error.facts().param.as_deref(), Some("contents[0].parts[0]"));
}

#[test]
fn content_settings_have_their_counterparts() {
    let more = json!({
        "systemInstruction": { "parts": [{ "text": "one" }, { "text": "two" }] },
        "config": {
            "temperature": 0.5, "topP": 0.9, "topK": 4, "maxOutputTokens": 9, "stopSequences": ["x"], "seed": 1,
            "candidateCount": 2, "responseMimeType": "application/json", "safetySettings": [],
            "responseSchema": { "type": "OBJECT", "propertyOrdering": ["a"], "properties": {
                "a": { "type": "STRING", "nullable": true },
                "b": { "type": "ARRAY", "items": { "type": "INTEGER" }, "minItems": "1" } } },
            "thinkingConfig": { "thinkingBudget": 2048 },
            "tools": [{ "functionDeclarations": [{ "name": "f", "description": "d", "parameters": { "type": "OBJECT" } },
                                                 { "name": "g" }] }],
            "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["g"] } },
        },
    });
    let body = CONTENT.sent("hosted_vllm/m", more);
    assert_eq!(body["messages"][0], json!({ "role": "system", "content": "one\ntwo" }));
    for (name, value) in [
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("top_k", json!(4)),
        ("max_tokens", json!(9)),
        ("stop", json!(["x"])),
        ("seed", json!(1)),
        ("n", json!(2)),
        ("reasoning_effort", json!("medium")),
        ("tool_choice", json!("required")),
    ] {
        assert_eq!(body[name], value, "{name}");
    }
    assert_eq!(body["tools"].as_array().unwrap().len(), 1, "only what is allowed");
    assert_eq!(body["tools"][0]["function"]["name"], "g");
    assert_eq!(
        body["response_format"]["json_schema"]["schema"],
        json!({ "type": "object", "properties": {
            "a": { "type": ["string", "null"] },
            "b": { "type": "array", "items": { "type": "integer" }, "minItems": 1 } } })
    );
    let effort = |thinking: Value| {
        let body = CONTENT.sent("hosted_vllm/m", json!({ "config": { "thinkingConfig": thinking } }));
        body.get("reasoning_effort").cloned()
    };
    assert_eq!(effort(json!({ "thinkingBudget": 0 })), Some(json!("none")));
    assert_eq!(effort(json!({ "thinkingBudget": -1 })), None);
    assert_eq!(effort(json!({ "thinkingLevel": "HIGH" })), Some(json!("high")));
}

#[test]
fn content_answers_have_googles_names() {
    let said = json!({ "role": "assistant", "content": "x", "reasoning_content": "hm", "tool_calls": [
        { "id": "c1", "function": { "name": "f", "arguments": "{\"a\": 1}" },
          "provider_specific_fields": { "thought_signature": "SIG" } }] });
    let answer = CONTENT.answered("hosted_vllm/m", json!({}), said.clone(), "tool_calls");
    assert_eq!(
        answer["candidates"][0],
        json!({ "index": 0, "finishReason": "STOP", "content": { "role": "model", "parts": [
            { "text": "x" },
            { "functionCall": { "id": "c1", "name": "f", "args": { "a": 1 } }, "thoughtSignature": "SIG" }] } })
    );
    assert_eq!((&answer["modelVersion"], &answer["responseId"]), (&json!("m-1"), &json!("chatcmpl-1")));
    let shown = json!({ "config": { "thinkingConfig": { "includeThoughts": true } } });
    let answer = CONTENT.answered("hosted_vllm/m", shown, said, "length");
    assert_eq!(answer["candidates"][0]["content"]["parts"][0], json!({ "text": "hm", "thought": true }));
    assert_eq!(answer["candidates"][0]["finishReason"], "MAX_TOKENS");
    let usage = json!({ "prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16,
                        "prompt_tokens_details": { "cached_tokens": 3 },
                        "completion_tokens_details": { "reasoning_tokens": 2 } });
    assert_eq!(
        CONTENT.answer_with_usage("hosted_vllm/m", json!({}), usage)["usageMetadata"],
        json!({ "promptTokenCount": 11, "candidatesTokenCount": 3, "totalTokenCount": 16,
                "thoughtsTokenCount": 2, "cachedContentTokenCount": 3 })
    );
}

#[test]
fn content_streams_text_at_once_and_calls_whole() {
    let chunks = vec![
        text("a"),
        tool(0, Some(("c1", "f")), ""),
        tool(0, None, "{\"a\":"),
        tool(0, None, "1}"),
        finish(FinishReason::ToolCalls),
    ];
    let events = data(CONTENT.streamed("hosted_vllm/m", json!({}), chunks));
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["candidates"][0]["content"]["parts"], json!([{ "text": "a" }]));
    let last = &events[1]["candidates"][0];
    assert_eq!(last["content"]["parts"][0]["functionCall"]["args"], json!({ "a": 1 }));
    assert_eq!(
        (&last["finishReason"], &events[1]["usageMetadata"]["totalTokenCount"]),
        (&json!("STOP"), &json!(16))
    );
    let mut stream = CONTENT.stream("hosted_vllm/m", json!({}));
    stream.fail(&Error::new(Kind::RateLimit, "slow").with_status(429));
    assert_eq!(stream.out[0].data["error"]["status"], "RESOURCE_EXHAUSTED");
}

#[test]
fn content_of_google_is_handed_on_to_its_end() {
    let chunk = |finish: Value| json!({ "candidates": [{ "content": { "parts": [{ "text": "a" }] }, "finishReason": finish }] });
    let whole = [chunk(Value::Null), chunk(json!("STOP"))];
    let (events, ended) = CONTENT.passed_through("gemini/gemini-2.5-flash", json!({}), &whole);
    assert_eq!((data(events), ended.is_ok()), (whole.to_vec(), true));
    let (_, ended) = CONTENT.passed_through("gemini/gemini-2.5-flash", json!({}), &whole[..1]);
    assert_eq!(ended.unwrap_err().kind(), Kind::Connection, "STR-14");
}

#[test]
fn gemini_generates_content_wherever_it_is_served() {
    let more = json!({ "vertex_project": "p", "vertex_location": "us-central1", "stream": true });
    let call = CONTENT.call("vertex_ai/gemini-2.5-flash", more).unwrap();
    assert!(call.bridge().is_none());
    let url = call.prepare().unwrap().call.url;
    assert!(url.ends_with("/models/gemini-2.5-flash:streamGenerateContent?alt=sse"), "{url}");
}
