//! What a configuration has that is written in another language: who asks it, when, and what comes of it.
//!
//! The gateway knows [`Hooks`] only, and has none unless the configuration names some: a request then passes here by one
//! look at an `Option`. What a hook may do to a request fails with it (a hook that cannot be asked lets nothing pass);
//! what merely tells of a request never holds it up.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use serde_json::{Value, json};

use super::admission::{self, Principal};
use super::config::Config;
use super::endpoint::Access;
use crate::engine::{Keywords, Meta};
use crate::error::{Error, Kind, Result};
use crate::hub::CallType;
use crate::json::Map;

/// A point at which hooks are asked, and wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Whether a request may come in.
    Authorize,
    /// The keywords of a request, before a deployment is chosen.
    PreCall,
    /// Beside the call.
    Moderate,
    /// A whole answer, before it is sent.
    PostCall,
    /// The next pieces of a streamed answer.
    Stream,
    /// A request has failed.
    Failure,
}

impl Step {
    pub const ALL: [Self; 6] =
        [Self::Authorize, Self::PreCall, Self::Moderate, Self::PostCall, Self::Stream, Self::Failure];

    pub fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::PreCall => "pre_call",
            Self::Moderate => "moderate",
            Self::PostCall => "post_call",
            Self::Stream => "stream",
            Self::Failure => "failure",
        }
    }
}

/// What happened, for those who are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Success,
    Failure,
}

/// What hooks are given.
#[derive(Debug, Default)]
pub struct Given {
    /// By request: what is told of one comes with the same number.
    pub request: u64,
    pub facts: Value,
    /// The body of a request that asks to come in.
    pub body: Option<Bytes>,
    pub error: Option<Error>,
}

/// Hooks of a configuration.
pub trait Hooks: Send + Sync {
    /// Whether anything is to be asked at a step.
    fn has(&self, step: Step) -> bool;

    /// Whether anybody wants to be told.
    fn listens(&self, event: Event) -> bool;

    /// Asks and waits.
    ///
    /// # Errors
    /// The hook's own; or, when as many are asked as may be, or it takes too long, one that says so.
    fn ask(&self, step: Step, given: Given) -> BoxFuture<'_, Result<Value>>;

    /// Tells, and waits for nothing. What there is no room for is dropped and counted.
    fn tell(&self, event: Event, given: Given);

    /// Whatever is known of a request may be let go of.
    fn forget(&self, request: u64);

    /// How many events were dropped.
    fn dropped(&self) -> u64;
}

/// Makes the hooks of a configuration, which it may add to: providers of its own, say. None when it names none.
#[derive(Clone)]
pub struct Maker(pub Arc<MakeHooks>);

type MakeHooks = dyn Fn(&mut Config) -> Result<Option<Arc<dyn Hooks>>> + Send + Sync;

impl fmt::Debug for Maker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Maker")
    }
}

impl super::config::Hooks {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        let Self {
            callbacks,
            success_callbacks,
            failure_callbacks,
            custom_auth,
            custom_providers,
            guardrails,
            ..
        } = self;
        let named = [callbacks, success_callbacks, failure_callbacks];
        named.iter().all(|names| names.is_empty())
            && custom_auth.is_none()
            && custom_providers.is_empty()
            && guardrails.is_empty()
    }
}

/// The hooks of a configuration.
///
/// # Errors
/// [`Kind::Config`] when what it names cannot be loaded, or there is nothing that could load it.
pub fn make(maker: Option<&Maker>, config: &mut Config) -> Result<Option<Arc<dyn Hooks>>> {
    if config.hooks.is_empty() {
        return Ok(None);
    }
    match maker {
        Some(Maker(make)) => make(config),
        None => Err(Error::new(
            Kind::Config,
            "The configuration names hooks in Python, and there is no Python here.",
        )),
    }
}

/// A request that hooks are asked about.
pub struct Hooked {
    hooks: Arc<dyn Hooks>,
    id: u64,
    /// What the hooks have not been told of it yet.
    opening: Mutex<Map>,
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        self.hooks.forget(self.id);
    }
}

