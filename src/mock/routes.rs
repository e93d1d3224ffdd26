//! From a request to its response: which endpoint it is for, what is injected, and the answer.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::MockOptions;
use super::account::{Account, Asked};
use super::answer::{Answer, Frame, compose};
use super::behaviour::{BadBody, Behaviour, Failures};
use super::dialect::{Dialect, EVENTS, Failure, JSON, usual_message};
use super::embedding::mix;
use super::endpoint::{Endpoint, Verb, find};
use super::prompt::Prompt;
use super::record::Record;
use super::stream::{Player, Renderer, wait};
use super::text::write_json;
use super::{anthropic, gemini, openai, responses};

const MAX_BODY: usize = 64 * 1024 * 1024;

/// What the requests of a server share.
pub(super) struct Shared {
    options: MockOptions,
    requests: AtomicU64,
    record: Mutex<Record>,
    failures: Mutex<Failures>,
    account: Mutex<Account>,
    closing: watch::Receiver<bool>,
}

/// How an answer is put on the wire.
#[derive(Clone, Copy)]
enum Shape {
    Chat { include_usage: bool },
    Completion { include_usage: bool },
    Responses,
    Message,
    Gemini { array: bool },
}

impl Shape {
    fn whole(self, answer: &Answer) -> Vec<u8> {
        match self {
            Self::Chat { .. } => render(&openai::Chat::new(answer)),
            Self::Completion { .. } => render(&openai::completion(answer)),
            Self::Responses => render(&responses::response(answer)),
            Self::Message => render(&anthropic::message(answer)),
            Self::Gemini { .. } => render(&gemini::response(answer)),
        }
    }

    fn stream(self) -> Box<dyn Renderer> {
        match self {
            Self::Chat { include_usage } => Box::new(openai::Chunks::new(true, include_usage)),
            Self::Completion { include_usage } => Box::new(openai::Chunks::new(false, include_usage)),
            Self::Responses => Box::new(responses::Events::default()),
            Self::Message => Box::new(anthropic::Events::default()),
            Self::Gemini { array } => Box::new(gemini::Chunks::new(array)),
        }
    }

    fn stream_type(self) -> HeaderValue {
        if matches!(self, Self::Gemini { array: true }) { JSON } else { EVENTS }
    }
}

pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (dialect, endpoint) = find(&parts);
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:016x}", mix(shared.options.seed.wrapping_add(number)));
    match shared.respond(&parts, body, dialect, endpoint, &id, number).await {
        Ok(response) => response,
        Err(failure) => dialect.fail(failure, &id),
    }
}

impl Shared {
    pub(super) fn new(options: MockOptions, closing: watch::Receiver<bool>) -> Self {
        Self {
            options,
            requests: AtomicU64::new(0),
            record: Mutex::default(),
            failures: Mutex::default(),
            account: Mutex::default(),
            closing,
        }
    }

