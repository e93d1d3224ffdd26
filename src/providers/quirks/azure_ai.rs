//! Azure AI: path and header of the key depend on the host.

use std::sync::Arc;

use crate::auth::Scheme;
use crate::providers::{Provider, Route};

const PATH: &str = "/chat/completions";

/// Resources of the Foundry and of Azure OpenAI take the key as `api-key`; model deployments with a host of their
/// own, and everything in front of them, as a bearer token.
pub fn adapt(route: &mut Route) {
    let host = url::Url::parse(&route.target.base).ok().and_then(|url| url.host_str().map(str::to_owned));
    let host = host.unwrap_or_default();
    let is_foundry = host.ends_with(".services.ai.azure.com");
    if is_foundry && !route.target.base.ends_with("/models") && !route.target.base.ends_with(PATH) {
        route.target.base.push_str("/models");
    }
    if is_foundry || host.ends_with(".openai.azure.com") {
        route.row = Arc::new(Provider { auth: Scheme::ApiKey, ..(*route.row).clone() });
    }
}