impl Hooked {
    pub fn new(hooks: &Arc<dyn Hooks>, parts: &Parts, peer: std::net::SocketAddr) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let headers: Map = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into()))
            .collect();
        let facts = json!({
            "method": parts.method.as_str(),
            "path": parts.uri.path(),
            "query": parts.uri.query().unwrap_or_default(),
            "headers": headers,
            "client": [peer.ip().to_string(), peer.port()],
            "key": admission::presented(parts),
        });
        let mut opening = Map::new();
        opening.insert("request".to_owned(), facts);
        Self { hooks: hooks.clone(), id: NEXT.fetch_add(1, Ordering::Relaxed), opening: Mutex::new(opening) }
    }

    pub fn has(&self, step: Step) -> bool {
        self.hooks.has(step)
    }

    pub fn listens(&self, event: Event) -> bool {
        self.hooks.listens(event)
    }

    /// Adds to what is known of the request.
    pub fn note(&self, name: &str, value: impl Into<Value>) {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value.into());
    }

    fn given(&self, facts: Value) -> Given {
        let opening = std::mem::take(&mut *self.opening.lock().unwrap_or_else(PoisonError::into_inner));
        let mut all = Map::new();
        if !opening.is_empty() {
            all.insert("opening".to_owned(), opening.into());
        }
        if let Value::Object(facts) = facts {
            all.extend(facts);
        }
        Given { request: self.id, facts: all.into(), ..Given::default() }
    }

    /// Lets a request in by the configuration's own function.
    ///
    /// # Errors
    /// What the function has raised; a key that may not do what only the master may.
    pub async fn authorize(&self, access: Access, body: Bytes) -> Result<Principal> {
        let given = Given { body: Some(body), ..self.given(Value::Null) };
        let said = self.hooks.ask(Step::Authorize, given).await?;
        let is_admin = said.get("is_admin") == Some(&Value::Bool(true));
        match access {
            Access::Master if !is_admin => {
                Err(Error::new(Kind::PermissionDenied, "This needs the role 'proxy_admin'."))
            }
            _ if is_admin => Ok(Principal::Master),
            _ => Ok(Principal::User(said.get("user").and_then(Value::as_str).unwrap_or_default().into())),
        }
    }

    /// The keywords of a call after the hooks have seen them.
    ///
    /// # Errors
    /// What a hook has refused it with.
    pub async fn pre_call(&self, call_type: CallType, keywords: Keywords) -> Result<Keywords> {
        self.note("call_type", call_type.name());
        if !self.has(Step::PreCall) {
            self.note("data", keywords.clone());
            return Ok(keywords);
        }
        self.note("data", keywords);
        let mut said = self.hooks.ask(Step::PreCall, self.given(Value::Null)).await?;
        match said.get_mut("data").map(Value::take) {
            Some(Value::Object(data)) => Ok(data),
            _ => Err(Error::new(Kind::InternalServer, "A pre-call hook has left no request.")),
        }
    }

    /// Lets a WebSocket by, whose messages pass through no hooks.
    ///
    /// # Errors
    /// When there are hooks that would be gone around.
    pub fn allow_socket(&self) -> Result<()> {
        if [Step::PreCall, Step::Moderate, Step::PostCall, Step::Stream]
            .into_iter()
            .any(|step| self.has(step))
        {
            return Err(Error::new(
                Kind::PermissionDenied,
                "WebSockets are not served here: the gateway has hooks, which see no messages of theirs.",
            ));
        }
        Ok(())
    }

    /// What is to run beside the call.
    ///
    /// # Errors
    /// What a hook has refused it with.
    pub async fn moderate(&self) -> Result<()> {
        if self.has(Step::Moderate) {
            self.hooks.ask(Step::Moderate, self.given(Value::Null)).await?;
        }
        Ok(())
    }

    /// A whole answer after the hooks have seen it, and headers that they add. Tells those who listen.
    ///
    /// # Errors
    /// What a hook has refused it with.
    pub async fn post_call(&self, meta: &Meta, cost: Option<f64>, body: Vec<u8>) -> Result<(Vec<u8>, Map)> {
        if !self.has(Step::PostCall) && !self.listens(Event::Success) {
            return Ok((body, Map::new()));
        }
        let response: Value = serde_json::from_slice(&body)
            .map_err(|error| Error::unreadable("the answer for a hook is no JSON").with_source(error))?;
        let mut made = (body, Map::new());
        let told = if self.has(Step::PostCall) {
            let facts = json!({ "response": response, "meta": facts_of(meta, cost) });
            let mut said = self.hooks.ask(Step::PostCall, self.given(facts)).await?;
            if let Some(Value::Object(headers)) = said.get_mut("headers").map(Value::take) {
                made.1 = headers;
            }
            let response = said.get_mut("response").map(Value::take).unwrap_or(response);
            made.0 = response.to_string().into_bytes();
            response
        } else {
            response
        };
        if self.listens(Event::Success) {
            self.succeeded(json!({ "response": told, "meta": facts_of(meta, cost) }));
        }
        Ok(made)
    }

    pub fn succeeded(&self, facts: Value) {
        self.hooks.tell(Event::Success, self.given(facts));
    }

    /// The next pieces of a streamed answer for those that came.
    pub async fn next_pieces(&self, facts: Value) -> Result<Value> {
        self.hooks.ask(Step::Stream, self.given(facts)).await
    }

    /// Tells of a failure.
    pub fn tell_failure(&self, error: &Error) {
        if self.listens(Event::Failure) {
            let given = Given { error: Some(copy_of(error)), ..self.given(Value::Null) };
            self.hooks.tell(Event::Failure, given);
        }
    }

    /// What a failed request is answered with: hooks may put another error in its place. One that fails itself, or
    /// takes too long, changes nothing.
    pub async fn failed(&self, error: Error) -> Error {
        self.tell_failure(&error);
        if !self.has(Step::Failure) {
            return error;
        }
        let given = Given { error: Some(copy_of(&error)), ..self.given(Value::Null) };
        match self.hooks.ask(Step::Failure, given).await {
            Ok(said) if said.is_object() => error_of(&said),
            Ok(_) => error,
            Err(failed) => {
                tracing::warn!(error = %failed, "a hook for failures failed");
                error
            }
        }
    }
}

