//! Calls that may be answered from a cache, and whose answers are kept.
//!
//! The cache is asked before anything is sent, and told once an answer is complete: a stream that was cut and a call
//! that failed leave nothing behind.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::calls::CallAnswer;
use super::chat::complete;
use super::control::Control;
use super::envelope::{Envelope, Settings};
use super::{Answer, Call, ChatCall, ChatStream, Engine, EventStream, Meta};
use crate::auth;
use crate::cache::{Cache, Entry, Kept, KeyMaker, LARGEST, Policy, Question};
use crate::config::Environment;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, ChatResponse, Collector, Delta, StreamHead, Target};
use crate::json::{Map, count_at};
use crate::wires::Event;

/// Keywords that steer a call and change its answer, and whose effect is not in the target or the headers.
const KEYED: &[&str] = &[
    "additional_drop_params",
    "allowed_openai_params",
    "api_version",
    "base_model",
    "cache_control_injection_points",
    "final_prompt_value",
    "initial_prompt_value",
    "model_id",
    "organization",
    "project",
    "roles",
];

/// What an answer from a cache is marked with.
#[derive(Debug, Clone, PartialEq)]
pub struct Cached {
    pub key: String,
    /// Of several inputs, those that were asked upstream all the same.
    pub asked: usize,
    /// What these have cost: all of the answer's other tokens were free.
    pub asked_tokens: u64,
    /// How similar the question was that it answers, where meanings are compared.
    pub similarity: Option<f64>,
}

/// A call's dealings with the cache, while its key is made.
pub(super) struct Draft {
    cache: Arc<Cache>,
    policy: Policy,
    maker: KeyMaker,
    preset: Option<String>,
    group: Option<String>,
    /// The texts of a conversation, and the key of all but these.
    meaning: Option<(String, KeyMaker)>,
}

/// A call's dealings with the cache.
#[derive(Debug)]
pub(super) struct Plan {
    cache: Arc<Cache>,
    policy: Policy,
    key: String,
    /// The keys of an embedding's inputs, one by one.
    items: Vec<String>,
    asking: Option<Asking>,
}

/// A question that is compared by what it means.
#[derive(Debug)]
struct Asking {
    scope: String,
    text: String,
    /// Asks for its vector; then there is the vector.
    embedding: Option<Call>,
    vector: Vec<f32>,
}

impl Draft {
    /// `None` without a cache, or when the call has nothing to do with it.
    pub fn new(call_type: CallType, control: &Control, settings: &Settings) -> Option<Self> {
        let cache = settings.cache.as_ref()?;
        if !cache.serves(call_type) {
            return None;
        }
        let policy = Policy::read(control.get("cache"), control.get("caching"), cache.settings.mode)?;
        let preset = control.get("preset_cache_key").and_then(Value::as_str).map(str::to_owned);
        let mut maker = KeyMaker::new(call_type);
        for (name, value) in control.steering().filter(|(name, _)| KEYED.contains(name)) {
            maker.json(&format!("steering.{name}"), value);
        }
        Some(Self { cache: cache.clone(), policy, maker, preset, group: None, meaning: None })
    }

    /// The dealings of a call other than chat, before its keywords are read: what is not sent is removed then. Only
    /// conversations are compared by what they mean.
    pub fn call(call_type: CallType, keywords: &Map, control: &Control, settings: &Settings) -> Option<Self> {
        let mut draft =
            Self::new(call_type, control, settings).filter(|draft| draft.cache.by_meaning().is_none())?;
        draft.notes(keywords.get("metadata"), control, settings);
        Some(draft)
    }

    /// Keywords of a chat completion, before they are read.
    pub fn chat(&mut self, keywords: &Map, control: &Control, settings: &Settings) {
        self.maker.keywords("sent", keywords, &["messages", "metadata"]);
        if let Some(messages) = keywords.get("messages") {
            if self.cache.by_meaning().is_some() {
                let mut rest = self.maker.clone();
                let text = texts(messages, &mut rest);
                self.meaning = Some((text, rest));
            }
            self.maker.json("sent.messages", messages);
        }
        let metadata = keywords.get("metadata");
        for maker in self.makers() {
            maker.metadata(metadata);
        }
        self.notes(metadata, control, settings);
    }

