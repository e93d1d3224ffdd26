//! What is known of a request: gathered from when it comes until its answer has ended, then told to those who count.
//!
//! The answer has ended when its last byte is out, when it broke off, or when the client has gone: all of these drop
//! its [`Open`], which makes the [`Record`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use http::Method;
use http::request::Parts;

use super::admission::Principal;
use super::dialect::Dialect;
use super::endpoint::{Endpoint, Route};
use super::hooks::Hooked;
use super::observe::Observer;
use crate::engine::{Meta, new_uuid};
use crate::error::{Error, Kind};
use crate::hub::{CallType, Usage};
use crate::json::cut;
use crate::tokens;

/// The most that is kept of the name of a model as a client wrote it, in bytes.
const NAME: usize = 256;

/// A request of a client. The last handle that is let go of makes the record.
#[derive(Clone)]
pub struct Call {
    /// In the answer's headers and in the log.
    pub id: Arc<str>,
    pub begun: Instant,
    pub principal: Principal,
    /// For the hooks of the configuration, where it has some.
    pub hooked: Option<Arc<Hooked>>,
    request: Arc<Request>,
}

struct Request {
    id: Arc<str>,
    came: SystemTime,
    method: &'static str,
    route: Option<&'static Route>,
    dialect: Dialect,
    trace: Option<(u128, u64)>,
    facts: Mutex<Facts>,
    observer: Arc<Observer>,
}

/// What is found out on the way.
#[derive(Debug, Default)]
struct Facts {
    status: u16,
    total: Duration,
    call_type: Option<CallType>,
    model: String,
    group: Arc<str>,
    deployment: Arc<str>,
    provider: Arc<str>,
    upstream_model: String,
    response_model: Option<String>,
    api_base: String,
    tokens: Tokens,
    cost: Option<f64>,
    overhead: Option<Duration>,
    first_token: Option<Duration>,
    retries: u32,
    fallbacks: u32,
    error: Option<(Kind, u16)>,
    is_cached: bool,
    is_stream: bool,
    left: Left,
}

/// Counts of tokens.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tokens {
    pub input: u64,
    pub output: u64,
    /// Of the input, read from and written to the provider's cache.
    pub cache_read: u64,
    pub cache_written: u64,
    /// Of the output.
    pub reasoning: u64,
}

impl Tokens {
    fn of(usage: &Usage) -> Self {
        let detail = |details: &Option<crate::json::Map>, name: &str| {
            details.as_ref().map_or(0, |details| crate::json::count_at(details, name))
        };
        Self {
            input: usage.prompt_tokens,
            output: usage.completion_tokens,
            cache_read: usage.cached_tokens(),
            cache_written: detail(&usage.prompt_tokens_details, "cache_creation_tokens"),
            reasoning: detail(&usage.completion_tokens_details, "reasoning_tokens"),
        }
    }
}

/// What an upstream says is left of its limits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub requests: Option<u64>,
    pub tokens: Option<u64>,
}

impl Left {
    fn of(meta: &Meta) -> Self {
        let number = |name: &str| meta.headers.get(name)?.to_str().ok()?.trim().parse().ok();
        Self {
            requests: number("x-ratelimit-remaining-requests"),
            tokens: number("x-ratelimit-remaining-tokens"),
        }
    }
}

/// One request, ended. There is no text of question or answer in it, no key and no address of a client.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: Arc<str>,
    /// When the request came.
    pub came: SystemTime,
    pub method: &'static str,
    /// The line of the table of paths; empty for what is not served.
    pub route: &'static str,
    pub dialect: Dialect,
    /// Whether it is a call to a model, and not about the gateway.
    pub is_call: bool,
    /// The status of the answer's head.
    pub status: u16,
    pub call_type: Option<CallType>,
    /// As the client wrote it: no label of a metric.
    pub model: String,
    /// The group that answered.
    pub group: Arc<str>,
    pub deployment: Arc<str>,
    pub provider: Arc<str>,
    pub upstream_model: String,
    pub response_model: Option<String>,
    pub api_base: String,
    pub tokens: Tokens,
    pub cost: Option<f64>,
    pub total: Duration,
    /// Of that, what the gateway itself took; unknown for streams.
    pub overhead: Option<Duration>,
    /// Until a stream's first content.
    pub first_token: Option<Duration>,
    pub retries: u32,
    pub fallbacks: u32,
    pub error: Option<(Kind, u16)>,
    pub is_cached: bool,
    pub is_stream: bool,
    pub left: Left,
    /// The trace of the client's that the request belongs to: its id, and the span above.
    pub trace: Option<(u128, u64)>,
}

