//! Attempts of one call: encode once, send until it works or is not worth another try.

use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::call::ChatCall;
use super::stream::{ChatStream, StreamSettings};
use super::{Answer, Engine, Meta, media, new_call_id, new_chat_id, now, own_headers};
use crate::auth::Scheme;
use crate::error::{BODY_LIMIT, Error, Result};
use crate::hub::{ChatRequest, ChatResponse, Target};
use crate::transport::{Body, Transport, retry_after, should_retry};
use crate::wires::{HttpCall, HttpReply, Memo, Prepared, StreamWire};
use crate::{auth, tokens};

/// What every attempt of a call shares.
struct Job {
    call: ChatCall,
    http: HttpCall,
    memo: Memo,
    started: Instant,
    upstream: Duration,
    retries: u32,
    repaired: bool,
    /// Seconds to add to our clock in signatures (BED-21).
    clock: Option<i64>,
}

/// What came of an attempt.
type Outcome<T> = std::result::Result<T, Box<Failure>>;

/// A failed attempt, and what there is to do about it.
struct Failure {
    error: Error,
    /// What the upstream said about trying again; nothing when there was no reply.
    retryable: Option<bool>,
    /// The request as the wire would try it instead (ANT-20).
    repaired: Option<ChatRequest>,
    /// The upstream says that our clock is wrong.
    clock: Option<i64>,
}

pub async fn chat(engine: &Engine, call: ChatCall, started: Instant) -> Result<Answer> {
    let mut job = Job::prepare(&engine.transport, call, started).await?;
    loop {
        let sent = Instant::now();
        let outcome = job.whole(engine).await;
        job.upstream += sent.elapsed();
        match outcome {
            Ok(reply) => return job.answer(reply),
            Err(failure) => job.again(*failure).await?,
        }
    }
}

pub async fn chat_stream(engine: &Engine, call: ChatCall, started: Instant) -> Result<ChatStream> {
    let mut job = Job::prepare(&engine.transport, call, started).await?;
    loop {
        let sent = Instant::now();
        let outcome = job.head(engine).await;
        job.upstream += sent.elapsed();
        match outcome {
            Ok(body) => return job.stream(body).await,
            Err(failure) => job.again(*failure).await?,
        }
    }
}

impl Job {
    async fn prepare(transport: &Transport, mut call: ChatCall, started: Instant) -> Result<Self> {
        let at = |error: Error, target: &Target| error.at(&target.provider, &target.model);
        let wire = call.target().wire.chat();
        let wanted = wire.remote_media(&call.request, call.target());
        if !wanted.is_empty() {
            call.request.media =
                media::fetch(transport, wanted).await.map_err(|error| at(error, call.target()))?;
        }
        let (http, memo) = encode(&call)?;
        Ok(Self {
            call,
            http,
            memo,
            started,
            upstream: Duration::ZERO,
            retries: 0,
            repaired: false,
            clock: None,
        })
    }

    async fn head(&mut self, engine: &Engine) -> Outcome<Body> {
        let limits = self.call.limits;
        let http = self.signed(engine).await.map_err(|error| self.broken(error))?;
        let sent = engine.transport.send(http, &self.call.connection, limits).await;
        let body = sent.map_err(|error| self.broken(error))?;
        if body.status() < 300 {
            return Ok(body);
        }
        let reply = body.collect(limits).await.map_err(|error| self.broken(error))?;
        if reply.status == 401
            && let (Some(grant), Some(token)) = (&self.call.route.grant, &self.call.route.key)
        {
            engine.tokens.forget(grant, token).await;
        }
        Err(self.failed(&reply))
    }

    /// The request with what proves who asks, where that is no key: for this attempt, since signatures and tokens age.
    async fn signed(&mut self, engine: &Engine) -> Result<HttpCall> {
        let mut http = self.http.clone();
        if let Some(grant) = &self.call.route.grant {
            let token = engine.tokens.get(&engine.transport, &self.call.connection, grant).await?;
            auth::sign(&mut http.headers, Scheme::Bearer, Some(&token))?;
            // From here on it is the key that errors and logs must not show.
            self.call.route.key = Some(token);
        }
        if let Some(signing) = &self.call.route.signing {
            let keys = engine.credentials.get(&engine.transport, &self.call.connection, signing).await?;
            let now = shifted(SystemTime::now(), self.clock.unwrap_or_default());
            auth::aws::sign(&mut http, &keys, &signing.region, &signing.service, now)?;
        }
        Ok(http)
    }

