//! The mock server over real loopback HTTP, as a program under test sees it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "clippy takes the helpers of a test for other code")]

use std::sync::Once;
use std::time::{Duration, Instant};

use ferrolite::mock::{MockHandle, MockOptions};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::runtime::Handle;

struct Mock {
    server: MockHandle,
    client: Client,
}

/// A whole reply.
struct Reply {
    status: u16,
    headers: reqwest::header::HeaderMap,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

impl Mock {
    fn start(options: MockOptions) -> Self {
        static TLS: Once = Once::new();
        TLS.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { server: MockHandle::start(options, &Handle::current()).unwrap(), client }
    }

    fn plain() -> Self {
        Self::start(MockOptions::default())
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.server.base_url())).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        whole(self.send(Method::POST, path, headers, body.to_string()).await).await
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.post_with(path, &[], body).await.json()
    }

    async fn get(&self, path: &str) -> Value {
        whole(self.send(Method::GET, path, &[], String::new()).await).await.json()
    }

    /// The data of a stream's events.
    async fn events_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Vec<Value> {
        events(&self.post_with(path, headers, body).await.text)
    }

    async fn events(&self, path: &str, body: &Value) -> Vec<Value> {
        self.events_with(path, &[], body).await
    }
}

async fn whole(response: Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Reply { status, headers, text: response.text().await.unwrap() }
}

fn events(text: &str) -> Vec<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The strings at `pointer` in all events, joined.
fn joined(events: &[Value], pointer: &str) -> String {
    events.iter().filter_map(|event| event.pointer(pointer)?.as_str()).collect()
}

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const STREAM: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse";

fn chat(text: &str) -> Value {
    json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}]})
}

fn message(text: &str) -> Value {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 1000, "messages": [{"role": "user", "content": text}]})
}

fn contents(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

/// `body` with the fields of `more`.
fn with(mut body: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("fields are expected") };
    body.as_object_mut().unwrap().extend(more);
    body
}