impl Record {
    /// The name of the error, as clients in Python know it; empty without one.
    pub fn error_class(&self) -> &'static str {
        self.error.map_or("", |(kind, _)| kind.class_name())
    }

    /// How long the upstream took.
    pub fn upstream(&self) -> Duration {
        self.total.saturating_sub(self.overhead.unwrap_or_default())
    }
}

impl Call {
    /// A request to a line of the table, or to nothing.
    pub fn new(
        parts: &Parts,
        route: Option<&'static Route>,
        dialect: Dialect,
        observer: &Arc<Observer>,
    ) -> Self {
        let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let given = text("x-litellm-call-id").filter(|id| is_plain(id));
        let id: Arc<str> = given.map_or_else(new_uuid, str::to_owned).into();
        let request = Request {
            id: id.clone(),
            came: SystemTime::now(),
            method: method(&parts.method),
            route,
            dialect,
            trace: text("traceparent").and_then(parent),
            facts: Mutex::default(),
            observer: observer.clone(),
        };
        Self {
            id,
            begun: Instant::now(),
            principal: Principal::Anonymous,
            hooked: None,
            request: Arc::new(request),
        }
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.request.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the client asks for.
    pub fn asks(&self, call_type: CallType, model: &str) {
        let mut facts = self.facts();
        facts.call_type = Some(call_type);
        // Records wait in memory, and a client may send any text for a name.
        cut(model, NAME).clone_into(&mut facts.model);
    }

    /// Notes how an answer came: a whole one, or the beginning of a stream.
    pub fn answered(&self, meta: &Meta, is_stream: bool) {
        let took = self.begun.elapsed();
        let mut facts = self.facts();
        facts.is_stream = is_stream;
        facts.provider = meta.provider.clone();
        facts.upstream_model.clone_from(&meta.model);
        facts.response_model.clone_from(&meta.response_model);
        facts.api_base = shown(&meta.api_base);
        facts.is_cached = meta.cached.as_ref().is_some_and(|cached| cached.asked == 0);
        facts.left = Left::of(meta);
        let mut upstream = Duration::from_secs_f64((meta.upstream_ms / 1000.0).max(0.0));
        if let Some(routing) = &meta.routing {
            facts.group = routing.group.clone();
            facts.deployment = routing.deployment.clone();
            facts.retries = routing.retries;
            facts.fallbacks = routing.fallbacks;
            let failed = routing.attempts.iter().filter(|one| one.failure.is_some() && !one.is_hedge);
            upstream += failed.map(|one| Duration::from_micros(one.ended.saturating_sub(one.began))).sum();
        }
        if is_stream {
            // A router hands a stream on with its first content.
            facts.first_token = Some(took);
        } else {
            facts.overhead = Some(took.saturating_sub(upstream));
        }
    }

    /// Notes what the answer has used and cost.
    pub fn spent(&self, usage: Option<&Usage>, cost: Option<f64>) {
        let mut facts = self.facts();
        facts.tokens = usage.map(Tokens::of).unwrap_or_default();
        facts.cost = cost;
    }

    /// The same for a stream without counts: they are made where nobody waits for them, and the record after them.
    pub fn spent_uncounted(&self, meta: &Meta, call_type: CallType, (question, answer): (String, String)) {
        let (call, meta) = (self.clone(), meta.clone());
        let count = move || {
            let usage = Usage::new(tokens::count(&question), tokens::count(&answer));
            call.spent(Some(&usage), meta.cost_of_call(call_type, Some(&usage), None));
        };
        // A stream may be let go of where there is no runtime any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(count);
        }
    }