    async fn respond(
        &self,
        parts: &Parts,
        body: Body,
        dialect: Dialect,
        endpoint: Option<Endpoint<'_>>,
        id: &str,
        number: u64,
    ) -> Result<Response, Failure> {
        if let Some(endpoint @ (Endpoint::Health | Endpoint::Requests)) = endpoint {
            return self.manage(parts, dialect, endpoint, id);
        }
        let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
            Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("The body is over {MAX_BODY} bytes, or broke off."),
            )
        })?;
        if self.options.record {
            lock(&self.record).push(&parts.method, &parts.uri, &parts.headers, &body);
        }
        let Some(endpoint) = endpoint else {
            let message = format!("Unknown request URL: {} {}", parts.method, parts.uri.path());
            return Err(Failure::new(StatusCode::NOT_FOUND, message));
        };
        endpoint.check_method(parts)?;
        self.check_key(parts, dialect)?;
        let behaviour = Behaviour::new(&self.options, &parts.headers).map_err(Failure::bad_request)?;
        let mut closing = self.closing.clone();
        if behaviour.hang {
            // The client ends this by going away: its connection is then dropped with this future.
            let _ = closing.wait_for(|closing| *closing).await;
        }
        if !wait(behaviour.latency, &mut closing).await || behaviour.hang {
            return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "The mock server stops."));
        }
        if let Endpoint::Account(kept, part) = endpoint {
            if let Some(status) = self.injected(&behaviour, "", number) {
                return Err(Failure::new(status, usual_message(status)));
            }
            let query = parts.uri.query().unwrap_or_default();
            let asked = Asked {
                method: &parts.method,
                kept,
                part,
                query,
                headers: &parts.headers,
                body: &body,
                id,
                now: now(),
            };
            let line = |url: &str, body: &Value| self.line(url, body, &behaviour, id);
            let (kind, content) = lock(&self.account).answer(&asked, &line)?;
            return Ok(finish(dialect, kind, content.to_vec(), &behaviour, id));
        }
        let body = if parts.method == Method::POST { parse(&body)? } else { Value::Null };
        let model = match endpoint {
            Endpoint::Gemini(model, _) => model,
            _ => body["model"].as_str().unwrap_or_default(),
        };
        if let Some(status) = self.injected(&behaviour, model, number) {
            let mut failure = Failure::new(status, usual_message(status));
            if let Some(time) = behaviour.retry_after {
                failure = failure.with(RETRY_AFTER, time);
            }
            return Err(failure);
        }
        self.answer(endpoint, dialect, parts.uri.query().unwrap_or_default(), &body, &behaviour, id)
    }

    /// Health, and the requests recorded.
    fn manage(
        &self,
        parts: &Parts,
        dialect: Dialect,
        endpoint: Endpoint<'_>,
        id: &str,
    ) -> Result<Response, Failure> {
        endpoint.check_method(parts)?;
        let content = match endpoint {
            Endpoint::Requests if parts.method == Method::DELETE => {
                *lock(&self.record) = Record::default();
                *lock(&self.failures) = Failures::default();
                json!({"deleted": true})
            }
            Endpoint::Requests if !self.options.record => {
                return Err(Failure::new(
                    StatusCode::NOT_FOUND,
                    "Requests are not recorded: start with `record`.",
                ));
            }
            Endpoint::Requests => lock(&self.record).to_json(),
            _ => json!({"status": "ok"}),
        };
        Ok(dialect.reply(JSON, render(&content).into(), id))
    }

    fn check_key(&self, parts: &Parts, dialect: Dialect) -> Result<(), Failure> {
        let Some(required) = &self.options.require_key else { return Ok(()) };
        let message = match dialect.key(&parts.headers, parts.uri.query().unwrap_or_default()) {
            Some(key) if key == required => return Ok(()),
            Some(_) => "Incorrect API key provided.",
            None => "You didn't provide an API key.",
        };
        Err(Failure::new(StatusCode::UNAUTHORIZED, message))
    }

    /// The status this request is to fail with: by its headers, else by its model's name, else by the options.
    fn injected(&self, behaviour: &Behaviour, model: &str, number: u64) -> Option<StatusCode> {
        if let Some(times) = behaviour.fail_times {
            let status = behaviour.status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return lock(&self.failures).fails(&behaviour.key, times).then_some(status);
        }
        if behaviour.status.is_some() {
            return behaviour.status;
        }
        let named = model.rsplit_once("-error-").and_then(|(_, status)| status.parse::<StatusCode>().ok());
        if let Some(status) = named.filter(|status| status.as_u16() >= 400) {
            return Some(status);
        }
        self.options.fails(number)
    }

    fn answer(
        &self,
        endpoint: Endpoint<'_>,
        dialect: Dialect,
        query: &str,
        body: &Value,
        behaviour: &Behaviour,
        id: &str,
    ) -> Result<Response, Failure> {
        let streams = body["stream"] == true;
        let include_usage = body["stream_options"]["include_usage"] == true;
        let (prompt, shape, streams) = match endpoint {
            Endpoint::Chat => (openai::read_chat(body), Shape::Chat { include_usage }, streams),
            Endpoint::Completions => {
                (openai::read_completion(body), Shape::Completion { include_usage }, streams)
            }
            Endpoint::Responses => (responses::read(body), Shape::Responses, streams),
            Endpoint::Messages => (anthropic::read(body), Shape::Message, streams),
            Endpoint::Gemini(model, verb @ (Verb::Generate | Verb::Stream)) => {
                let array = !query.split('&').any(|pair| pair == "alt=sse");
                (gemini::read(model, body), Shape::Gemini { array }, verb == Verb::Stream)
            }
            other => {
                let content = plain(other, dialect, body).map_err(Failure::bad_request)?;
                return Ok(finish(dialect, JSON, render(&content), behaviour, id));
            }
        };
        let prompt = prompt.map_err(Failure::bad_request)?;
        let answer = self.compose(&prompt, behaviour, id);
        if !streams {
            return Ok(finish(dialect, JSON, shape.whole(&answer), behaviour, id));
        }
        let player = Player {
            answer,
            renderer: shape.stream(),
            delay: behaviour.chunk_delay,
            accident: behaviour.accident,
            closing: self.closing.clone(),
        };
        if let Some(bad) = behaviour.body {
            let content_type = if bad == BadBody::Html { HTML } else { shape.stream_type() };
            return Ok(dialect.reply(content_type, bad.spoil(player.collect(), true).into(), id));
        }
        Ok(dialect.reply(shape.stream_type(), player.into_body(), id))
    }

    /// The answer to one line of a batch.
    fn line(&self, url: &str, body: &Value, behaviour: &Behaviour, id: &str) -> (u16, Value) {
        let whole = |shape: Shape, prompt: Result<Prompt, String>| {
            let answer = self.compose(&prompt?, behaviour, id);
            Ok(serde_json::from_slice(&shape.whole(&answer)).unwrap_or_default())
        };
        let said = match url.trim_start_matches("/v1") {
            "/chat/completions" => whole(Shape::Chat { include_usage: false }, openai::read_chat(body)),
            "/completions" => {
                whole(Shape::Completion { include_usage: false }, openai::read_completion(body))
            }
            "/responses" => whole(Shape::Responses, responses::read(body)),
            "/embeddings" => openai::embeddings(body),
            other => Err(format!("There are no batches of {other}.")),
        };
        match said {
            Ok(said) => (200, said),
            Err(message) => (400, Dialect::OpenAi.error_body(StatusCode::BAD_REQUEST, &message, id)),
        }
    }

    fn compose(&self, prompt: &Prompt, behaviour: &Behaviour, id: &str) -> Answer {
        let frame = Frame {
            id: id.to_owned(),
            created: now(),
            reply: behaviour.reply.as_deref().or(self.options.reply.as_deref()),
            words: self.options.words,
            chunks: behaviour.chunks,
        };
        compose(prompt, frame)
    }
}

