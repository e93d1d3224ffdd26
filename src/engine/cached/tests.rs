//! Calls that are answered from a cache, against a server of the test's own.

use std::collections::HashMap;
use std::time::Duration;

use super::*;
use crate::cache::CacheSettings;
use crate::config::Environment;
use crate::engine::chat_wire;
use crate::engine::control::STEERING;
use crate::engine::tests::{Reply, server};
use crate::store::memory::MemoryStore;

struct Nothing;

impl Environment for Nothing {
    fn get(&self, _name: &str) -> Option<String> {
        None
    }
}

fn settings() -> Settings {
    let store = Arc::new(MemoryStore::new(1 << 20));
    let cache = Cache::new(store, CacheSettings::default(), tokio::runtime::Handle::current());
    Settings { cache: Some(Arc::new(cache)), ..Settings::default() }
}

fn chat_call(keywords: &Value, settings: &Settings) -> ChatCall {
    let mut all =
        json!({ "model": "openai/m", "api_key": "k", "messages": [{ "role": "user", "content": "hi" }] });
    for (name, value) in keywords.as_object().unwrap() {
        all[name] = value.clone();
    }
    let Value::Object(all) = all else { unreachable!() };
    ChatCall::from_keywords(all, settings, &Nothing).unwrap()
}

fn answer(text: &str) -> Reply {
    let body = json!({
        "id": format!("id-{text}"), "object": "chat.completion", "created": 5, "model": "m-1",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 },
    });
    Reply::new("200 OK", body.to_string()).with("content-type", "application/json")
}

fn sse(pieces: &[&str], end: &str) -> Reply {
    let mut body = String::new();
    for piece in pieces {
        let delta = json!({
            "id": "s-1", "object": "chat.completion.chunk", "created": 5, "model": "m-1",
            "choices": [{ "index": 0, "delta": { "role": "assistant", "content": piece }, "finish_reason": null }],
        });
        for part in ["data: ", &delta.to_string(), "\n\n"] {
            body.push_str(part);
        }
    }
    body.push_str(end);
    Reply::endless("200 OK", body).with("content-type", "text/event-stream")
}

const STOP: &str = "data: {\"id\":\"s-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

async fn text_of(stream: &mut ChatStream) -> Result<String> {
    let mut text = String::new();
    loop {
        let chunks = stream.next_batch().await?;
        if chunks.is_empty() {
            return Ok(text);
        }
        for chunk in chunks {
            for choice in &chunk.choices {
                text.push_str(choice.content.as_deref().unwrap_or_default());
            }
        }
    }
}

#[tokio::test]
async fn the_same_question_is_asked_once() {
    let (base, served) = server(vec![answer("one"), answer("two")]);
    let (engine, settings) = (Engine::new(), settings());
    let ask = async |more: Value| {
        let mut all = json!({ "api_base": base });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        engine.chat(chat_call(&all, &settings)).await.unwrap()
    };
    let first = ask(json!({})).await;
    assert!(first.meta.cached.is_none());
    let same =
        ask(json!({ "timeout": 9, "api_key": "other", "num_retries": 3, "metadata": { "a": 1 } })).await;
    assert_eq!(same.response, first.response);
    assert_eq!(same.meta.cached.as_ref().map(|cached| cached.key.len()), Some(64));
    assert_eq!(same.meta.response_model.as_deref(), Some("m-1"));
    let other = ask(json!({ "temperature": 0 })).await;
    assert_eq!(other.response.id, "id-two");
    assert_eq!(served.join().unwrap().len(), 2);
}

#[tokio::test]
async fn failures_are_asked_again() {
    let (base, served) = server(vec![Reply::new("400 Bad Request", "{}"), answer("one")]);
    let (engine, settings) = (Engine::new(), settings());
    let ask = || engine.chat(chat_call(&json!({ "api_base": base }), &settings));
    assert!(ask().await.is_err());
    assert_eq!(ask().await.unwrap().response.id, "id-one");
    assert_eq!(ask().await.unwrap().response.id, "id-one");
    served.join().unwrap();
}