    /// What a caller's notes say: the group of deployments that answers, and a namespace.
    fn notes(&mut self, metadata: Option<&Value>, control: &Control, settings: &Settings) {
        let note = |name: &str| metadata.and_then(|metadata| metadata.get(name)?.as_str()).map(str::to_owned);
        if self.policy.namespace.is_none() {
            self.policy.namespace = note("redis_namespace");
        }
        let group = note("model_group").filter(|_| !settings.caching_with_models);
        let groups = control.get("caching_groups").and_then(Value::as_array);
        let together = groups.into_iter().flatten().find(|groups| {
            let groups = groups.as_array().into_iter().flatten();
            group.as_deref().is_some_and(|group| groups.into_iter().any(|one| one == group))
        });
        self.group = together.map(Value::to_string).or(group);
    }

    fn makers(&mut self) -> impl Iterator<Item = &mut KeyMaker> {
        std::iter::once(&mut self.maker).chain(self.meaning.as_mut().map(|(_, rest)| rest))
    }

    fn targeted(&mut self, envelope: &Envelope) {
        let group = self.group.clone();
        for maker in self.makers() {
            maker.target(envelope.target(), group.as_deref());
            maker.pairs("header", &envelope.headers);
            maker.pairs("query", &envelope.query);
            if group.is_none() {
                maker.pairs("row.header", &envelope.route.headers);
                maker.pairs("row.query", &envelope.route.query);
            }
        }
    }

    /// What is needed to compare the question. Without a vector there is nothing to compare: then there is no plan.
    fn asking(&mut self, settings: &Settings, environment: &dyn Environment) -> Result<Option<Asking>> {
        let (Some(semantic), Some((text, rest))) = (self.cache.by_meaning(), self.meaning.take()) else {
            return Ok(None);
        };
        let scope = rest.finish(self.namespace());
        let mut keywords = Map::new();
        keywords.insert("model".into(), semantic.model.clone().into());
        keywords.insert("input".into(), text.clone().into());
        keywords.insert("timeout".into(), semantic.embedding_timeout.as_secs_f64().into());
        let settings = Settings { cache: None, ..settings.clone() };
        let embedding =
            Call::from_keywords(CallType::Embedding, keywords, Vec::new(), &settings, environment)?;
        // A namespace may hold what means something in a query.
        let scope = scope.rsplit(':').next().unwrap_or_default().to_owned();
        Ok(Some(Asking { scope, text, embedding: Some(embedding), vector: Vec::new() }))
    }

    fn namespace(&self) -> Option<&str> {
        self.policy.namespace.as_deref().or(self.cache.settings.namespace.as_deref())
    }

    /// The plan of a chat completion.
    pub fn finish(
        mut self,
        envelope: &Envelope,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Option<Plan> {
        self.targeted(envelope);
        let asking = match self.asking(settings, environment) {
            Ok(asking) => asking,
            Err(error) => {
                tracing::warn!(error = %error, "cache: the model that compares questions cannot be asked");
                return None;
            }
        };
        let key = self.preset.take().unwrap_or_else(|| self.maker.clone().finish(self.namespace()));
        Some(Plan { cache: self.cache, policy: self.policy, key, items: Vec::new(), asking })
    }

    /// The plan of another call, before its parameters are renamed for the provider.
    pub fn finish_call(mut self, request: &CallRequest, envelope: &Envelope) -> Plan {
        self.targeted(envelope);
        let is_embedding = envelope.target().call_type == CallType::Embedding && self.preset.is_none();
        let input = request.params.get("input").filter(|_| is_embedding);
        self.maker.keywords("sent", &request.params, if is_embedding { &["input"] } else { &[] });
        self.maker.keywords("extra_body", &request.extra_body, &[]);
        self.maker.files(&request.files);
        self.maker.json("stream", &request.stream);
        let named = |input: &Value| {
            let mut maker = self.maker.clone();
            maker.json("sent.input", input);
            maker.finish(self.namespace())
        };
        let items = input.map(|input| match inputs(input) {
            Some(inputs) => inputs.iter().map(&named).collect(),
            None => vec![named(input)],
        });
        let key = match (&self.preset, input) {
            (Some(preset), _) => preset.clone(),
            (None, Some(input)) => named(input),
            (None, None) => self.maker.clone().finish(self.namespace()),
        };
        Plan { key, items: items.unwrap_or_default(), cache: self.cache, policy: self.policy, asking: None }
    }
}

/// The texts of a conversation. What else is in it goes into the key.
fn texts(messages: &Value, rest: &mut KeyMaker) -> String {
    let mut texts = Vec::new();
    for message in messages.as_array().into_iter().flatten() {
        let mut others = message.as_object().cloned().unwrap_or_default();
        match others.get_mut("content") {
            Some(Value::String(text)) => texts.push(std::mem::take(text)),
            Some(Value::Array(parts)) => {
                for part in parts {
                    if let Some(Value::String(text)) = part.get_mut("text") {
                        texts.push(std::mem::take(text));
                    }
                }
            }
            _ => {}
        }
        rest.json("message", &others);
    }
    texts.join("\n")
}

/// The inputs of an embedding, where there are several: a list of numbers is one.
fn inputs(input: &Value) -> Option<&Vec<Value>> {
    input.as_array().filter(|items| !items.is_empty() && !items.iter().all(Value::is_number))
}

impl Plan {
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The answer that is kept, and how similar its question is.
    async fn chat(&mut self, engine: &Engine) -> Option<(ChatResponse, Option<f64>)> {
        let Some(asking) = &mut self.asking else {
            let Kept::Chat(response) = self.look().await? else { return None };
            return Some((*response, None));
        };
        asking.vector = match vector(engine, asking.embedding.take()?).await {
            Ok(vector) => vector,
            Err(error) => {
                tracing::warn!(error = %error, "cache: the question cannot be compared");
                return None;
            }
        };
        if !self.policy.reads {
            return None;
        }
        let (similarity, entry) = self.cache.nearest(&asking.question(), self.policy.max_age).await?;
        let Kept::Chat(response) = entry.response else { return None };
        Some((*response, Some(similarity)))
    }

