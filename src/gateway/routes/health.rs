//! How the gateway is doing: for who starts it, who stands before it, and who counts.

use axum::response::Response;
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

use super::Context;
use crate::error::Result;
use crate::hub::CallType;
use crate::json::{Map, str_at};

/// `/health/liveliness`.
pub fn alive() -> Response {
    super::json(&json!("I'm alive!"))
}

/// `/health/readiness`.
pub fn ready(context: Context<'_>) -> Response {
    let is_taking = context.gateway.is_taking();
    let mut response = super::json(&json!({
        "status": if is_taking { "healthy" } else { "stopping" },
        "db": "Not connected",
        "cache": context.running.config.engine.cache.is_some(),
        "litellm_version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": context.gateway.begun.elapsed().as_secs(),
        "requests_under_way": context.gateway.under_way(),
    }));
    if !is_taking {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

/// The most deployments that are asked at once.
const AT_ONCE: usize = 16;

/// `/health`: a short call to every deployment.
pub async fn check(context: Context<'_>) -> Result<Response> {
    let deployments = context.running.router.view().table.deployments.clone();
    let (mut healthy, mut unhealthy) = (Vec::new(), Vec::new());
    for some in deployments.chunks(AT_ONCE) {
        let asked = some.iter().filter(|one| !one.model.contains('*')).map(|one| async move {
            let mut keywords: Map = one.params.clone();
            let call_type = match str_at(&one.info, "mode") {
                Some("embedding") => {
                    keywords.insert("input".to_owned(), json!(["test"]));
                    CallType::Embedding
                }
                _ => {
                    keywords.insert("messages".to_owned(), json!([{ "role": "user", "content": "Hi" }]));
                    keywords.insert("max_tokens".to_owned(), 5.into());
                    CallType::Chat
                }
            };
            keywords.retain(|name, _| !matches!(name.as_str(), "weight" | "rpm" | "tpm" | "tags" | "order"));
            keywords.insert("num_retries".to_owned(), 0.into());
            (
                one,
                context.gateway.caller(context.running).perform(Some(call_type), keywords, Vec::new()).await,
            )
        });
        for (one, outcome) in join_all(asked).await {
            let mut entry = json!({ "model": one.model, "model_id": &*one.id });
            match outcome {
                Ok(_) => healthy.push(entry),
                Err(error) => {
                    entry["error"] = error.message().into();
                    unhealthy.push(entry);
                }
            }
        }
    }
    let (good, bad) = (healthy.len(), unhealthy.len());
    Ok(super::json(&json!({
        "healthy_endpoints": Value::Array(healthy),
        "unhealthy_endpoints": Value::Array(unhealthy),
        "healthy_count": good,
        "unhealthy_count": bad,
    })))
}

/// `/metrics`.
pub fn metrics(context: Context<'_>) -> Response {
    super::text("text/plain; version=0.0.4; charset=utf-8", context.gateway.observer.page(context.gateway))
}