#[tokio::test]
async fn a_stream_is_replayed_as_a_stream() {
    let (base, served) = server(vec![sse(&["Hel", "lo"], STOP)]);
    let (engine, settings) = (Engine::new(), settings());
    let mut heads = Vec::new();
    for _ in 0..2 {
        let call = chat_call(&json!({ "api_base": base, "stream": true }), &settings);
        let mut stream = engine.chat_stream(call).await.unwrap();
        assert_eq!(text_of(&mut stream).await.unwrap(), "Hello");
        heads.push((stream.head().id.clone(), stream.head().created, stream.head().model.clone()));
        assert_eq!(stream.meta().cached.is_some(), heads.len() == 2);
    }
    assert_eq!(heads[0], heads[1]);
    served.join().unwrap();
}

#[tokio::test]
async fn str_14_a_stream_that_was_cut_or_left_is_not_kept() {
    let (base, served) = server(vec![sse(&["Hel"], ""), sse(&["Hello"], STOP), sse(&["Hello"], STOP)]);
    let (engine, settings) = (Engine::new(), settings());
    let stream = async || {
        let call = chat_call(&json!({ "api_base": base, "stream": true }), &settings);
        engine.chat_stream(call).await.unwrap()
    };
    let _ = text_of(&mut stream().await).await;
    // Left after it has begun.
    let left = stream().await;
    assert!(left.meta().cached.is_none());
    drop(left);
    let mut last = stream().await;
    assert!(last.meta().cached.is_none());
    assert_eq!(text_of(&mut last).await.unwrap(), "Hello");
    assert!(stream().await.meta().cached.is_some());
    served.join().unwrap();
}

fn embedding(input: &Value, base: &str, settings: &Settings) -> Call {
    let keywords = json!({ "model": "openai/e", "api_key": "k", "api_base": base, "input": input });
    let Value::Object(keywords) = keywords else { unreachable!() };
    Call::from_keywords(CallType::Embedding, keywords, Vec::new(), settings, &Nothing).unwrap()
}

fn vectors(values: &[f64], tokens: u64) -> Reply {
    let data: Vec<Value> = (0..)
        .zip(values)
        .map(|(index, value)| {
            let index: u64 = index;
            json!({ "object": "embedding", "index": index, "embedding": [value] })
        })
        .collect();
    let usage = json!({ "prompt_tokens": tokens, "total_tokens": tokens });
    let body = json!({ "object": "list", "model": "e-1", "data": data, "usage": usage });
    Reply::new("200 OK", body.to_string()).with("content-type", "application/json")
}

#[tokio::test]
async fn vectors_are_kept_one_by_one() {
    let (base, served) = server(vec![vectors(&[1.0, 2.0], 11), vectors(&[3.0], 7)]);
    let (engine, settings) = (Engine::new(), settings());
    let ask = async |input: Value| {
        let answer = engine.call(embedding(&input, &base, &settings)).await.unwrap();
        let CallResponse::Json(value) = answer.response else { panic!("JSON") };
        let data = value["data"].as_array().unwrap();
        let indexes: Vec<u64> = data.iter().map(|item| item["index"].as_u64().unwrap()).collect();
        assert!(indexes.iter().copied().eq(0..data.len() as u64), "{indexes:?}");
        let vectors: Vec<f64> = data.iter().map(|item| item["embedding"][0].as_f64().unwrap()).collect();
        (vectors, value["usage"]["prompt_tokens"].as_u64().unwrap(), answer.meta.cached)
    };
    assert_eq!(ask(json!(["a", "b"])).await, (vec![1.0, 2.0], 11, None));
    let (vectors, tokens, cached) = ask(json!(["b", "c", "a"])).await;
    assert_eq!((vectors, tokens), (vec![2.0, 3.0, 1.0], 18));
    let cached = cached.unwrap();
    assert_eq!((cached.asked, cached.asked_tokens), (1, 7));
    let (vectors, tokens, cached) = ask(json!("c")).await;
    assert_eq!((vectors, tokens, cached.unwrap().asked), (vec![3.0], 7, 0));
    assert_eq!(ask(json!(["a"])).await.0, [1.0]);
    served.join().unwrap();
}

#[tokio::test]
async fn an_answer_with_other_vectors_than_asked_for_is_not_kept() {
    let (base, served) = server(vec![vectors(&[1.0], 5), vectors(&[1.0, 2.0], 5)]);
    let (engine, settings) = (Engine::new(), settings());
    for _ in 0..2 {
        let answer = engine.call(embedding(&json!(["a", "b"]), &base, &settings)).await.unwrap();
        assert!(answer.meta.cached.is_none());
    }
    served.join().unwrap();
}

