//! The headers of an answer: what is known of its call, and what the upstream said of its limits.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use super::dialect::Dialect;
use super::record::Call;
use crate::engine::Meta;

/// Headers of an upstream that say something of its connection to us, not of the answer.
const HOP: [&str; 9] = [
    "connection",
    "content-encoding",
    "content-length",
    "keep-alive",
    "proxy-authenticate",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

const API_BASE: HeaderName = HeaderName::from_static("x-litellm-model-api-base");
const CACHE_KEY: HeaderName = HeaderName::from_static("x-litellm-cache-key");
const CALL_ID: HeaderName = HeaderName::from_static("x-litellm-call-id");
const COST: HeaderName = HeaderName::from_static("x-litellm-response-cost");
const DURATION: HeaderName = HeaderName::from_static("x-litellm-response-duration-ms");
const FALLBACKS: HeaderName = HeaderName::from_static("x-litellm-attempted-fallbacks");
const GROUP: HeaderName = HeaderName::from_static("x-litellm-model-group");
const MAX_RETRIES: HeaderName = HeaderName::from_static("x-litellm-max-retries");
const MODEL_ID: HeaderName = HeaderName::from_static("x-litellm-model-id");
const OVERHEAD: HeaderName = HeaderName::from_static("x-litellm-overhead-duration-ms");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const RETRIES: HeaderName = HeaderName::from_static("x-litellm-attempted-retries");
const VERSION: HeaderName = HeaderName::from_static("x-litellm-version");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The headers of an answer whose call is known.
pub fn of_answer(call: &Call, meta: &Meta, cost: Option<f64>) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(32);
    of_call(call, &mut out);
    text(&mut out, API_BASE, &meta.api_base);
    if let Some(routing) = &meta.routing {
        text(&mut out, MODEL_ID, &routing.deployment);
        text(&mut out, GROUP, &routing.group);
        out.insert(RETRIES, HeaderValue::from(routing.retries));
        out.insert(FALLBACKS, HeaderValue::from(routing.fallbacks));
        if routing.retries > 0 {
            out.insert(MAX_RETRIES, HeaderValue::from(routing.retries_allowed));
        }
    }
    if let Some(cost) = cost {
        text(&mut out, COST, &cost.to_string());
    }
    let took = call.begun.elapsed();
    let upstream = Duration::try_from_secs_f64(meta.upstream_ms / 1000.0).unwrap_or_default();
    text(&mut out, DURATION, &milliseconds(took));
    text(&mut out, OVERHEAD, &milliseconds(took.saturating_sub(upstream)));
    if let Some(cached) = &meta.cached {
        text(&mut out, CACHE_KEY, &cached.key);
    }
    for (name, value) in meta.shown_headers() {
        if HOP.contains(&name.as_str()) {
            continue;
        }
        if name.as_str().starts_with("x-ratelimit-") {
            out.insert(name, value.clone());
        }
        if let Some(name) = of_provider(name) {
            out.insert(name, value.clone());
        }
    }
    out
}

/// Those of every answer.
pub fn of_call(call: &Call, out: &mut HeaderMap) {
    text(out, CALL_ID, &call.id);
    out.insert(VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
}

fn milliseconds(span: Duration) -> String {
    let micros = span.as_micros();
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

/// The id under the name that the makers' clients look for, and show in their errors.
pub fn request_id(call: &Call, dialect: Dialect, out: &mut HeaderMap) {
    match dialect {
        Dialect::OpenAi => text(out, X_REQUEST_ID, &call.id),
        Dialect::Anthropic => text(out, REQUEST_ID, &call.id),
        Dialect::Gemini => {}
    }
}

pub fn text(out: &mut HeaderMap, name: HeaderName, value: &str) {
    // What is no header is left out: the answer is worth more.
    if let Ok(value) = HeaderValue::from_str(value) {
        out.insert(name, value);
    }
}

/// The most names that are kept: upstreams send the same ones again and again, but nothing makes them.
const NAMES: usize = 512;

/// The name under which a client finds an upstream's header.
fn of_provider(name: &HeaderName) -> Option<HeaderName> {
    static KNOWN: RwLock<Option<HashMap<HeaderName, HeaderName>>> = RwLock::new(None);
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = known.as_ref().and_then(|known| known.get(name)) {
        return Some(made.clone());
    }
    drop(known);
    let made = HeaderName::try_from(format!("llm_provider-{name}")).ok()?;
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if known.len() < NAMES {
        known.insert(name.clone(), made.clone());
    }
    Some(made)
}