    fn keep_chat(&self, response: ChatResponse) {
        let kept = Kept::Chat(Box::new(response));
        match &self.asking {
            None => self.keep(kept),
            Some(asking) if self.policy.writes && !asking.vector.is_empty() => {
                self.cache.add(asking.question(), &Entry::new(kept), self.policy.ttl);
            }
            Some(_) => {}
        }
    }

    async fn look(&self) -> Option<Kept> {
        if !self.policy.reads {
            return None;
        }
        let keys = std::slice::from_ref(&self.key);
        self.cache.read(keys, self.policy.max_age).await.pop()?.map(|entry| entry.response)
    }

    fn keep(&self, response: Kept) {
        if self.policy.writes {
            self.cache.write(&[(self.key.clone(), Entry::new(response))], self.policy.ttl);
        }
    }

    fn meta_of(
        &self,
        call: &ChatCall,
        response: &ChatResponse,
        similarity: Option<f64>,
        started: Instant,
    ) -> Meta {
        let mut meta = self.meta(call.target(), started);
        meta.response_model = Some(response.model.clone());
        if let Some(cached) = &mut meta.cached {
            cached.similarity = similarity;
        }
        meta
    }

    fn meta(&self, target: &Target, started: Instant) -> Meta {
        Meta {
            provider: target.provider.clone(),
            model: target.model.clone(),
            api_base: auth::without_credentials(&target.base),
            status: 200,
            elapsed_ms: started.elapsed().as_secs_f64() * 1000.0,
            call_type: Some(target.call_type),
            cached: Some(Cached { key: self.key.clone(), asked: 0, asked_tokens: 0, similarity: None }),
            ..Meta::default()
        }
    }
}

impl Asking {
    fn question(&self) -> Question {
        Question { scope: self.scope.clone(), text: self.text.clone(), vector: self.vector.clone() }
    }
}

/// The vector of a question. Boxed: it is a call within a call.
fn vector(engine: &Engine, call: Call) -> BoxFuture<'_, Result<Vec<f32>>> {
    Box::pin(async move {
        let answer = engine.call(call).await?;
        let CallResponse::Json(value) = &answer.response else { return Err(no_vector()) };
        let numbers = value.pointer("/data/0/embedding").and_then(Value::as_array).ok_or_else(no_vector)?;
        #[expect(clippy::cast_possible_truncation, reason = "vectors are kept in single precision")]
        let vector: Option<Vec<f32>> = numbers.iter().map(|n| n.as_f64().map(|n| n as f32)).collect();
        vector.filter(|vector| !vector.is_empty()).ok_or_else(no_vector)
    })
}

fn no_vector() -> Error {
    Error::new(Kind::InternalServer, "the embedding model has answered no vector")
}

pub(super) async fn chat(
    engine: &Engine,
    mut plan: Plan,
    call: ChatCall,
    started: Instant,
) -> Result<Answer> {
    if let Some((response, similarity)) = plan.chat(engine).await {
        let meta = plan.meta_of(&call, &response, similarity, started);
        return Ok(Answer { response, meta });
    }
    let answer = engine.chat_upstream(call, started).await?;
    plan.keep_chat(answer.response.clone());
    Ok(answer)
}

