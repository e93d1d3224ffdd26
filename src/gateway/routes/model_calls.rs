//! Calls to models: parameters in a JSON object, or in a form with files.

use axum::body::Body;
use axum::response::Response;
use serde_json::Value;

use super::Context;
use crate::error::{Error, Result};
use crate::gateway::body;
use crate::gateway::calls::{self, Ask};
use crate::hub::{CallType, Upload};
use crate::json::Map;

/// A call whose parameters are a JSON object.
pub async fn json(context: Context<'_>, body: Body, call_type: CallType) -> Result<Response> {
    let bytes = body::read(body, context.limit()).await?;
    let keywords = body::object(&bytes)?;
    ask(context, call_type, keywords, Vec::new()).await
}

/// A call with files.
pub async fn form(context: Context<'_>, body: Body, call_type: CallType) -> Result<Response> {
    let (keywords, files) = body::form(context.parts, body, context.limit()).await?;
    ask(context, call_type, keywords, files).await
}

/// Makes a call of these keywords.
pub async fn ask(
    context: Context<'_>,
    call_type: CallType,
    mut keywords: Map,
    files: Vec<Upload>,
) -> Result<Response> {
    if call_type.resource().is_some() && !names_a_group(context, &keywords) {
        return super::kept::ask(context, call_type, keywords, files).await;
    }
    if call_type == CallType::Speech {
        // The reference's clients say what OpenAI takes for granted.
        keywords.shift_remove("stream_format");
    }
    steer_by_headers(context, &mut keywords)?;
    if call_type == CallType::Messages {
        // Anthropic's interface demands it, and its clients learn of a slip from that alone.
        let limit =
            keywords.get("max_tokens").ok_or_else(|| Error::bad_request("max_tokens: Field required"))?;
        if !limit.as_u64().is_some_and(|limit| limit > 0) {
            return Err(Error::invalid("max_tokens", "expected a whole number from 1"));
        }
    }
    let ask = Ask {
        call_type,
        dialect: context.found.route.dialect,
        keywords,
        files,
        headers: client_headers(context),
    };
    calls::answer(context.gateway, context.running, context.call, ask).await
}

/// What a client may say in headers, for those that cannot add to the body. The body wins.
fn steer_by_headers(context: Context<'_>, keywords: &mut Map) -> Result<()> {
    let said = |name: &str| context.parts.headers.get(name).and_then(|value| value.to_str().ok());
    for (header, name) in [
        ("x-litellm-timeout", "timeout"),
        ("x-litellm-stream-timeout", "stream_timeout"),
        ("x-litellm-num-retries", "num_retries"),
    ] {
        if let Some(value) = said(header) {
            let number: Value = serde_json::from_str(value.trim()).unwrap_or_default();
            if !number.is_number() {
                return Err(Error::invalid(header, "expected a number"));
            }
            keywords.entry(name).or_insert(number);
        }
    }
    if let Some(tags) = said("x-litellm-tags") {
        let tags: Vec<&str> = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect();
        keywords.entry("tags").or_insert_with(|| tags.into());
    }
    Ok(())
}

fn names_a_group(context: Context<'_>, keywords: &Map) -> bool {
    let model = keywords.get("model").and_then(Value::as_str);
    model.is_some_and(|model| context.running.router.view().table.find(model).is_some())
}

/// Headers of the client that go upstream: those of a client's own, where the configuration says so, and what Anthropic's
/// clients ask for by header.
fn client_headers(context: Context<'_>) -> Map {
    let mut out = Map::new();
    let forward = context.running.config.general.forward_client_headers;
    for (name, value) in &context.parts.headers {
        let name = name.as_str();
        let is_own = forward && name.starts_with("x-") && !is_ours(name);
        if (is_own || name == "anthropic-beta")
            && let Ok(value) = value.to_str()
        {
            out.insert(name.to_owned(), value.into());
        }
    }
    out
}

/// Headers that are for the gateway, or for what stands before it.
fn is_ours(name: &str) -> bool {
    const OURS: [&str; 6] =
        ["x-litellm-", "x-api-key", "x-goog-api-key", "x-stainless-", "x-forwarded-", "x-real-ip"];
    OURS.iter().any(|ours| name.starts_with(ours))
}