#[tokio::test]
async fn notes_of_other_calls_count_as_those_of_chat() {
    let settings = settings();
    let key = |call_type, model: &str, metadata: Value, settings: &Settings| {
        let keywords = json!({
            "model": model, "api_key": "k", "input": ["a"], "query": "a", "documents": ["b"], "metadata": metadata,
        });
        let Value::Object(keywords) = keywords else { unreachable!() };
        let call = Call::from_keywords(call_type, keywords, Vec::new(), settings, &Nothing).unwrap();
        call.cache_key().unwrap().to_owned()
    };
    let group = json!({ "model_group": "g" });
    for (call_type, one, other) in [
        (CallType::Embedding, "openai/e", "mistral/mistral-embed"),
        (CallType::Rerank, "cohere/r", "jina_ai/r"),
    ] {
        let key = |model: &str, metadata: Value| key(call_type, model, metadata, &settings);
        assert_ne!(key(one, json!({})), key(other, json!({})));
        assert_eq!(key(one, group.clone()), key(other, group.clone()), "one group");
        assert_ne!(key(one, group.clone()), key(one, json!({ "model_group": "h" })));
        assert!(key(one, json!({ "redis_namespace": "mine" })).starts_with("mine:"));
    }
    let apart = Settings { caching_with_models: true, ..settings.clone() };
    let key = |model: &str| key(CallType::Embedding, model, group.clone(), &apart);
    assert_ne!(key("openai/e"), key("mistral/mistral-embed"));
}

#[tokio::test]
async fn a_stream_of_events_is_bounded_by_what_it_takes() {
    let settings = settings();
    let tee = || {
        let plan = chat_call(&json!({}), &settings).plan;
        EventTee { plan: *plan.unwrap(), events: Vec::new(), bytes: 0 }
    };
    let event = |length: usize| {
        let data = json!({ "type": "x", "list": [{ "delta": "x".repeat(length) }] });
        [Event { name: None, data }]
    };
    let mut short = tee();
    assert!(short.add(&event(1000)) && (1000..1100).contains(&short.bytes), "{}", short.bytes);
    let mut long = tee();
    assert!((0..15).all(|_| long.add(&event(1 << 20))));
    assert!(!long.add(&event(1 << 20)));
}

#[tokio::test]
async fn a_call_decides_for_itself() {
    let settings = settings();
    let plan = |more: Value| chat_call(&more, &settings).plan;
    assert!(plan(json!({ "caching": false })).is_none());
    assert!(plan(json!({ "cache": { "no-cache": true, "no-store": true } })).is_none());
    assert!(plan(json!({ "caching": true })).is_some());
    let plan = plan(json!({ "cache": { "namespace": "mine", "ttl": 5 } })).unwrap();
    assert!(plan.key.starts_with("mine:"));
    assert_eq!(plan.policy.ttl, Some(Duration::from_secs(5)));
    assert!(chat_call(&json!({ "caching": true }), &Settings::default()).plan.is_none(), "without a cache");
}