pub(super) async fn chat_stream(
    engine: &Engine,
    mut plan: Plan,
    call: ChatCall,
    started: Instant,
) -> Result<ChatStream> {
    if let Some((response, similarity)) = plan.chat(engine).await {
        let meta = plan.meta_of(&call, &response, similarity, started);
        return Ok(ChatStream::replayed(response, meta, call.include_usage));
    }
    let mut stream = engine.chat_stream_upstream(call, started).await?;
    if plan.policy.writes {
        stream.keep_with(Tee { plan, collector: Collector::new(), bytes: 0 });
    }
    Ok(stream)
}

pub(super) async fn call(engine: &Engine, plan: Plan, call: Call, started: Instant) -> Result<CallAnswer> {
    if !plan.items.is_empty() {
        return embedding(engine, plan, call, started).await;
    }
    if let Some(response) = plan.look().await.and_then(Kept::into_call) {
        let meta = plan.meta(call.target(), started);
        return Ok(CallAnswer { call_type: call.call_type(), response, meta });
    }
    let answer = super::calls::answer(engine, call, started).await?;
    if is_complete(&answer.response) {
        plan.keep(Entry::of_call(&answer.response).response);
    }
    Ok(answer)
}

/// Whether an answer is one, and not word of something that is under way or has failed.
fn is_complete(response: &CallResponse) -> bool {
    let CallResponse::Json(value) = response else { return true };
    let status = value.get("status").and_then(Value::as_str);
    value.get("error").is_none_or(Value::is_null) && status.is_none_or(|status| status == "completed")
}

pub(super) async fn call_stream(
    engine: &Engine,
    plan: Plan,
    call: Call,
    started: Instant,
) -> Result<EventStream> {
    if let Some(Kept::Events(events)) = plan.look().await {
        let meta = plan.meta(call.target(), started);
        return Ok(EventStream::canned(call.call_type(), events, meta));
    }
    let mut stream = super::calls::stream(engine, call, started).await?;
    if plan.policy.writes {
        stream.keep_with(EventTee { plan, events: Vec::new(), bytes: 0 });
    }
    Ok(stream)
}

/// Vectors, each by itself from the cache or from upstream.
async fn embedding(engine: &Engine, plan: Plan, mut call: Call, started: Instant) -> Result<CallAnswer> {
    let mut found: Vec<Option<Kept>> = if plan.policy.reads {
        let entries = plan.cache.read(&plan.items, plan.policy.max_age).await;
        entries.into_iter().map(|entry| entry.map(|entry| entry.response)).collect()
    } else {
        vec![None; plan.items.len()]
    };
    let mut missing: Vec<usize> = (0..found.len()).filter(|at| !is_embedding(found[*at].as_ref())).collect();
    let hits = found.len() - missing.len();
    let mut meta = plan.meta(call.target(), started);
    if missing.is_empty() {
        let response = merged(Map::new(), found);
        meta.response_model = response.get("model").and_then(Value::as_str).map(str::to_owned);
        return Ok(CallAnswer {
            call_type: CallType::Embedding,
            response: CallResponse::Json(response),
            meta,
        });
    }
    if hits > 0 && !call.ask_only(&missing, plan.items.len()) {
        missing = (0..found.len()).collect();
    }
    let answer = super::calls::answer(engine, call, started).await?;
    let CallResponse::Json(Value::Object(mut fresh)) = answer.response else { return Ok(answer) };
    let Some(Value::Array(vectors)) = fresh.get_mut("data") else {
        return Ok(CallAnswer { response: CallResponse::Json(fresh.into()), ..answer });
    };
    if vectors.len() != missing.len() || !vectors.iter().all(Value::is_object) {
        return Ok(CallAnswer { response: CallResponse::Json(fresh.into()), ..answer });
    }
    vectors.sort_by_key(|vector| vector.get("index").and_then(Value::as_u64));
    // Written and answered without a copy: there may be many, and each is long.
    let vectors = std::mem::take(vectors);
    let tokens =
        fresh.get("usage").and_then(Value::as_object).map_or(0, |usage| count_at(usage, "prompt_tokens"));
    let model = fresh.get("model").and_then(Value::as_str).map(str::to_owned);
    let mut entries = Vec::with_capacity(missing.len());
    let count = missing.len() as u64;
    for ((position, at), item) in (0u64..).zip(&missing).zip(vectors) {
        // The provider counts them together: each gets its part, and the sum stays.
        let prompt_tokens = tokens / count + u64::from(position < tokens % count);
        let kept = Kept::Embedding { item, model: model.clone(), prompt_tokens };
        entries.push((plan.items[*at].clone(), Entry::new(kept)));
    }
    if plan.policy.writes {
        plan.cache.write(&entries, plan.policy.ttl);
    }
    let kept = entries.into_iter().map(|(_, entry)| entry.response);
    if missing.len() == found.len() {
        let items = kept.map(|kept| if let Kept::Embedding { item, .. } = kept { item } else { Value::Null });
        fresh.insert("data".into(), items.collect());
        return Ok(CallAnswer { response: CallResponse::Json(fresh.into()), ..answer });
    }
    for (at, kept) in missing.iter().zip(kept) {
        found[*at] = Some(kept);
    }
    let mut meta = answer.meta;
    meta.cached =
        Some(Cached { key: plan.key, asked: missing.len(), asked_tokens: tokens, similarity: None });
    Ok(CallAnswer { response: CallResponse::Json(merged(fresh, found)), meta, call_type: answer.call_type })
}