/// The endpoints that answer without a conversation.
fn plain(endpoint: Endpoint<'_>, dialect: Dialect, body: &Value) -> Result<Value, String> {
    match (endpoint, dialect) {
        (Endpoint::Models, Dialect::OpenAi) => Ok(openai::models()),
        (Endpoint::Models, Dialect::Anthropic) => Ok(anthropic::models()),
        (Endpoint::Models, Dialect::Gemini) => Ok(gemini::models()),
        (Endpoint::Model(name), Dialect::OpenAi) => Ok(openai::model(name)),
        (Endpoint::Model(name), Dialect::Anthropic) => Ok(anthropic::model(name)),
        (Endpoint::Model(name), Dialect::Gemini) => Ok(gemini::model(name)),
        (Endpoint::Embeddings, _) => openai::embeddings(body),
        (Endpoint::CountTokens, _) => {
            Ok(json!({"input_tokens": anthropic::read_conversation(body)?.counted()}))
        }
        (Endpoint::Gemini(_, Verb::Embed), _) => gemini::embed(body),
        (Endpoint::Gemini(_, Verb::BatchEmbed), _) => gemini::batch_embed(body),
        (Endpoint::Gemini(_, Verb::CountTokens), _) => gemini::count_tokens(body),
        // The rest has been answered before.
        _ => Ok(Value::Null),
    }
}

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The response of a whole body, spoilt or cut off as the behaviour has it.
fn finish(
    dialect: Dialect,
    content_type: HeaderValue,
    body: Vec<u8>,
    behaviour: &Behaviour,
    id: &str,
) -> Response {
    if let Some(bad) = behaviour.body {
        let content_type = if bad == BadBody::Html { HTML } else { content_type };
        return dialect.reply(content_type, bad.spoil(body, false).into(), id);
    }
    if behaviour.accident.cut.is_none() {
        return dialect.reply(content_type, body.into(), id);
    }
    let length = body.len();
    let half = Bytes::from(body).slice(..length / 2);
    let cut = async {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        Err(std::io::Error::other("cut as asked for by x-mock-cut"))
    };
    let parts = stream::StreamExt::chain(stream::iter([Ok(half)]), stream::once(cut));
    let mut response = dialect.reply(content_type, Body::from_stream(parts), id);
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

pub(super) fn parse(body: &Bytes) -> Result<Value, Failure> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(Failure::bad_request("The body must be a JSON object.")),
        Err(error) => {
            Err(Failure::bad_request(format!("We could not parse the JSON body of your request: {error}")))
        }
    }
}

fn render(value: &impl serde::Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    write_json(value, &mut out);
    out
}

/// What is behind these locks stays whole whatever happens while one is held.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
