//! Azure AI: language, path and header of the key depend on the model and the host.

use super::azure::VERSION;
use crate::auth::{Scheme, Secret};
use crate::config::Environment;
use crate::hub::CallType;
use crate::providers::{Provider, Route, Wanted};
use crate::wires::WireId;
use crate::{address, models};

/// The version of the deployments' interface when the caller names none.
const DEPLOYMENTS_OF: &str = "2025-02-01-preview";
const CHAT: &str = "/chat/completions";
/// Where hosts end that serve models of all makers in one place.
const FOUNDRY: &str = ".services.ai.azure.com";
const MESSAGES: &str = "/v1/messages";

/// A model of OpenAI's is a deployment, unless the host serves all models in one place: Azure OpenAI then, with the
/// address and the key of this provider.
pub fn redirected(
    wanted: &Wanted,
    model: &str,
    row: &Provider,
    environment: &dyn Environment,
) -> Option<Wanted> {
    if models::provider_of(model)? != "openai" {
        return None;
    }
    let base = wanted.api_base.clone().or_else(|| environment.first(&row.base_env))?;
    if host(&base).ends_with(FOUNDRY) {
        return None;
    }
    let own_key = || {
        let key = environment.first(&row.key_env).filter(|_| !wanted.azure.asks());
        key.map(Secret::new)
    };
    Some(Wanted {
        model: model.to_owned(),
        provider: Some("azure".to_owned()),
        api_base: Some(base),
        api_key: wanted.api_key.clone().or_else(own_key),
        ..wanted.clone()
    })
}

fn host(base: &str) -> String {
    address::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

pub fn adapt(route: &mut Route) {
    match route.target.call_type {
        CallType::Chat | CallType::Embedding => {}
        // Deployments are asked as Azure OpenAI is.
        CallType::ImageEdit | CallType::ImageGeneration | CallType::Speech | CallType::Transcription => {
            if !route.query.iter().any(|(name, _)| name == VERSION) {
                route.query.push((VERSION.to_owned(), DEPLOYMENTS_OF.to_owned()));
            }
            route.auth = Scheme::ApiKey;
            return;
        }
        _ => return,
    }
    // A router that picks the model has this in front of its name.
    if let Some(name) = route.target.model.strip_prefix("model_router/") {
        route.target.model = name.to_owned();
    }
    let base = &mut route.target.base;
    let host = host(base);
    if route.target.model.starts_with("claude") {
        // Claude speaks its own language, beside the others.
        for end in [MESSAGES, CHAT, "/models"] {
            if let Some(root) = base.strip_suffix(end) {
                *base = root.to_owned();
            }
        }
        if !base.ends_with("/anthropic") {
            base.push_str("/anthropic");
        }
        route.target.wire = WireId::Anthropic;
        route.query.clear();
        route.auth = Scheme::AzureAnthropic;
        return;
    }
    let is_foundry = host.ends_with(FOUNDRY);
    if is_foundry && !base.ends_with("/models") && !base.ends_with(CHAT) {
        base.push_str("/models");
    }
    // Resources take the key as `api-key`; model deployments with a host of their own, and whatever stands in front
    // of them, as a bearer token.
    let is_deployment = route.target.base.contains("/openai/deployments/");
    if is_foundry || is_deployment || host.ends_with(".openai.azure.com") {
        route.auth = Scheme::ApiKey;
    }
}
