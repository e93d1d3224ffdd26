//! Azure AI: language, path and header of the key depend on the model and the host.

use crate::address;
use crate::auth::Scheme;
use crate::hub::CallType;
use crate::providers::Route;
use crate::wires::WireId;

const CHAT: &str = "/chat/completions";
const MESSAGES: &str = "/v1/messages";

pub fn adapt(route: &mut Route) {
    match route.target.call_type {
        CallType::Chat | CallType::Embedding => {}
        // Deployments are asked as Azure OpenAI is.
        CallType::ImageEdit | CallType::ImageGeneration | CallType::Speech | CallType::Transcription => {
            route.auth = Scheme::ApiKey;
            return;
        }
        _ => return,
    }
    let base = &mut route.target.base;
    let host =
        address::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
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
        route.auth = Scheme::AzureAnthropic;
        return;
    }
    let is_foundry = host.ends_with(".services.ai.azure.com");
    if is_foundry && !base.ends_with("/models") && !base.ends_with(CHAT) {
        base.push_str("/models");
    }
    // Resources take the key as `api-key`; model deployments with a host of their own, and whatever stands in front
    // of them, as a bearer token.
    if is_foundry || host.ends_with(".openai.azure.com") {
        route.auth = Scheme::ApiKey;
    }
}