fn weather_schema() -> Value {
    json!({"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}}})
}

const SAID: &str = "Hello from ferrolite mock: you said \"Hi there, æøå\"";

#[tokio::test]
async fn openai_stream_says_what_the_plain_answer_says() {
    let mock = Mock::plain();
    let ask = chat("Hi there, æøå");
    let plain = mock.post(CHAT, &ask).await;
    assert_eq!(plain["choices"][0]["message"]["content"], SAID);
    assert_eq!(plain["choices"][0]["finish_reason"], "stop");
    assert_eq!(plain["model"], "gpt-4o");
    let ask = with(ask, json!({"stream": true, "stream_options": {"include_usage": true}}));
    let reply = mock.post_with("/chat/completions", &[], &ask).await;
    assert!(reply.text.ends_with("data: [DONE]\n\n"));
    let events = events(&reply.text);
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(joined(&events, "/choices/0/delta/content"), SAID);
    assert_eq!(events[events.len() - 2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(events[events.len() - 1]["usage"], plain["usage"]);
    assert_eq!(events[events.len() - 1]["choices"], json!([]));
    let without = mock.events(CHAT, &with(chat("x"), json!({"stream": true}))).await;
    assert!(without.iter().all(|event| event.get("usage").is_none()));
}

#[tokio::test]
async fn anthropic_stream_says_what_the_plain_answer_says() {
    let mock = Mock::plain();
    let ask = message("Hi there, æøå");
    let plain = mock.post(MESSAGES, &ask).await;
    assert_eq!(plain["content"], json!([{"type": "text", "text": SAID}]));
    assert_eq!(plain["stop_reason"], "end_turn");
    let events = mock.events(MESSAGES, &with(ask, json!({"stream": true}))).await;
    let mut kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    kinds.dedup();
    assert_eq!(
        kinds,
        [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(joined(&events, "/delta/text"), SAID);
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], plain["usage"]["input_tokens"]);
    assert_eq!(events[events.len() - 2]["usage"]["output_tokens"], plain["usage"]["output_tokens"]);
}

#[tokio::test]
async fn gemini_streams_say_what_the_plain_answer_says() {
    let mock = Mock::plain();
    let ask = contents("Hi there, æøå");
    let plain = mock.post(GENERATE, &ask).await;
    assert_eq!(plain["candidates"][0]["content"]["parts"][0]["text"], SAID);
    let events = mock.events(STREAM, &ask).await;
    let array = mock.post(STREAM.strip_suffix("?alt=sse").unwrap(), &ask).await;
    for chunks in [&events, array.as_array().unwrap()] {
        assert_eq!(joined(chunks, "/candidates/0/content/parts/0/text"), SAID);
        let last = &chunks[chunks.len() - 1];
        assert_eq!(last["candidates"][0]["finishReason"], "STOP");
        assert_eq!(last["usageMetadata"], plain["usageMetadata"]);
    }
    // The addresses of other clients.
    for path in
        ["/v1/models/g:generateContent", "/models/g:generateContent", "/v1alpha/models/g:generateContent"]
    {
        assert_eq!(mock.post(path, &ask).await["modelVersion"], "g");
    }
}

#[tokio::test]
async fn responses_stream_ends_with_the_plain_answer() {
    let mock = Mock::plain();
    let ask = json!({"model": "gpt-4o", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "reasoning": {"effort": "low"}});
    let plain = mock.post("/v1/responses", &ask).await;
    assert_eq!(plain["output"][1]["content"][0]["text"], "Hello from ferrolite mock: you said \"Hi\"");
    let events = mock.events("/v1/responses", &with(ask, json!({"stream": true}))).await;
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    assert_eq!(events[0]["type"], "response.created");
    let last = &events[events.len() - 1];
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["usage"], plain["usage"]);
    let text: Vec<Value> =
        events.iter().filter(|event| event["type"] == "response.output_text.delta").cloned().collect();
    assert_eq!(joined(&text, "/delta"), "Hello from ferrolite mock: you said \"Hi\"");
}

#[tokio::test]
async fn tools_are_called_with_arguments_from_their_schema() {
    let mock = Mock::plain();
    let arguments = json!({"city": "Oslo", "unit": "celsius"});

    let tools =
        json!([{"type": "function", "function": {"name": "get_weather", "parameters": weather_schema()}}]);
    let ask = with(chat("What is the weather?"), json!({"tools": tools}));
    let plain = mock.post(CHAT, &ask).await;
    assert_eq!(plain["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(plain["choices"][0]["message"]["content"], Value::Null);
    let call = &plain["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(call["name"], "get_weather");
    assert_eq!(call["arguments"], arguments.to_string());
    let events = mock.events(CHAT, &with(ask, json!({"stream": true}))).await;
    let streamed = joined(&events, "/choices/0/delta/tool_calls/0/function/arguments");
    assert_eq!(streamed, arguments.to_string());
    assert_eq!(joined(&events, "/choices/0/delta/tool_calls/0/function/name"), "get_weather");

    let tools = json!([{"name": "get_weather", "input_schema": weather_schema()}]);
    let ask = with(message("hi"), json!({"tools": tools, "tool_choice": {"type": "any"}}));
    let plain = mock.post(MESSAGES, &ask).await;
    assert_eq!(plain["stop_reason"], "tool_use");
    assert_eq!(plain["content"][0]["input"], arguments);
    let events = mock.events(MESSAGES, &with(ask, json!({"stream": true}))).await;
    assert_eq!(joined(&events, "/delta/partial_json"), arguments.to_string());

    let tools = json!([{"functionDeclarations": [{"name": "get_weather", "parameters": weather_schema()}]}]);
    let ask = with(contents("please get weather"), json!({"tools": tools}));
    let part = json!({"functionCall": {"name": "get_weather", "args": arguments}});
    assert_eq!(mock.post(GENERATE, &ask).await["candidates"][0]["content"]["parts"], json!([part]));
    assert_eq!(mock.events(STREAM, &ask).await[0]["candidates"][0]["content"]["parts"], json!([part]));

    let tools = json!([{"type": "function", "name": "get_weather", "parameters": weather_schema()}]);
    let ask = json!({"model": "m", "input": "weather?", "tools": tools});
    let plain = mock.post("/v1/responses", &ask).await;
    assert_eq!(plain["output"][0]["arguments"], arguments.to_string());
}

#[tokio::test]
async fn tool_choice_decides() {
    let mock = Mock::plain();
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let tools = json!({"tools": [tool("first_one"), tool("second_one")]});
    let named = json!({"type": "function", "function": {"name": "second_one"}});
    for (text, choice, called) in [
        ("hi", json!("auto"), vec![]),
        ("use a tool", json!("none"), vec![]),
        ("use a tool", json!("auto"), vec!["first_one"]),
        ("hi", json!("required"), vec!["first_one"]),
        ("hi", named, vec!["second_one"]),
        ("first one and second_one", json!("auto"), vec!["first_one", "second_one"]),
    ] {
        let ask = with(with(chat(text), tools.clone()), json!({"tool_choice": choice}));
        let answer = mock.post(CHAT, &ask).await;
        let calls = answer["choices"][0]["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
        let names: Vec<&str> = calls.iter().filter_map(|call| call["function"]["name"].as_str()).collect();
        assert_eq!(names, called, "{text} {choice}");
    }
}

#[tokio::test]
async fn tool_results_are_quoted() {
    let mock = Mock::plain();
    let ask = json!({"model": "m", "messages": [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "w", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "-3 C"}],
        "tools": [{"type": "function", "function": {"name": "w"}}]});
    let answer = mock.post(CHAT, &ask).await;
    assert_eq!(answer["choices"][0]["message"]["content"], "The tool answered: -3 C");
    let ask = json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "content": "-3 C"},
        {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "snow"}]}]}]});
    assert_eq!(mock.post(MESSAGES, &ask).await["content"][0]["text"], "The tool answered: -3 C; snow");
    let ask = json!({"contents": [{"parts": [{"function_response": {"name": "w", "response": {"t": -3}}}]}]});
    let answer = mock.post(GENERATE, &ask).await;
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["text"], "The tool answered: {\"t\":-3}");
}

