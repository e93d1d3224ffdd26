//! Attempts of one request: sent until it works or is not worth another try.

use std::time::{Duration, Instant, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::envelope::Envelope;
use super::error_context::ErrorContext;
use super::{Engine, Meta, media, own_headers};
use crate::address;
use crate::auth::{self, Scheme, Secret};
use crate::error::{BODY_LIMIT, Error, Kind, Result};
use crate::hub::{Operation, Target};
use crate::providers;
use crate::transport::{Body, Connection, Reach, retry_after, should_retry};
use crate::wires::{ErrorFacts, HttpCall, HttpReply, Next, Wire};

/// One request of a call, as often as it is tried: what every attempt shares.
pub(super) struct Exchange {
    pub envelope: Envelope,
    http: HttpCall,
    started: Instant,
    upstream: Duration,
    retries: u32,
    /// Seconds to add to our clock in signatures (BED-21).
    clock: Option<i64>,
    /// The token of the last attempt, where it is not a key.
    token: Option<Secret>,
    /// What errors and the log must not quote: the key, the token, or the keys of the signature.
    secrets: Vec<Secret>,
}

/// What came of an attempt.
pub(super) type Outcome<T> = std::result::Result<T, Box<Failure>>;

/// A failed attempt, and what there is to do about it.
pub(super) struct Failure {
    pub error: Error,
    /// What the upstream said; nothing when there was no reply.
    pub facts: Option<ErrorFacts>,
    /// What it said about trying again.
    retryable: Option<bool>,
    /// It says that our clock is wrong.
    clock: Option<i64>,
}

impl Exchange {
    /// The wire's request, with the row's and the caller's headers, the query and the key.
    pub fn new(envelope: Envelope, http: HttpCall, started: Instant) -> Result<Self> {
        let exchange = Self {
            secrets: envelope.secrets(),
            http: dressed(http, &envelope)?,
            envelope,
            started,
            upstream: Duration::ZERO,
            retries: 0,
            clock: None,
            token: None,
        };
        exchange.log_request();
        Ok(exchange)
    }

    /// Another request instead.
    pub fn replace(&mut self, http: HttpCall) -> Result<()> {
        self.http = dressed(http, &self.envelope)?;
        self.log_request();
        Ok(())
    }

    fn log_request(&self) {
        tracing::debug!(
            provider = %self.target().provider,
            model = %self.target().model,
            url = %auth::without_credentials(&self.http.url),
            body = %loggable(&self.http.body, &self.secrets),
            "request"
        );
    }

    pub fn target(&self) -> &Target {
        self.envelope.target()
    }

    /// One attempt: the reply's beginning, once its status is good.
    pub async fn body<O: Operation>(&mut self, engine: &Engine, wire: &dyn Wire<O>) -> Outcome<Body> {
        let sent = Instant::now();
        let outcome = self.attempt(engine, self.http.clone(), wire).await;
        self.upstream += sent.elapsed();
        outcome
    }

    /// One attempt: the whole reply.
    pub async fn reply<O: Operation>(&mut self, engine: &Engine, wire: &dyn Wire<O>) -> Outcome<HttpReply> {
        let sent = Instant::now();
        let outcome = match self.attempt(engine, self.http.clone(), wire).await {
            Ok(body) => body.collect(self.envelope.limits).await.map_err(|error| self.broken(error)),
            Err(failure) => Err(failure),
        };
        self.upstream += sent.elapsed();
        outcome
    }

    /// A further request that the wire asks for, within the time of the call. What belongs to the first request's host
    /// goes to no other.
    pub async fn further<O: Operation>(
        &mut self,
        engine: &Engine,
        next: Next,
        deadline: Instant,
        wire: &dyn Wire<O>,
    ) -> Outcome<Body> {
        let Next { mut call, wait, .. } = next;
        if Instant::now() + wait >= deadline {
            return Err(self.broken(timed_out(self.envelope.limits.total)));
        }
        tokio::time::sleep(wait).await;
        if self.is_home(&call) {
            add_headers(&mut call.headers, &self.envelope).map_err(|error| self.broken(error))?;
        } else if let Err(error) = media::check_address(&call.url).await {
            // As the provider's own fault: the caller has asked for no such address.
            let message = error.message().to_owned();
            return Err(self.broken(Error::new(Kind::BadGateway, message).with_source(error)));
        }
        let sent = Instant::now();
        let outcome = self.attempt(engine, call, wire).await;
        self.upstream += wait + sent.elapsed();
        outcome
    }

    fn is_home(&self, call: &HttpCall) -> bool {
        address::same_origin(&call.url, &self.http.url)
            || self.envelope.route.row.regional_hosts && address::is_sibling(&call.url, &self.http.url)
    }

    async fn attempt<O: Operation>(
        &mut self,
        engine: &Engine,
        http: HttpCall,
        wire: &dyn Wire<O>,
    ) -> Outcome<Body> {
        let limits = self.envelope.limits;
        let is_home = self.is_home(&http);
        let http = if is_home && self.envelope.route.is_signed() {
            Box::pin(self.signed(engine, http)).await.map_err(|error| self.broken(error))?
        } else {
            http
        };
        let connection = &self.envelope.connection;
        let elsewhere = (!is_home).then(|| Connection { reach: Reach::Public, ..connection.clone() });
        let sent = engine.transport.send(http, elsewhere.as_ref().unwrap_or(connection), limits).await;
        let body = sent.map_err(|error| self.broken(error))?;
        if body.status() < 300 {
            return Ok(body);
        }
        let reply = Box::pin(body.collect(limits)).await.map_err(|error| self.broken(error))?;
        if reply.status == 401
            && let (Some(grant), Some(token)) = (&self.envelope.route.grant, &self.token)
        {
            Box::pin(engine.tokens.forget(grant, token)).await;
        }
        Err(self.failed(&reply, wire))
    }

    /// The request with what proves who asks, where that is no key: for this attempt, since signatures and tokens age.
    async fn signed(&mut self, engine: &Engine, mut http: HttpCall) -> Result<HttpCall> {
        if let Some(project) = &self.envelope.route.project {
            let name = engine.tokens.get(&engine.transport, &self.envelope.connection, project).await?;
            http.url = http.url.replace(auth::google::PROJECT, name.expose());
        }
        if let Some(signing) = &self.envelope.route.signing {
            let keys = engine.credentials.get(&engine.transport, &self.envelope.connection, signing).await?;
            keys.secrets().for_each(|secret| add(&mut self.secrets, secret));
            let now = shifted(SystemTime::now(), self.clock.unwrap_or_default());
            auth::aws::sign(&mut http, &keys, &signing.region, &signing.service, now)?;
        }
        if let Some(grant) = &self.envelope.route.grant {
            let token = engine.tokens.get(&engine.transport, &self.envelope.connection, grant).await?;
            auth::sign(&mut http.headers, Scheme::Bearer, Some(&token))?;
            add(&mut self.secrets, &token);
            self.token = Some(token);
        }
        if let Some(signer) = &self.envelope.route.signer {
            signer.sign(&mut http, SystemTime::now())?;
        }
        Ok(http)
    }

    /// Prepares the next attempt, after a wait, or gives up with the error.
    pub async fn again(&mut self, failure: Failure) -> Result<()> {
        let Failure { error, retryable, clock, .. } = failure;
        if clock.is_some() && self.clock.is_none() {
            tracing::warn!(provider = %self.target().provider, "the clock is wrong, signed again by the upstream's");
            self.clock = clock;
            return Ok(());
        }
        let Some(wait) = self.envelope.retry.wait(self.retries, &error, retryable) else {
            return Err(error);
        };
        self.retries += 1;
        tracing::debug!(provider = %self.target().provider, wait_ms = wait.as_millis(), error = %error, "retry");
        tokio::time::sleep(wait).await;
        Ok(())
    }

    pub fn meta(&self, status: u16, headers: HeaderMap) -> Meta {
        let target = self.target();
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
            cached: None,
            routing: None,
            call_type: Some(target.call_type),
            billing: self.envelope.billing.clone(),
            reply: None,
        }
    }

    /// The same, with the reply itself where somebody wants to log it.
    pub fn meta_of(&self, reply: HttpReply) -> Meta {
        let mut meta = self.meta(reply.status, reply.headers);
        meta.reply = self.envelope.keep_reply.then_some(reply.body);
        meta
    }

    /// A reply with an error status, in the provider's words.
    fn failed<O: Operation>(&self, reply: &HttpReply, wire: &dyn Wire<O>) -> Box<Failure> {
        self.log_reply(reply);
        let facts = wire.error_facts(reply.status, &reply.body);
        let kind = wire.classify(&facts, self.target());
        let context = self.context_of(&reply.status.to_string());
        let error = decorated(&context, facts.clone().into_error(kind), &reply.headers);
        let clock = self.envelope.route.signing.as_ref().and_then(|_| {
            auth::aws::clock_offset(reply.status, &reply.headers, &reply.body, SystemTime::now())
        });
        let retryable = Some(should_retry(reply.status, &reply.headers));
        Box::new(Failure { error, facts: Some(facts), retryable, clock })
    }

    /// No reply, or none that could be read to its end.
    pub fn broken(&self, error: Error) -> Box<Failure> {
        Box::new(Failure { error: self.transport_failure(error), facts: None, retryable: None, clock: None })
    }

    pub fn transport_failure(&self, error: Error) -> Error {
        let context = match error.kind() {
            Kind::Connection => self.context_of("connection"),
            Kind::Timeout => self.context_of("timeout"),
            _ => self.error_context(),
        };
        decorated(&context, error, &HeaderMap::new())
    }

    /// What an error says that came of a reply with this status, or of no reply: the row may name another provider.
    fn context_of(&self, failure: &str) -> ErrorContext {
        let mut context = self.error_context();
        let named = &self.target().accent.errors_as;
        if let Some((name, _)) = named.iter().find(|(_, of)| of.iter().any(|one| one == failure)) {
            context.provider = name.as_str().into();
            context.prefix = providers::error_prefix(name).into();
        }
        context
    }

    /// What errors of this call say, as it stands.
    pub fn error_context(&self) -> ErrorContext {
        ErrorContext {
            secrets: self.secrets.clone(),
            attempts: self.retries,
            ..self.envelope.error_context()
        }
    }

    pub fn log_reply(&self, reply: &HttpReply) {
        tracing::debug!(
            provider = %self.target().provider,
            model = %self.target().model,
            status = reply.status,
            body = %loggable(&reply.body, &self.secrets),
            "reply"
        );
    }

    /// Adds what is known here: who answered, its headers, when to try again.
    pub fn decorate(&self, error: Error, headers: &HeaderMap) -> Error {
        decorated(&self.error_context(), error, headers)
    }
}