fn is_embedding(kept: Option<&Kept>) -> bool {
    matches!(kept, Some(Kept::Embedding { item: Value::Object(_), .. }))
}

/// One answer of all vectors, with what a fresh answer says besides.
fn merged(mut answer: Map, found: Vec<Option<Kept>>) -> Value {
    let mut vectors = Vec::with_capacity(found.len());
    let mut tokens = 0;
    for (index, kept) in found.into_iter().enumerate() {
        let Some(Kept::Embedding { mut item, model, prompt_tokens }) = kept else { continue };
        if let Some(model) = model {
            answer.entry("model").or_insert_with(|| model.into());
        }
        tokens += prompt_tokens;
        if let Value::Object(item) = &mut item {
            item.insert("index".into(), index.into());
        }
        vectors.push(item);
    }
    answer.entry("object").or_insert_with(|| "list".into());
    answer.insert("data".into(), vectors.into());
    let usage = answer.entry("usage").or_insert_with(|| json!({}));
    if let Value::Object(usage) = usage {
        usage.insert("prompt_tokens".into(), tokens.into());
        usage.insert("total_tokens".into(), tokens.into());
    }
    Value::Object(answer)
}

/// Folds a stream that passes by into the answer that is kept of it.
#[derive(Debug)]
pub(super) struct Tee {
    plan: Plan,
    collector: Collector,
    bytes: usize,
}

impl Tee {
    /// False when the stream is longer than what is kept.
    pub fn add(&mut self, deltas: &[Delta]) -> bool {
        for delta in deltas {
            self.bytes += weight(delta);
            if self.bytes > LARGEST {
                return false;
            }
            self.collector.add(delta.clone());
        }
        true
    }

    /// Keeps what has come to its end.
    pub fn finish(self, head: &StreamHead) {
        if !self.collector.is_finished() {
            return;
        }
        let mut response: ChatResponse = self.collector.finish();
        response.id.clone_from(&head.id);
        response.created = head.created;
        response.model.clone_from(&head.model);
        response.system_fingerprint.clone_from(&head.system_fingerprint);
        complete(&mut response);
        self.plan.keep_chat(response);
    }
}

/// What a piece of a stream takes in memory, roughly.
fn weight(delta: &Delta) -> usize {
    32 + match delta {
        Delta::Text { text, .. } | Delta::Reasoning { text, .. } | Delta::Refusal { text, .. } => text.len(),
        Delta::ToolArguments { json, .. } => json.len(),
        // Rare, and of any shape.
        other => format!("{other:?}").len(),
    }
}

/// What a value takes when it is written, roughly: without marks and escapes.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 16,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(name, value)| name.len() + size(value) + 4).sum::<usize>() + 2,
    }
}

/// Gathers the events of a stream that passes by.
#[derive(Debug)]
pub(super) struct EventTee {
    plan: Plan,
    events: Vec<Event>,
    bytes: usize,
}

impl EventTee {
    /// False when the stream is longer than what is kept, or tells of a failure.
    pub fn add(&mut self, events: &[Event]) -> bool {
        for event in events {
            let kind = event.data.get("type").and_then(Value::as_str).unwrap_or_default();
            if matches!(kind, "error" | "response.failed" | "response.incomplete") {
                return false;
            }
            self.bytes += size(&event.data);
            if self.bytes > LARGEST {
                return false;
            }
            self.events.push(event.clone());
        }
        true
    }

    pub fn finish(self) {
        if !self.events.is_empty() {
            self.plan.keep(Kept::Events(self.events));
        }
    }
}

#[cfg(test)]
mod tests;