#[tokio::test]
async fn json_is_answered_when_asked_for() {
    let mock = Mock::plain();
    let expected = json!({"city": "Oslo", "unit": "celsius"}).to_string();
    let format = json!({"type": "json_schema", "json_schema": {"name": "w", "schema": weather_schema()}});
    let answer = mock.post(CHAT, &with(chat("x"), json!({"response_format": format}))).await;
    assert_eq!(answer["choices"][0]["message"]["content"], expected);
    let answer = mock.post(CHAT, &with(chat("x"), json!({"response_format": {"type": "json_object"}}))).await;
    let content = answer["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(serde_json::from_str::<Value>(content).unwrap().is_object());
    let format = json!({"type": "json_schema", "schema": weather_schema()});
    for more in [json!({"output_format": format}), json!({"output_config": {"format": format}})] {
        assert_eq!(mock.post(MESSAGES, &with(message("x"), more)).await["content"][0]["text"], expected);
    }
    for field in ["responseSchema", "response_json_schema"] {
        let ask = with(contents("x"), json!({"generationConfig": {field: weather_schema()}}));
        assert_eq!(mock.post(GENERATE, &ask).await["candidates"][0]["content"]["parts"][0]["text"], expected);
    }
}

#[tokio::test]
async fn limits_stops_and_choices_are_kept() {
    let mock = Mock::plain();
    let answer = mock.post(CHAT, &with(chat("x"), json!({"n": 2, "max_tokens": 3}))).await;
    assert_eq!(answer["choices"].as_array().unwrap().len(), 2);
    assert_eq!(answer["choices"][1]["message"]["content"], "Hello from ferrolite");
    assert_eq!(answer["choices"][1]["finish_reason"], "length");
    assert_eq!(answer["usage"]["completion_tokens"], 6);
    let answer = mock.post(MESSAGES, &with(message("x"), json!({"stop_sequences": ["mock", "nope"]}))).await;
    assert_eq!(answer["content"][0]["text"], "Hello from ferrolite ");
    assert_eq!((&answer["stop_reason"], &answer["stop_sequence"]), (&json!("stop_sequence"), &json!("mock")));
    let ask =
        with(contents("x"), json!({"generation_config": {"max_output_tokens": 2, "candidateCount": 2}}));
    let answer = mock.post(GENERATE, &ask).await;
    assert_eq!(answer["candidates"][1]["finishReason"], "MAX_TOKENS");
    let ask = json!({"model": "m", "prompt": "x", "max_tokens": 2, "stream": true});
    assert_eq!(joined(&mock.events("/v1/completions", &ask).await, "/choices/0/text"), "Hello from");
}

#[tokio::test]
async fn thinking_comes_before_the_answer() {
    let mock = Mock::plain();
    let answer = mock.post(CHAT, &with(chat("x"), json!({"reasoning_effort": "low"}))).await;
    assert!(answer["choices"][0]["message"]["reasoning_content"].as_str().unwrap().contains("\"x\""));
    assert!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap() > 0);
    let ask = with(message("x"), json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}));
    let answer = mock.post(MESSAGES, &ask).await;
    assert_eq!(answer["content"][0]["type"], "thinking");
    let events = mock.events(MESSAGES, &with(ask, json!({"stream": true}))).await;
    assert_eq!(joined(&events, "/delta/thinking"), answer["content"][0]["thinking"]);
    assert_eq!(joined(&events, "/delta/signature"), answer["content"][0]["signature"]);
    let ask = with(contents("x"), json!({"generationConfig": {"thinkingConfig": {"includeThoughts": true}}}));
    let answer = mock.post(GENERATE, &ask).await;
    assert_eq!(answer["candidates"][0]["content"]["parts"][0]["thought"], true);
    assert!(answer["usageMetadata"]["thoughtsTokenCount"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn embeddings_and_counts() {
    let mock = Mock::plain();
    let ask = json!({"model": "e", "input": ["one", "two"], "dimensions": 8});
    let plain = mock.post("/v1/embeddings", &ask).await;
    assert_eq!(plain["data"][1]["embedding"].as_array().unwrap().len(), 8);
    let encoded = mock.post("/embeddings", &with(ask, json!({"encoding_format": "base64"}))).await;
    assert_eq!(encoded["data"][0]["embedding"].as_str().unwrap().len(), 44);
    let content = json!({"parts": [{"text": "one"}]});
    let one = json!({"content": content, "outputDimensionality": 8});
    let embedded = mock.post("/v1beta/models/e:embedContent", &one).await;
    assert_eq!(embedded["embedding"]["values"], plain["data"][0]["embedding"]);
    let batch = mock.post("/v1beta/models/e:batchEmbedContents", &json!({"requests": [one, one]})).await;
    assert_eq!(batch["embeddings"][1], embedded["embedding"]);
    let counted = mock.post("/v1/messages/count_tokens", &message("one two three")).await;
    assert_eq!(counted["input_tokens"], 3);
    let counted = mock.post("/v1beta/models/g:countTokens", &contents("one two three")).await;
    assert_eq!(counted["totalTokens"], 3);
    assert_eq!(mock.get("/v1/models").await["object"], "list");
    assert!(mock.get("/v1beta/models").await["models"].is_array());
    assert_eq!(mock.get("/v1/models/gpt-4o").await["id"], "gpt-4o");
    assert_eq!(mock.get("/health").await["status"], "ok");
}

#[tokio::test]
async fn errors_are_in_the_dialect_of_the_path() {
    let mock = Mock::start(MockOptions { require_key: Some("right".into()), ..MockOptions::default() });
    let bearer = ("authorization", "Bearer right");
    for (path, kind, code) in [
        (CHAT, "/error/type", json!("requests")),
        (MESSAGES, "/error/type", json!("rate_limit_error")),
        (GENERATE, "/error/status", json!("RESOURCE_EXHAUSTED")),
    ] {
        let limited = [bearer, ("x-mock-status", "429"), ("x-mock-retry-after", "7")];
        let reply = mock.post_with(path, &limited, &json!({})).await;
        assert_eq!((reply.status, reply.headers["retry-after"].to_str().unwrap()), (429, "7"));
        assert_eq!(reply.json().pointer(kind), Some(&code), "{path}");

        assert_eq!(mock.post_with(path, &[], &json!({})).await.status, 401);
        let wrong = [("authorization", "Bearer wrong")];
        assert_eq!(mock.post_with(path, &wrong, &json!({})).await.status, 401);
        let incomplete = mock.post_with(path, &[bearer], &json!({"model": "m"})).await;
        assert_eq!(incomplete.status, 400, "{}", incomplete.text);
        assert!(incomplete.json()["error"]["message"].is_string());
        let typo = [bearer, ("x-mock-stats", "429")];
        assert_eq!(mock.post_with(path, &typo, &json!({})).await.status, 400);

        let malformed = whole(mock.send(Method::POST, path, &[bearer], "{\"model\"".into()).await).await;
        assert_eq!(malformed.status, 400);
        let wrong_method = whole(mock.send(Method::PUT, path, &[bearer], String::new()).await).await;
        assert_eq!((wrong_method.status, wrong_method.headers["allow"].to_str().unwrap()), (405, "POST"));
        let unknown = mock.post_with(&format!("{path}/nope"), &[bearer], &json!({})).await;
        assert_eq!(unknown.status, 404);
        assert!(unknown.json().pointer(kind).is_some(), "{}", unknown.text);
    }
    let google = [("x-goog-api-key", "right")];
    assert_eq!(mock.post_with(GENERATE, &google, &contents("x")).await.status, 200);
    assert_eq!(mock.post_with(&format!("{GENERATE}?key=right"), &[], &contents("x")).await.status, 200);
    assert_eq!(mock.post_with(MESSAGES, &[("x-api-key", "right")], &message("x")).await.status, 200);
}

#[tokio::test]
async fn failures_by_model_name_count_and_rate() {
    let mock = Mock::plain();
    let ask = with(chat("x"), json!({"model": "gpt-4o-error-503"}));
    assert_eq!(mock.post_with(CHAT, &[], &ask).await.status, 503);
    let headers = [("x-mock-fail-times", "2"), ("x-mock-key", "a"), ("x-mock-status", "429")];
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(mock.post_with(CHAT, &headers, &chat("x")).await.status);
    }
    assert_eq!(statuses, [429, 429, 200, 200]);

    let mut runs = Vec::new();
    for _ in 0..2 {
        let options = MockOptions { error_rate: Some(0.3), seed: 7, ..MockOptions::default() };
        let mock = Mock::start(options);
        let mut failed = Vec::new();
        for _ in 0..100 {
            failed.push(mock.post_with(CHAT, &[], &chat("x")).await.status == 500);
        }
        runs.push(failed);
    }
    assert_eq!(runs[0], runs[1]);
    let failed = runs[0].iter().filter(|failed| **failed).count();
    assert!((15..45).contains(&failed), "{failed}");

    let all = Mock::start(MockOptions { error_status: Some(529), ..MockOptions::default() });
    assert_eq!(all.post_with(MESSAGES, &[], &message("x")).await.status, 529);
}

#[tokio::test]
async fn streams_have_the_chunks_asked_for() {
    let mock = Mock::plain();
    let content = |events: &[Value]| {
        events
            .iter()
            .filter(|event| {
                event["choices"][0]["delta"]["content"].as_str().is_some_and(|text| !text.is_empty())
            })
            .count()
    };
    let ask = with(chat("Hi"), json!({"stream": true}));
    for count in [1, 3, 2000] {
        let headers = [("x-mock-chunks", &*count.to_string())];
        let events = mock.events_with(CHAT, &headers, &ask).await;
        assert_eq!(content(&events), count);
        let plain = mock.post_with(CHAT, &headers, &chat("Hi")).await.json();
        assert_eq!(joined(&events, "/choices/0/delta/content"), plain["choices"][0]["message"]["content"]);
    }
    let start = Instant::now();
    let headers =
        [("x-mock-chunk-delay-ms", "20"), ("x-mock-reply", "one two three"), ("x-mock-latency-ms", "20")];
    assert_eq!(content(&mock.events_with(CHAT, &headers, &ask).await), 3);
    assert!(start.elapsed() >= Duration::from_millis(60));
    let fixed =
        Mock::start(MockOptions { words: Some(5), reply: Some("a b".into()), ..MockOptions::default() });
    assert_eq!(fixed.post(CHAT, &chat("x")).await["choices"][0]["message"]["content"], "a b a b a");
}

#[tokio::test]
async fn streams_break_and_fail_half_way() {
    let mock = Mock::plain();
    for (path, ask, text, error) in [
        (CHAT, with(chat("x"), json!({"stream": true})), "/choices/0/delta/content", "/error/message"),
        (MESSAGES, with(message("x"), json!({"stream": true})), "/delta/text", "/error/message"),
        (STREAM, contents("x"), "/candidates/0/content/parts/0/text", "/error/message"),
    ] {
        let events = mock.events_with(path, &[("x-mock-stream-error", "2")], &ask).await;
        assert_eq!(joined(&events, text), "Hello from");
        assert!(events[events.len() - 1].pointer(error).is_some(), "{path}");

        let mut response = mock.send(Method::POST, path, &[("x-mock-cut", "2")], ask.to_string()).await;
        let mut received = Vec::new();
        let broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => received.extend_from_slice(&chunk),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(broken, "{path}");
        assert_eq!(joined(&self::events(&String::from_utf8(received).unwrap()), text), "Hello from");
    }
    let cut = mock.send(Method::POST, CHAT, &[("x-mock-cut", "0")], chat("x").to_string()).await;
    assert!(cut.text().await.is_err());
}

#[tokio::test]
async fn bad_bodies_are_bad() {
    let mock = Mock::plain();
    for stream in [false, true] {
        let ask = with(chat("x"), json!({"stream": stream})).to_string();
        for kind in ["html", "empty", "truncated", "invalid-utf8", "wrong-types"] {
            let response = mock.send(Method::POST, CHAT, &[("x-mock-body", kind)], ask.clone()).await;
            assert_eq!(response.status(), 200);
            let html = response.headers()["content-type"].to_str().unwrap().starts_with("text/html");
            assert_eq!(html, kind == "html");
            let body = response.bytes().await.unwrap();
            assert_eq!(body.is_empty(), kind == "empty");
            assert_eq!(std::str::from_utf8(&body).is_err(), kind == "invalid-utf8");
            let json = serde_json::from_slice::<Value>(&body);
            assert_eq!(json.is_ok_and(|json| json["choices"] == "none"), kind == "wrong-types" && !stream);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hanging_requests_end_with_the_client_or_the_server() {
    let mock = Mock::plain();
    let url = format!("{}{CHAT}", mock.server.base_url());
    let hang = || mock.client.post(&url).header("x-mock-hang", "true").body(chat("x").to_string());
    assert!(hang().timeout(Duration::from_millis(50)).send().await.unwrap_err().is_timeout());

    let hanging = tokio::spawn(hang().send());
    let delayed = mock.client.post(&url).header("x-mock-chunk-delay-ms", "60000");
    let mut delayed =
        delayed.body(with(chat("x"), json!({"stream": true})).to_string()).send().await.unwrap();
    assert!(delayed.chunk().await.unwrap().is_some());
    tokio::time::sleep(Duration::from_millis(20)).await;
    let start = Instant::now();
    let server = mock.server;
    tokio::task::spawn_blocking(move || server.stop()).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    assert!(
        hanging.await.unwrap().is_err_and(|error| !error.is_timeout())
            || start.elapsed() < Duration::from_secs(1)
    );
    while let Ok(Some(_)) = delayed.chunk().await {}
    assert!(mock.client.post(&url).body("{}").send().await.is_err_and(|error| error.is_connect()));
}

#[tokio::test]
async fn requests_are_recorded_when_asked_for() {
    let mock = Mock::start(MockOptions { record: true, ..MockOptions::default() });
    mock.post_with(CHAT, &[("authorization", "Bearer sk-secret")], &chat("remember me")).await;
    mock.post_with("/v1/nope?key=sk-secret", &[("x-api-key", "sk-secret")], &json!({})).await;
    let recorded = mock.get("/_mock/requests").await;
    assert_eq!(recorded["seen"], 2);
    let first = &recorded["requests"][0];
    assert_eq!((&first["method"], &first["path"]), (&json!("POST"), &json!(CHAT)));
    assert_eq!(first["body"], chat("remember me"));
    assert_eq!(first["headers"]["authorization"], "Bearer [redacted]");
    assert!(!recorded.to_string().contains("secret"));
    mock.send(Method::DELETE, "/_mock/requests", &[], String::new()).await;
    assert_eq!(mock.get("/_mock/requests").await["requests"], json!([]));

    let mock = Mock::plain();
    let reply = whole(mock.send(Method::GET, "/_mock/requests", &[], String::new()).await).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn options_out_of_range_are_refused() {
    for options in [
        MockOptions { error_rate: Some(1.5), ..MockOptions::default() },
        MockOptions { error_status: Some(200), ..MockOptions::default() },
        MockOptions { chunks: Some(0), ..MockOptions::default() },
    ] {
        let refused = MockHandle::start(options, &Handle::current()).err().unwrap();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
    }
}

/// A form with a purpose and a file, as OpenAI's client sends it.
fn upload(purpose: &str, content: &str) -> (&'static str, String) {
    let body = format!(
        "--line\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\n{purpose}\r\n--line\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.jsonl\"\r\nContent-Type: text/plain\r\n\r\n\
         {content}\r\n--line--\r\n"
    );
    ("multipart/form-data; boundary=line", body)
}

#[tokio::test]
async fn a_batch_is_worked_off_at_once() {
    let mock = Mock::plain();
    let line =
        |id: &str, url: &str, body: Value| json!({ "custom_id": id, "url": url, "body": body }).to_string();
    let chat = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }] });
    let lines = [
        line("one", "/v1/chat/completions", chat),
        String::new(),
        line("two", "/v1/embeddings", json!({ "model": "m", "input": "x", "dimensions": 2 })),
        line("three", "/v1/chat/completions", json!({ "model": "m" })),
    ];
    let (kind, form) = upload("batch", &lines.join("\n"));
    let file =
        whole(mock.send(Method::POST, "/v1/files", &[("content-type", kind)], form).await).await.json();
    assert_eq!((&file["filename"], &file["purpose"]), (&json!("a.jsonl"), &json!("batch")));
    let asked = json!({ "input_file_id": file["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h" });
    let batch = mock.post("/v1/batches", &asked).await;
    assert_eq!(batch["status"], "completed");
    assert_eq!(batch["request_counts"], json!({ "total": 3, "completed": 2, "failed": 1 }));
    let read = async |id: &Value| {
        let path = format!("/v1/files/{}/content", id.as_str().unwrap());
        let text = whole(mock.send(Method::GET, &path, &[], String::new()).await).await.text;
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let outputs = read(&batch["output_file_id"]).await;
    let said = &outputs[0]["response"]["body"]["choices"][0]["message"]["content"];
    assert!(said.as_str().unwrap().contains("you said \"Hi\""), "{said}");
    assert_eq!((&outputs[0]["custom_id"], &outputs[1]["custom_id"]), (&json!("one"), &json!("two")));
    let failures = read(&batch["error_file_id"]).await;
    assert_eq!(
        (&failures[0]["custom_id"], &failures[0]["response"]["status_code"]),
        (&json!("three"), &json!(400))
    );
    let id = batch["id"].as_str().unwrap();
    assert_eq!(mock.get(&format!("/v1/batches/{id}")).await, batch);
    assert_eq!(mock.get("/v1/batches?limit=1").await["data"], json!([batch]));
    assert_eq!(mock.post(&format!("/v1/batches/{id}/cancel"), &json!({})).await["status"], "completed");
}

#[tokio::test]
async fn files_and_jobs_are_kept_until_they_are_deleted() {
    let mock = Mock::plain();
    let mut ids = Vec::new();
    for purpose in ["fine-tune", "batch", "fine-tune"] {
        let (kind, form) = upload(purpose, "x");
        let file =
            whole(mock.send(Method::POST, "/files", &[("content-type", kind)], form).await).await.json();
        ids.push(file["id"].as_str().unwrap().to_owned());
    }
    let page = mock.get("/v1/files?purpose=fine-tune&limit=1").await;
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&json!(ids[2]), &json!(true)));
    let next = mock.get(&format!("/v1/files?purpose=fine-tune&after={}", ids[2])).await;
    assert_eq!((&next["data"][0]["id"], &next["has_more"]), (&json!(ids[0]), &json!(false)));
    let path = format!("/v1/files/{}", ids[0]);
    assert_eq!(
        whole(mock.send(Method::DELETE, &path, &[], String::new()).await).await.json()["deleted"],
        true
    );
    assert_eq!(whole(mock.send(Method::GET, &path, &[], String::new()).await).await.status, 404);
    let job = mock.post("/v1/fine_tuning/jobs", &json!({ "model": "m", "training_file": ids[2] })).await;
    let id = job["id"].as_str().unwrap();
    assert_eq!(mock.get(&format!("/v1/fine_tuning/jobs/{id}")).await["status"], "queued");
    assert_eq!(
        mock.post(&format!("/v1/fine_tuning/jobs/{id}/cancel"), &json!({})).await["status"],
        "cancelled"
    );
    for (path, body) in [("/v1/files", "{}"), ("/v1/batches", "{}"), ("/v1/fine_tuning/jobs", "{}")] {
        assert_eq!(
            whole(mock.send(Method::POST, path, &[], body.to_owned()).await).await.status,
            400,
            "{path}"
        );
    }
    let (_, form) = upload("batch", "x");
    let broken = [("content-type", "multipart/form-data; boundary=other")];
    assert_eq!(whole(mock.send(Method::POST, "/v1/files", &broken, form).await).await.status, 400);
}
