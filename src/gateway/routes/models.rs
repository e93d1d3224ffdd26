//! The models that are served, and deployments that come and go while the gateway runs.

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};

use super::Context;
use crate::engine;
use crate::error::{Error, Kind, Result};
use crate::gateway::body;
use crate::gateway::calls::unknown_model;
use crate::gateway::dialect::Dialect;
use crate::json::{Map, str_at};
use crate::models;
use crate::router::{Deployment, Group};

/// The moment that the reference gives for every model.
const CREATED: u64 = 1_677_610_602;

/// The same, as Anthropic writes it.
const CREATED_AT: &str = "2023-02-28T18:56:42Z";

/// In whose format models are listed: all three makers have this path, and their clients differ by a header.
fn dialect(context: Context<'_>) -> Dialect {
    let has = |name: &str| context.parts.headers.contains_key(name);
    if context.found.route.dialect == Dialect::Gemini || has("x-goog-api-key") {
        Dialect::Gemini
    } else if has("anthropic-version") {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}

fn entry(name: &str, dialect: Dialect) -> Value {
    match dialect {
        Dialect::OpenAi => json!({ "id": name, "object": "model", "created": CREATED, "owned_by": "openai" }),
        Dialect::Anthropic => {
            json!({ "id": name, "type": "model", "display_name": name, "created_at": CREATED_AT })
        }
        Dialect::Gemini => json!({
            "name": format!("models/{name}"),
            "displayName": name,
            "supportedGenerationMethods":
                ["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"],
        }),
    }
}

/// `/v1/models` and `/v1beta/models`.
pub fn list(context: Context<'_>) -> Response {
    let dialect = dialect(context);
    let view = context.running.router.view();
    let names = view.table.listed();
    let data: Vec<Value> = names.iter().map(|name| entry(name, dialect)).collect();
    super::json(&match dialect {
        Dialect::OpenAi => json!({ "data": data, "object": "list" }),
        Dialect::Anthropic => {
            json!({ "data": data, "has_more": false, "first_id": names.first(), "last_id": names.last() })
        }
        Dialect::Gemini => json!({ "models": data }),
    })
}

/// `/v1/models/{model}` and `/v1beta/models/{model}`.
pub fn one(context: Context<'_>) -> Result<Response> {
    let name = context.found.param("name").unwrap_or_default();
    if context.running.router.view().table.find(name).is_none() {
        return Err(unknown_model(context.running, name).with_status(404));
    }
    Ok(super::json(&entry(name, dialect(context))))
}

/// What is known of a deployment's model: of the list, then what its own entry says.
fn known(deployment: &Deployment) -> Map {
    let base = str_at(&deployment.info, "base_model").unwrap_or(&deployment.model);
    let provider = str_at(&deployment.params, "custom_llm_provider");
    let facts = engine::facts(base, provider);
    let listed = facts.and_then(|(_, facts)| models::public_entry(facts.key.as_deref()?));
    let mut out = listed.map_or_else(Map::new, |listed| Map::clone(&listed));
    out.extend(deployment.info.clone());
    out.insert("id".to_owned(), (*deployment.id).into());
    out
}

/// Parameters of a deployment that are no secret.
fn shown_params(deployment: &Deployment) -> Map {
    const SHOWN: [&str; 14] = [
        "api_base",
        "api_version",
        "custom_llm_provider",
        "max_parallel_requests",
        "max_retries",
        "model",
        "order",
        "region_name",
        "rpm",
        "stream_timeout",
        "tags",
        "timeout",
        "tpm",
        "weight",
    ];
    let shown = deployment.given.iter().filter(|(name, _)| SHOWN.contains(&name.as_str()));
    shown.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// `/model/info`.
pub fn info(context: Context<'_>) -> Response {
    let view = context.running.router.view();
    let entries = view.table.deployments.iter().map(|deployment| {
        json!({
            "model_name": &*deployment.group,
            "litellm_params": shown_params(deployment),
            "model_info": known(deployment),
        })
    });
    super::json(&json!({ "data": entries.collect::<Vec<_>>() }))
}

/// `/model_group/info`.
pub fn groups(context: Context<'_>) -> Response {
    let view = context.running.router.view();
    let wanted = body::query(context.parts);
    let wanted = str_at(&wanted, "model_group");
    let names = view.table.listed().into_iter().filter(|name| wanted.is_none_or(|wanted| wanted == *name));
    let entries: Vec<Value> =
        names.filter_map(|name| Some(group_info(name, &view.table.find(name)?.group))).collect();
    super::json(&json!({ "data": entries }))
}

fn group_info(name: &str, group: &Group) -> Value {
    let mut providers: Vec<String> = Vec::new();
    let mut out = Map::new();
    for deployment in group.members() {
        let own = str_at(&deployment.params, "custom_llm_provider");
        if let Ok((provider, _)) = crate::providers::split_model(&deployment.model, own)
            && !providers.contains(&provider)
        {
            providers.push(provider);
        }
        for (name, value) in known(deployment) {
            let is_shown = name.starts_with("supports_")
                || name.contains("cost_per_token")
                || matches!(name.as_str(), "max_input_tokens" | "max_output_tokens" | "mode");
            if is_shown {
                out.entry(name).or_insert(value);
            }
        }
    }
    out.insert("model_group".to_owned(), name.into());
    out.insert("providers".to_owned(), providers.into());
    out.insert("tpm".to_owned(), group.members().filter_map(|one| one.tpm).max().into());
    out.insert("rpm".to_owned(), group.members().filter_map(|one| one.rpm).max().into());
    out.into()
}

/// `/model/new`: in memory, until the gateway starts anew or reads its configuration again.
pub async fn add(context: Context<'_>, body: Body) -> Result<Response> {
    let bytes = body::read(body, context.limit()).await?;
    let entry = Value::Object(body::object(&bytes)?);
    let deployment = Deployment::read(&entry)?;
    let id = deployment.id.to_string();
    let name = deployment.group.to_string();
    context.running.router.upsert(deployment);
    Ok(super::json(&json!({ "model_id": id, "model_name": name, "model_info": { "id": id } })))
}

/// `/model/delete`.
pub async fn remove(context: Context<'_>, body: Body) -> Result<Response> {
    let bytes = body::read(body, context.limit()).await?;
    let request = body::object(&bytes)?;
    let id = str_at(&request, "id").ok_or_else(|| Error::bad_request("'id' is missing.").with_param("id"))?;
    match context.running.router.remove(id) {
        Some(_) => Ok(super::json(&json!({ "message": format!("Model: {id} deleted successfully") }))),
        None => Err(Error::new(Kind::NotFound, format!("There is no deployment with the id '{id}'."))
            .with_param("id")),
    }
}