    pub fn failed(&self, error: &Error) {
        let cause = error.facts().cause.as_ref().unwrap_or(error);
        let mut facts = self.facts();
        facts.error = Some((cause.kind(), cause.status()));
        let known = error.facts();
        if facts.provider.is_empty()
            && let Some(provider) = &known.provider
        {
            facts.provider = provider.as_str().into();
        }
        if facts.deployment.is_empty()
            && let Some(deployment) = &known.deployment
        {
            facts.deployment = deployment.as_str().into();
        }
    }
}

/// A request whose answer is on its way.
pub struct Open {
    call: Call,
    status: u16,
    has_ended: bool,
}

impl Open {
    pub fn new(call: Call) -> Self {
        Self { call, status: 0, has_ended: false }
    }

    /// The head of the answer is known.
    pub fn answers(&mut self, status: u16) {
        self.status = status;
    }

    /// All of the answer is out.
    pub fn ends(&mut self) {
        self.has_ended = true;
    }
}

/// The status of a request whose client has gone before there was one.
const GONE: u16 = 499;

impl Drop for Open {
    fn drop(&mut self) {
        let total = self.call.begun.elapsed();
        let mut facts = self.call.facts();
        facts.total = total;
        facts.status = match self.status {
            0 if std::thread::panicking() => 500,
            0 => GONE,
            known => known,
        };
        if !self.has_ended && facts.error.is_none() {
            facts.error = Some((Kind::Cancelled, GONE));
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let facts = std::mem::take(self.facts.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.observer.tell(Record {
            id: self.id.clone(),
            came: self.came,
            method: self.method,
            route: self.route.map_or("", |route| route.path),
            dialect: self.dialect,
            is_call: self.route.is_some_and(|route| is_call(route.endpoint)),
            status: facts.status,
            call_type: facts.call_type,
            model: facts.model,
            group: facts.group,
            deployment: facts.deployment,
            provider: facts.provider,
            upstream_model: facts.upstream_model,
            response_model: facts.response_model,
            api_base: facts.api_base,
            tokens: facts.tokens,
            cost: facts.cost,
            total: facts.total,
            overhead: facts.overhead,
            first_token: facts.first_token,
            retries: facts.retries,
            fallbacks: facts.fallbacks,
            error: facts.error,
            is_cached: facts.is_cached,
            is_stream: facts.is_stream,
            left: facts.left,
            trace: self.trace,
        });
    }
}

fn is_call(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::Call(_)
            | Endpoint::Form(_)
            | Endpoint::Kept(_)
            | Endpoint::Gemini
            | Endpoint::Deployment
            | Endpoint::CountTokens
            | Endpoint::TokenCounter
    )
}

/// An id of the client's that can stand in a header and in a log as it is.
fn is_plain(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 128
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        _ => "_OTHER",
    }
}

/// `traceparent`: the trace and the span that a request belongs to (W3C Trace Context).
fn parent(text: &str) -> Option<(u128, u64)> {
    let mut parts = text.trim().split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !is_hex(version, 2)
        || version == "ff"
        || !is_hex(flags, 2)
        || (version == "00" && parts.next().is_some())
    {
        return None;
    }
    let trace = u128::from_str_radix(trace, 16).ok().filter(|id| *id != 0 && is_hex(trace, 32))?;
    let span = u64::from_str_radix(span, 16).ok().filter(|id| *id != 0 && is_hex(span, 16))?;
    Some((trace, span))
}

/// An address without what may be a key in it.
pub(super) fn shown(address: &str) -> String {
    if !address.contains(['@', '?', '#']) {
        return address.to_owned();
    }
    let Ok(mut url) = url::Url::parse(address) else { return String::new() };
    url.set_query(None);
    url.set_fragment(None);
    // Fails for addresses that can have none.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_as_the_standard_says() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(parent(good), Some((0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0xb7ad_6b71_6920_3331)));
        assert!(parent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
        for bad in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(parent(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_is_shown_without_keys() {
        assert_eq!(shown("https://user:sk-1@host/v1?key=sk-2#sk-3"), "https://host/v1");
        assert_eq!(shown("https://host/v1"), "https://host/v1");
    }

    #[test]
    fn an_id_of_the_clients_is_plain() {
        assert!(is_plain("3f2c-1:a_b.c"));
        assert!(!is_plain("a b") && !is_plain("") && !is_plain(&"a".repeat(129)));
    }
}