/// What is known of a call besides its answer.
pub fn facts_of(meta: &Meta, cost: Option<f64>) -> Value {
    let routing = meta.routing.as_ref();
    json!({
        "provider": &*meta.provider,
        "model": meta.model,
        "api_base": super::record::shown(&meta.api_base),
        "model_id": routing.map(|routing| &*routing.deployment),
        "model_group": routing.map(|routing| &*routing.group),
        "cache_hit": meta.cached.is_some(),
        "cost": cost,
        "upstream_ms": meta.upstream_ms,
    })
}

/// An error for those who are told of it, without what has caused it underneath.
fn copy_of(error: &Error) -> Error {
    let facts = error.facts();
    let mut made = Error::new(error.kind(), error.message()).with_status(error.status());
    let copied = made.facts_mut();
    copied.provider.clone_from(&facts.provider);
    copied.model.clone_from(&facts.model);
    copied.deployment.clone_from(&facts.deployment);
    copied.code.clone_from(&facts.code);
    copied.error_type.clone_from(&facts.error_type);
    copied.param.clone_from(&facts.param);
    copied.request_id.clone_from(&facts.request_id);
    copied.retry_after = facts.retry_after;
    copied.headers.clone_from(&facts.headers);
    copied.body.clone_from(&facts.body);
    made
}

/// The error that a hook has raised, by what is said of it.
pub fn error_of(said: &Value) -> Error {
    let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
    let status = said.get("status").and_then(Value::as_u64).and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|status| (400..600).contains(status)).unwrap_or(500);
    let message = text("message").unwrap_or_else(|| "A hook refused the request.".to_owned());
    let mut error = Error::new(Kind::of_status(status), message).with_status(status);
    let facts = error.facts_mut();
    facts.param = text("param");
    facts.code = text("code");
    facts.error_type = text("type");
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_hook_keeps_its_status() {
        let error = error_of(&json!({ "status": 418, "message": "a teapot", "code": "tea" }));
        assert_eq!((error.status(), error.message()), (418, "a teapot"));
        assert_eq!(error.facts().code.as_deref(), Some("tea"));
        // What is no failure is none of a client's either.
        assert_eq!(error_of(&json!({ "status": 200 })).status(), 500);
    }

    #[test]
    fn hooks_without_somebody_to_load_them_keep_a_gateway_from_starting() {
        let mut config = Config::default();
        assert!(make(None, &mut config).unwrap().is_none());
        config.hooks.callbacks.push("mine.logger".to_owned());
        assert_eq!(make(None, &mut config).err().unwrap().kind(), Kind::Config);
    }

    #[test]
    fn an_address_is_told_without_what_is_secret_in_it() {
        let meta = Meta { api_base: "https://user:sk-1@host/v1?key=sk-2".to_owned(), ..Meta::default() };
        assert_eq!(facts_of(&meta, None)["api_base"], "https://host/v1");
    }
}