/// Two requests whose bodies or addresses differ upstream have different keys: all pairs of many requests.
#[tokio::test]
async fn what_is_sent_decides_the_key() {
    let models = [
        json!({ "model": "openai/gpt-4o" }),
        json!({ "model": "openai/gpt-4o-mini" }),
        json!({ "model": "openai/gpt-4o", "api_base": "http://127.0.0.1:1/v1" }),
        json!({ "model": "groq/llama-3.3-70b-versatile" }),
        json!({ "model": "anthropic/claude-3-5-sonnet-20241022" }),
        json!({ "model": "gemini/gemini-1.5-pro" }),
        json!({ "model": "azure/gpt-4o", "api_base": "https://a.example", "api_version": "2024-10-21" }),
        json!({ "model": "azure/gpt-4o", "api_base": "https://a.example", "api_version": "2024-06-01" }),
        json!({ "model": "bedrock/amazon.nova-lite-v1:0", "aws_access_key_id": "A", "aws_secret_access_key": "S",
                "aws_region_name": "us-east-1" }),
        json!({ "model": "bedrock/amazon.nova-lite-v1:0", "aws_access_key_id": "A", "aws_secret_access_key": "S",
                "aws_region_name": "eu-west-1" }),
        json!({ "model": "cohere/command-r" }),
        json!({ "model": "ollama/llama3", "api_base": "http://127.0.0.1:2" }),
    ];
    let tool = |name: &str| json!({ "type": "function", "function": { "name": name, "parameters": { "type": "object" } } });
    let text = |text: &str| json!([{ "role": "user", "content": text }]);
    let changes = [
        json!({}),
        json!({ "temperature": 0 }),
        json!({ "temperature": 0.5 }),
        json!({ "max_tokens": 5 }),
        json!({ "max_completion_tokens": 6 }),
        json!({ "top_p": 0.5 }),
        json!({ "stop": "x" }),
        json!({ "stop": ["x", "y"] }),
        json!({ "tools": [tool("f")] }),
        json!({ "tools": [tool("g")] }),
        json!({ "tools": [tool("f")], "tool_choice": "required" }),
        json!({ "response_format": { "type": "json_object" } }),
        json!({ "messages": text("ho") }),
        json!({ "messages": [{ "role": "system", "content": "hi" }, { "role": "user", "content": "hi" }] }),
        json!({ "messages": [{ "role": "user", "content": [{ "type": "text", "text": "h" }, { "type": "text", "text": "i" }] }] }),
        json!({ "stream": true }),
        json!({ "stream": true, "stream_options": { "include_usage": true } }),
        json!({ "extra_body": { "a": 1 } }),
        json!({ "extra_body": { "a": { "b": 1 } } }),
        json!({ "top_k": 3 }),
        json!({ "user": "u" }),
        json!({ "metadata": { "user_id": "u" } }),
        json!({ "metadata": { "requester_metadata": { "a": "b" } } }),
        json!({ "additional_drop_params": ["temperature"], "temperature": 0 }),
        json!({ "cache_control_injection_points": [{ "location": "message", "role": "user" }] }),
        json!({ "extra_query": { "q": "1" } }),
        json!({ "reasoning_effort": "low", "drop_params": true }),
        json!({ "drop_params": true, "frequency_penalty": 1, "seed": 3 }),
    ];
    let settings = Settings { drop_params: true, ..settings() };
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut sent = std::collections::HashSet::new();
    for model in &models {
        for change in &changes {
            let mut all = model.as_object().unwrap().clone();
            all.extend(change.as_object().unwrap().clone());
            let call = chat_call(&Value::Object(all.clone()), &settings);
            let target = call.target();
            let Ok(prepared) = chat_wire(target).unwrap().encode(&call.request, target) else { continue };
            let whole = format!("{} {:?} {:?}", prepared.call.url, call.envelope.query, prepared.call.body);
            let key = call.cache_key().unwrap().to_owned();
            let other = seen.entry(key).or_insert_with(|| whole.clone());
            assert_eq!(*other, whole, "one key for two requests: {all:?}");
            sent.insert(whole);
        }
    }
    assert!(seen.len() >= sent.len() && sent.len() > 200, "{} {}", seen.len(), sent.len());
}

/// Keywords whose effect is in the target or the headers, or that change no answer.
const UNKEYED: &[&str] = &[
    "api_base",
    "api_key",
    "aws_access_key_id",
    "aws_bedrock_runtime_endpoint",
    "aws_external_id",
    "aws_profile_name",
    "aws_region_name",
    "aws_role_name",
    "aws_secret_access_key",
    "aws_session_name",
    "aws_session_token",
    "aws_sts_endpoint",
    "aws_web_identity_token",
    "azure_ad_token",
    "azure_password",
    "azure_scope",
    "azure_username",
    "base_url",
    "client_id",
    "client_secret",
    "custom_llm_provider",
    "deployment_id",
    "drop_params",
    "extra_headers",
    "extra_query",
    "headers",
    "max_retries",
    "mock_delay",
    "mock_response",
    "mock_timeout",
    "mock_tool_calls",
    "model",
    "model_alias_map",
    "modify_params",
    "num_retries",
    "region_name",
    "request_timeout",
    "ssl_verify",
    "stream_timeout",
    "tenant_id",
    "timeout",
    "vertex_ai_credentials",
    "vertex_ai_location",
    "vertex_ai_project",
    "vertex_credentials",
    "vertex_location",
    "vertex_project",
];

#[test]
fn whether_it_is_in_the_key_is_decided_for_all_that_steers() {
    let decided: Vec<&str> = KEYED.iter().chain(UNKEYED).copied().collect();
    for name in STEERING {
        assert_eq!(decided.iter().filter(|known| *known == name).count(), 1, "{name}");
    }
    assert_eq!(decided.len(), STEERING.len());
}

/// A stand-in that compares vectors itself.
#[derive(Debug, Default)]
struct Near(std::sync::Mutex<Vec<(Question, Entry)>>);