fn decorated(context: &ErrorContext, mut error: Error, headers: &HeaderMap) -> Error {
    let facts = error.facts_mut();
    facts.retry_after = retry_after(headers, SystemTime::now()).or(facts.retry_after);
    // What the wire read from the body is nearer to the failure.
    let known = ["x-request-id", "request-id", "x-amzn-requestid"];
    facts.request_id =
        facts.request_id.take().or_else(|| known.into_iter().find_map(|name| text(headers, name)));
    facts.headers = own_headers(headers);
    context.name(error)
}

/// The request as it is sent.
pub(super) fn dressed(mut http: HttpCall, envelope: &Envelope) -> Result<HttpCall> {
    let target = envelope.target();
    add_headers(&mut http.headers, envelope).map_err(|error| error.at(&target.provider, &target.model))?;
    for (name, value) in envelope.route.query.iter().chain(&envelope.query) {
        let mark = if http.url.contains('?') { '&' } else { '?' };
        let pair: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        http.url.push(mark);
        http.url.push_str(&pair);
    }
    Ok(http)
}

fn timed_out(limit: Duration) -> Error {
    let what = format!("The answer was not there after {} seconds.", limit.as_secs_f64());
    Error::new(Kind::Timeout, what)
}

fn add(secrets: &mut Vec<Secret>, secret: &Secret) {
    if !secrets.contains(secret) {
        secrets.push(secret.clone());
    }
}

fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let span = Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 { time.checked_sub(span) } else { time.checked_add(span) };
    moved.unwrap_or(time)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The row's headers, the caller's (which win), and the key.
fn add_headers(headers: &mut HeaderMap, envelope: &Envelope) -> Result<()> {
    for (name, value) in envelope.route.headers.iter().chain(&envelope.headers) {
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
    auth::sign(headers, envelope.route.auth, envelope.route.key.as_ref())
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

/// A body for the log: its beginning, without the secrets that may be in there.
fn loggable(body: &[u8], secrets: &[Secret]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(BODY_LIMIT)]).into_owned();
    secrets.iter().fold(text, |text, secret| secret.hidden_in(&text).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::config::ProcessEnvironment;
    use crate::engine::{ChatCall, Settings};

    /// Files of Dashscope's answers are in buckets, and anybody rents one beside its host.
    #[test]
    fn what_is_for_a_host_goes_to_no_sibling_of_it() {
        let Value::Object(keywords) = json!({ "model": "dashscope/m", "api_key": "k", "messages": [{ "role": "user", "content": "x" }] })
        else {
            panic!("an object")
        };
        let call = ChatCall::from_keywords(keywords, &Settings::default(), &ProcessEnvironment).unwrap();
        let to = |url: &str| HttpCall {
            rest: Vec::new(),
            method: http::Method::GET,
            url: url.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        };
        let first = to("https://dashscope.aliyuncs.com/api/v1/x");
        let exchange = Exchange::new(call.envelope, first, Instant::now()).unwrap();
        assert!(exchange.is_home(&to("https://dashscope.aliyuncs.com/api/v1/tasks/1")));
        assert!(!exchange.is_home(&to("https://anybody.oss-cn-beijing.aliyuncs.com/file")));
    }
}