    async fn whole(&mut self, engine: &Engine) -> Outcome<HttpReply> {
        let body = self.head(engine).await?;
        body.collect(self.call.limits).await.map_err(|error| self.broken(error))
    }

    /// Prepares the next attempt, after a wait or with a repaired request, or gives up with the error.
    async fn again(&mut self, failure: Failure) -> Result<()> {
        let Failure { mut error, retryable, repaired, clock } = failure;
        if clock.is_some() && self.clock.is_none() {
            tracing::warn!(provider = %self.call.target().provider, "the clock is wrong, signed again by the upstream's");
            self.clock = clock;
            return Ok(());
        }
        if let Some(request) = repaired.filter(|_| !self.repaired) {
            tracing::debug!(provider = %self.call.target().provider, error = %error, "repaired");
            self.repaired = true;
            self.call.request = request;
            (self.http, self.memo) = encode(&self.call)?;
            return Ok(());
        }
        let Some(wait) = self.call.retry.wait(self.retries, &error, retryable) else {
            let facts = error.facts_mut();
            facts.attempts = self.retries;
            facts.attempts_allowed = self.call.retry.retries;
            return Err(error);
        };
        self.retries += 1;
        tracing::debug!(provider = %self.call.target().provider, wait_ms = wait.as_millis(), error = %error, "retry");
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn answer(self, reply: HttpReply) -> Result<Answer> {
        let target = self.call.target();
        let wire = target.wire.chat();
        let mut response = match wire.decode(&reply, &self.memo, target) {
            Ok(response) => response,
            Err(error) => return Err(self.decorate(error, &reply.headers)),
        };
        log_reply(&reply, &self.call);
        complete(&mut response);
        let mut meta = self.meta(reply.status, reply.headers);
        meta.response_model = Some(response.model.clone());
        Ok(Answer { response, meta })
    }

    async fn stream(self, body: Body) -> Result<ChatStream> {
        let target = self.call.target();
        let wire = target.wire.chat();
        let mut meta = self.meta(body.status(), body.headers().clone());
        let include_usage = self.call.include_usage;
        if body.is_json() {
            // No stream at all: an error with a good status, or a server that does not stream (STR-30).
            let reply =
                body.collect(self.call.limits).await.map_err(|error| self.transport_failure(error))?;
            let response = wire
                .decode(&reply, &self.memo, target)
                .map_err(|error| self.decorate(error, &reply.headers))?;
            meta.response_model = Some(response.model.clone());
            return Ok(ChatStream::replayed(response, meta, include_usage));
        }
        let decoder = wire.decoder(self.memo.clone(), target);
        let settings = StreamSettings {
            idle: self.call.limits.idle,
            include_usage,
            repeated_chunk_limit: self.call.repeated_chunk_limit,
            reply_model: target.accent.streams_name_model,
            context: self.call.error_context(),
        };
        Ok(ChatStream::live(body, wire.framing(), decoder, meta, settings))
    }

    fn meta(&self, status: u16, headers: HeaderMap) -> Meta {
        let target = self.call.target();
        Meta {
            provider: target.provider.clone(),
            model: target.model.clone(),
            api_base: auth::without_credentials(&target.base),
            status,
            headers,
            response_model: None,
            retries: self.retries,
            elapsed_ms: self.started.elapsed().as_secs_f64() * 1000.0,
            upstream_ms: self.upstream.as_secs_f64() * 1000.0,
        }
    }

    /// A reply with an error status, in the provider's words.
    fn failed(&self, reply: &HttpReply) -> Box<Failure> {
        let target = self.call.target();
        let wire: &dyn StreamWire = target.wire.chat();
        log_reply(reply, &self.call);
        let facts = wire.error_facts(reply.status, &reply.body);
        let repaired = wire.repaired(&self.call.request, &facts);
        let kind = wire.classify(&facts, target);
        let error = self.decorate(facts.into_error(kind), &reply.headers);
        let clock = self.call.route.signing.as_ref().and_then(|_| {
            auth::aws::clock_offset(reply.status, &reply.headers, &reply.body, SystemTime::now())
        });
        let retryable = Some(should_retry(reply.status, &reply.headers));
        Box::new(Failure { error, retryable, repaired, clock })
    }

    /// No reply, or none that could be read to its end.
    fn broken(&self, error: Error) -> Box<Failure> {
        Box::new(Failure {
            error: self.transport_failure(error),
            retryable: None,
            repaired: None,
            clock: None,
        })
    }

    fn transport_failure(&self, error: Error) -> Error {
        self.decorate(error, &HeaderMap::new())
    }

    /// Adds what is known here: who answered, its headers, when to try again.
    fn decorate(&self, mut error: Error, headers: &HeaderMap) -> Error {
        let context = self.call.error_context();
        let facts = error.facts_mut();
        facts.retry_after = retry_after(headers, SystemTime::now()).or(facts.retry_after);
        facts.request_id = ["x-request-id", "request-id"].into_iter().find_map(|name| text(headers, name));
        facts.headers = own_headers(headers);
        context.name(error)
    }
}

/// The request as it is sent: the wire's, with the row's and the caller's headers, the query and the key.
fn encode(call: &ChatCall) -> Result<(HttpCall, Memo)> {
    let target = call.target();
    let named = |error: Error| error.at(&target.provider, &target.model);
    let Prepared { call: mut http, memo } =
        target.wire.chat().encode(&call.request, target).map_err(named)?;
    add_headers(&mut http.headers, call).map_err(named)?;
    for (name, value) in call.route.query.iter().chain(&call.query) {
        let mark = if http.url.contains('?') { '&' } else { '?' };
        let pair: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        http.url.push(mark);
        http.url.push_str(&pair);
    }
    log_request(&http, call);
    Ok((http, memo))
}

fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let span = Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 { time.checked_sub(span) } else { time.checked_add(span) };
    moved.unwrap_or(time)
}