impl crate::cache::Neighbours for Near {
    fn nearest<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Option<(f64, Entry)>>> {
        Box::pin(async move {
            let kept = self.0.lock().unwrap();
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let near = kept
                .iter()
                .filter(|(other, _)| other.scope == question.scope)
                .map(|(other, entry)| (dot(&other.vector, &question.vector), entry.clone()));
            Ok(near.max_by(|a, b| a.0.total_cmp(&b.0)))
        })
    }

    fn add<'a>(
        &'a self,
        question: &'a Question,
        entry: &'a bytes::Bytes,
        _ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.0.lock().unwrap().push((question.clone(), Entry::read(entry).unwrap()));
            Ok(())
        })
    }
}

fn unit(vector: [f64; 2]) -> Reply {
    let body = json!({ "data": [{ "index": 0, "embedding": vector }], "usage": { "prompt_tokens": 1 } });
    Reply::new("200 OK", body.to_string()).with("content-type", "application/json")
}

#[tokio::test]
async fn questions_that_mean_the_same_are_asked_once() {
    let replies = vec![
        unit([1.0, 0.0]),
        answer("one"),
        unit([0.96, 0.28]),
        unit([0.6, 0.8]),
        answer("two"),
        unit([1.0, 0.0]),
        answer("three"),
    ];
    let (base, served) = server(replies);
    let semantic = crate::cache::Semantic {
        neighbours: Arc::new(Near::default()),
        model: "openai/e".into(),
        threshold: 0.9,
        embedding_timeout: Duration::from_secs(5),
    };
    let home = tokio::runtime::Handle::current();
    let store = Arc::new(MemoryStore::new(0));
    let cache = Cache::semantic(store, semantic, CacheSettings::default(), home);
    let settings = Settings {
        cache: Some(Arc::new(cache)),
        api_base: Some(base),
        api_key: Some(auth::Secret::new("k")),
        ..Settings::default()
    };
    let engine = Engine::new();
    let ask = async |text: &str, more: Value| {
        let mut all = json!({ "messages": [{ "role": "user", "content": text }] });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = engine.chat(chat_call(&all, &settings)).await.unwrap();
        settings.cache.as_ref().unwrap().flush(Duration::from_secs(5)).await;
        (answer.response.id, answer.meta.cached.and_then(|cached| cached.similarity))
    };
    assert_eq!(ask("hello", json!({})).await, ("id-one".to_owned(), None));
    let (id, similarity) = ask("hallo", json!({})).await;
    assert_eq!(id, "id-one");
    assert!((similarity.unwrap() - 0.96).abs() < 1e-6);
    assert_eq!(ask("bye", json!({})).await.0, "id-two", "not similar enough");
    assert_eq!(ask("hello", json!({ "temperature": 0 })).await.0, "id-three", "under other conditions");
    served.join().unwrap();
}

#[test]
fn what_is_no_text_is_not_compared_by_meaning() {
    let of = |messages: Value| {
        let mut rest = KeyMaker::new(CallType::Chat);
        let text = texts(&messages, &mut rest);
        (text, rest.finish(None))
    };
    let image = |url: &str| {
        json!([{ "role": "user", "content": [
            { "type": "text", "text": "what" }, { "type": "image_url", "image_url": { "url": url } },
        ] }])
    };
    let (one, other) = (of(image("http://a")), of(image("http://b")));
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, other.1);
    let plain = |text: &str| of(json!([{ "role": "user", "content": text }]));
    assert_eq!(plain("a").1, plain("b").1);
}

#[tokio::test]
async fn ids_of_a_single_call_are_not_in_the_key() {
    for model in ["a2a/agent", "chatgpt/gpt-5.2"] {
        let keywords = json!({ "model": model, "api_base": "http://127.0.0.1:1" });
        let settings = settings();
        let (one, other) = (chat_call(&keywords, &settings), chat_call(&keywords, &settings));
        assert!(one.cache_key().is_some());
        assert_eq!(one.cache_key(), other.cache_key(), "{model}");
        let marks = |call: &ChatCall| {
            let headers = call.envelope.route.headers.iter();
            let header =
                headers.filter(|(name, _)| name == "session_id").map(|(_, value)| value.clone()).next();
            header.or_else(|| call.target().vars.get("message_id").cloned()).unwrap()
        };
        assert_ne!(marks(&one), marks(&other), "{model}");
    }
}
