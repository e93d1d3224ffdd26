//! The headers of an answer: what is known of its call, and what the upstream said of its limits.

use http::header::{HeaderName, HeaderValue};
use http::HeaderMap;

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

/// The headers of an answer whose call is known.
pub fn of_answer(call: &Call, meta: &Meta, cost: Option<f64>) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(16);
    of_call(call, &mut out);
    text(&mut out, "x-litellm-model-api-base", &meta.api_base);
    if let Some(routing) = &meta.routing {
        text(&mut out, "x-litellm-model-id", &routing.deployment);
        text(&mut out, "x-litellm-model-group", &routing.group);
        number(&mut out, "x-litellm-attempted-retries", routing.retries);
        number(&mut out, "x-litellm-attempted-fallbacks", routing.fallbacks);
        if routing.retries > 0 {
            number(&mut out, "x-litellm-max-retries", routing.retries_allowed);
        }
    }
    if let Some(cost) = cost {
        text(&mut out, "x-litellm-response-cost", &cost.to_string());
    }
    let took = call.begun.elapsed().as_secs_f64() * 1000.0;
    text(&mut out, "x-litellm-response-duration-ms", &format!("{took:.3}"));
    text(&mut out, "x-litellm-overhead-duration-ms", &format!("{:.3}", (took - meta.upstream_ms).max(0.0)));
    if let Some(cached) = &meta.cached {
        text(&mut out, "x-litellm-cache-key", &cached.key);
    }
    for (name, value) in meta.public_headers() {
        if HOP.contains(&name) {
            continue;
        }
        if name.starts_with("x-ratelimit-") {
            text(&mut out, name, &value);
        }
        text(&mut out, &format!("llm_provider-{name}"), &value);
    }
    out
}

/// Those of every answer.
pub fn of_call(call: &Call, out: &mut HeaderMap) {
    text(out, "x-litellm-call-id", &call.id);
    out.insert("x-litellm-version", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
}

pub fn text(out: &mut HeaderMap, name: &str, value: &str) {
    // What is no header is left out: the answer is worth more.
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
        out.insert(name, value);
    }
}

fn number(out: &mut HeaderMap, name: &'static str, value: u32) {
    out.insert(name, HeaderValue::from(value));
}