/// Fills in what a provider left out (OSS-02, STR-09, USG-08).
pub fn complete(response: &mut ChatResponse) {
    if let Some(usage) = &mut response.usage {
        let reasoning =
            response.choices.first().and_then(|choice| choice.message.reasoning_content.as_deref());
        tokens::estimate_reasoning(usage, reasoning.unwrap_or_default());
    }
    if response.id.is_empty() {
        response.id = new_chat_id();
    }
    if response.created == 0 {
        response.created = now();
    }
    for choice in &mut response.choices {
        for call in &mut choice.message.tool_calls {
            call.id.get_or_insert_with(new_call_id);
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The row's headers, the caller's (which win), and the key.
fn add_headers(headers: &mut HeaderMap, call: &ChatCall) -> Result<()> {
    for (name, value) in call.route.headers.iter().chain(&call.headers) {
        let wrong =
            || Error::bad_request(format!("the header '{name}' cannot be sent")).with_param("extra_headers");
        let header = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let value = HeaderValue::try_from(value.as_str()).map_err(|_| wrong())?;
        if header.as_str() == "anthropic-beta" {
            merge_list(headers, header, &value);
        } else {
            headers.insert(header, value);
        }
    }
    auth::sign(headers, call.route.row.auth, call.route.key.as_ref())
}

/// A header that is a list: what is there and what the caller adds, each once.
fn merge_list(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    let old = headers.get(&name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut items: Vec<&str> = Vec::new();
    for item in old.split(',').chain(value.to_str().unwrap_or_default().split(',')) {
        let item = item.trim();
        if !item.is_empty() && !items.contains(&item) {
            items.push(item);
        }
    }
    if let Ok(joined) = HeaderValue::try_from(items.join(",")) {
        headers.insert(name, joined);
    }
}

fn log_request(http: &HttpCall, call: &ChatCall) {
    tracing::debug!(
        provider = %call.target().provider,
        model = %call.target().model,
        url = %auth::without_credentials(&http.url),
        body = %loggable(&http.body, call),
        "request"
    );
}

fn log_reply(reply: &HttpReply, call: &ChatCall) {
    tracing::debug!(
        provider = %call.target().provider,
        model = %call.target().model,
        status = reply.status,
        body = %loggable(&reply.body, call),
        "reply"
    );
}

/// A body for the log: its beginning, without the key should it be in there.
fn loggable(body: &[u8], call: &ChatCall) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(BODY_LIMIT)]).into_owned();
    call.route.key.as_ref().and_then(|key| key.hidden_in(&text)).unwrap_or(text)
}
