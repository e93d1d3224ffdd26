//! What providers keep for an account: responses, files, batches, fine-tuning jobs. They belong to a provider rather than
//! to a model; whose account it is, a deployment of that provider says.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use serde_json::Value;

use super::Context;
use crate::error::{Error, Result};
use crate::gateway::answer;
use crate::gateway::body;
use crate::gateway::calls::{self, Shown};
use crate::hub::{CallType, Upload};
use crate::json::{Map, str_at};
use crate::providers;
use crate::router::Deployment;
use crate::wires::responses::ResponseId;

/// Keywords of a deployment that are about its model, not about its account.
const OF_MODEL: [&str; 3] = ["model", "max_tokens", "temperature"];

/// A call about something that is kept.
pub async fn answer(context: Context<'_>, body: Body, call_type: CallType) -> Result<Response> {
    let mut keywords = body::query(context.parts);
    let bytes = body::read(body, context.limit()).await?;
    keywords.extend(body::object(&bytes)?);
    for (name, value) in &context.found.params {
        keywords.insert((*name).to_owned(), value.as_str().into());
    }
    match call_type.resource() {
        Some(_) => ask(context, call_type, keywords, Vec::new()).await,
        None => {
            let id = str_at(&keywords, "response_id").map(ResponseId::parse);
            let provider = id.and_then(|id| id.provider).unwrap_or_else(|| "openai".to_owned());
            // The id says it.
            keywords.shift_remove("custom_llm_provider");
            make(context, call_type, &provider, keywords, Vec::new()).await
        }
    }
}

/// A call about an account's things: of the provider that is named, in the body, the query or a header; else of OpenAI.
pub async fn ask(
    context: Context<'_>,
    call_type: CallType,
    mut keywords: Map,
    files: Vec<Upload>,
) -> Result<Response> {
    let header = context.parts.headers.get("custom-llm-provider").and_then(|name| name.to_str().ok());
    let named = keywords.shift_remove("custom_llm_provider").or_else(|| keywords.shift_remove("provider"));
    let provider = named.as_ref().and_then(Value::as_str).or(header).unwrap_or("openai").to_owned();
    make(context, call_type, &provider, keywords, files).await
}

async fn make(
    context: Context<'_>,
    call_type: CallType,
    provider: &str,
    mut keywords: Map,
    files: Vec<Upload>,
) -> Result<Response> {
    calls::check(call_type, &keywords, &context.running.config.general.client_credentials)?;
    keywords.retain(|_, value| !value.is_null());
    if let Some(hooked) = &context.call.hooked {
        keywords = hooked.pre_call(call_type, keywords).await?;
    }
    let deployment = deployment_of(context, provider);
    if deployment.is_none() && providers::row(provider).is_none_or(|row| !row.key_required) {
        // Without a key to have been set for it, nobody has said that clients may reach it.
        return Err(Error::bad_request(format!("The provider '{provider}' is not served here."))
            .with_param("custom_llm_provider"));
    }
    if let Some(deployment) = deployment {
        for (name, value) in &deployment.params {
            if !OF_MODEL.contains(&name.as_str()) && crate::engine::is_steering(name) {
                keywords.insert(name.clone(), value.clone());
            }
        }
    }
    keywords.insert("custom_llm_provider".to_owned(), provider.into());
    let shown =
        Shown { model: String::new(), dialect: context.found.route.dialect, call_type, usage_asked: false };
    let caller = context.gateway.caller(context.running);
    let outcome = caller.perform(Some(call_type), keywords, files).await?;
    answer::write(context.call, shown, outcome).await
}

/// The first deployment of a provider.
fn deployment_of(context: Context<'_>, provider: &str) -> Option<Arc<Deployment>> {
    let view = context.running.router.view();
    let is_of = |one: &&Arc<Deployment>| {
        let own = str_at(&one.params, "custom_llm_provider");
        providers::split_model(&one.model, own).is_ok_and(|(name, _)| name == provider)
    };
    view.table.deployments.iter().find(is_of).cloned()
}
