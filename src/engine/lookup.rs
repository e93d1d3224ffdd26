//! What is known of a model before it is called: the parameters that a call would take, facts, and what the
//! environment still lacks.

use std::sync::Arc;

use tracing::subscriber::NoSubscriber;

use super::{calls, drop_params};
use crate::auth::Scheme;
use crate::config::Environment;
use crate::hub::{CallType, ModelFacts, Options, Target};
use crate::models;
use crate::providers::{self, Provider, Route, Variable, Wanted};
use crate::wires::WireId;

/// What tells who asks Azure, besides a key.
const ENTRA_CREDENTIALS: [&str; 2] = ["AZURE_AD_TOKEN", "AZURE_CLIENT_ID"];

/// What tells Google's project: by itself, or with the credentials.
const GOOGLE_CREDENTIALS: [&str; 5] = [
    "VERTEXAI_PROJECT",
    "VERTEXAI_CREDENTIALS",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GCLOUD_PROJECT",
];

/// Every chat completion takes these: they are the call's, not the provider's.
const OF_EVERY_CHAT: [&str; 3] = ["extra_headers", "max_retries", "stream"];

/// Parameters of other makers that have a name in the interface.
const NOT_OPENAIS: [&str; 4] =
    ["cache_control", "context_management", "include_server_side_tool_invocations", "speed"];

/// What stands for AWS's own chain of credentials: any of the lists, whole.
const AWS_CREDENTIALS: [&[&str]; 4] = [
    &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    &["AWS_PROFILE"],
    &["AWS_WEB_IDENTITY_TOKEN_FILE"],
    &["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"],
];

/// The parameters, by OpenAI's names, that a call of the model takes; `None` where there is no such call.
pub fn supported_params(
    model: &str,
    provider: Option<&str>,
    call_type: CallType,
) -> Option<Vec<&'static str>> {
    let route = route(model, provider, call_type)?;
    let named = call_type.parameters().iter().copied();
    if call_type == CallType::Chat {
        let target = &route.target;
        let taken = named.filter(|name| drop_params::takes(name, target) && !is_passed_through(name, target));
        return Some(taken.chain(OF_EVERY_CHAT).collect());
    }
    let wire = route.target.wire.call(call_type)?;
    Some(named.filter(|name| calls::takes(name, wire, &route.target)).collect())
}

/// A server of OpenAI's format gets what is not OpenAI's as it gets any other keyword: nobody says that it knows it.
fn is_passed_through(name: &str, target: &Target) -> bool {
    target.wire == WireId::Openai
        && NOT_OPENAIS.contains(&name)
        && target.accent.takes(name, &target.model, &target.facts).is_none()
}

/// The provider that a model's name means, and the model's facts. Providers that have no row may be in the table.
pub fn facts(model: &str, provider: Option<&str>) -> Option<(String, Arc<ModelFacts>)> {
    let model = without_owner(model);
    if let Some(route) = route(model, provider, CallType::Chat)
        && route.target.facts.key.is_some()
    {
        return Some((route.target.provider.to_string(), route.target.facts));
    }
    let (owner, name) = match provider {
        Some(owner) => {
            (owner.to_owned(), model.strip_prefix(&format!("{owner}/")).unwrap_or(model).to_owned())
        }
        None => match providers::split_model(model, None) {
            Ok(split) => split,
            Err(_) => match model.split_once('/') {
                Some((owner, name)) => (owner.to_owned(), name.to_owned()),
                None => (models::provider_of(model)?, model.to_owned()),
            },
        },
    };
    let facts = models::facts(&owner, &name);
    facts.key.is_some().then_some((owner, facts))
}

/// Whether a model has an ability. What the provider's entry leaves open, that of the model's maker says: the one
/// under the name without the provider.
pub fn can(model: &str, provider: Option<&str>, ability: &str) -> bool {
    let Some((_, facts)) = facts(model, provider) else { return false };
    if facts.can(ability) || facts.lacks(ability) {
        return facts.can(ability);
    }
    let maker = facts.key.as_deref().and_then(|key| key.split_once('/')).map(|(_, name)| name);
    maker
        .and_then(models::provider_of)
        .zip(maker)
        .is_some_and(|(owner, name)| models::facts(&owner, name).can(ability))
}

/// Names of the listed models of a provider, under all its names.
pub fn model_names(provider: &str) -> Vec<&'static str> {
    let Some(row) = providers::row(provider) else { return models::names(provider).collect() };
    [&row.name].into_iter().chain(&row.aliases).flat_map(|name| models::names(name)).collect()
}

/// Names of the built-in providers whose key is in the environment.
pub fn providers_with_keys(environment: &dyn Environment) -> Vec<&'static str> {
    let has_key =
        |name: &&str| providers::row(name).is_some_and(|row| environment.first(&row.key_env).is_some());
    providers::names().filter(has_key).collect()
}

/// Variables that a provider still needs to be called. Of several that would do, one is named.
pub fn missing_environment(
    row: &Provider,
    has_key: bool,
    has_base: bool,
    environment: &dyn Environment,
) -> Vec<String> {
    let is_set = |name: &&str| environment.get(name).is_some();
    let lacks = |names: &[String]| environment.first(names).is_none();
    let proofs = row.vars.values().filter(|variable| variable.secret);
    let has_key = has_key
        || environment.first(&row.key_env).is_some()
        || proofs.flat_map(|variable| &variable.env).any(|name| environment.get(name).is_some())
        || row.token.is_some() && ENTRA_CREDENTIALS.iter().any(is_set);
    let mut missing = Vec::new();
    if !has_key {
        match row.auth {
            Scheme::Google if GOOGLE_CREDENTIALS.iter().any(is_set) => {}
            Scheme::Google => missing.push(GOOGLE_CREDENTIALS[0].to_owned()),
            Scheme::Aws if AWS_CREDENTIALS.iter().any(|names| names.iter().all(is_set)) => {}
            Scheme::Aws => missing.extend(AWS_CREDENTIALS[0].iter().map(|name| (*name).to_owned())),
            // A server of the caller's own may do without; one on the web will ask for it.
            _ if row.key_required || row.base.as_deref().is_some_and(|base| base.starts_with("https")) => {
                missing.extend(preferred(row, &row.key_env));
            }
            _ => {}
        }
    }
    if !has_base && lacks(&row.base_env) {
        if row.base.is_none() {
            missing.extend(preferred(row, &row.base_env));
        }
        let templates = row.base.iter().chain(&row.path).chain(row.headers.values());
        for name in templates.flat_map(|template| providers::names_in(template)) {
            if let Some(Variable { env, default: None, .. }) = row.vars.get(name)
                && lacks(env)
                && env.first().is_some_and(|first| !missing.contains(first))
            {
                missing.extend(env.first().cloned());
            }
        }
    }
    missing
}

/// Of several variables that would do, the one that is named after the provider.
fn preferred(row: &Provider, names: &[String]) -> Option<String> {
    let own = format!("{}_API_", row.name.to_uppercase());
    names.iter().find(|name| name.starts_with(&own)).or(names.first()).cloned()
}

/// Where a call would go that is only thought of, so that nothing is logged.
fn route(model: &str, provider: Option<&str>, call_type: CallType) -> Option<Route> {
    let wanted =
        Wanted { model: model.to_owned(), provider: provider.map(str::to_owned), ..Wanted::default() };
    tracing::subscriber::with_default(NoSubscriber::default(), || {
        providers::resolve_without_key(wanted, call_type, Options::default()).ok()
    })
}

/// A fine-tuned model is listed by what it was made from: `ft:gpt-4o:organization::id` as `ft:gpt-4o`.
fn without_owner(model: &str) -> &str {
    let end = model.find("ft:").and_then(|at| model[at + 3..].find(':').map(|end| at + 3 + end));
    end.map_or(model, |end| &model[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    struct Set(HashMap<&'static str, &'static str>);

    impl Environment for Set {
        fn get(&self, name: &str) -> Option<String> {
            self.0.get(name).map(|value| (*value).to_owned())
        }
    }

    fn missing(provider: &str, set: &[&'static str]) -> Vec<String> {
        let environment = Set(set.iter().map(|name| (*name, "x")).collect());
        missing_environment(&providers::row(provider).unwrap(), false, false, &environment)
    }

    #[test]
    fn every_chat_row_tells_its_parameters() {
        for name in providers::names() {
            let row = providers::row(name).unwrap();
            if row.wires.chat.is_some() {
                // Names that say more than the model.
                let model = match name {
                    "clarifai" => "openai.chat-completion.gpt-4o",
                    "ragflow" => "chat/agent/model",
                    _ => "some-model",
                };
                let params = supported_params(model, Some(name), CallType::Chat);
                assert!(params.is_some_and(|params| params.contains(&"stream")), "{name}");
            }
        }
    }

    #[test]
    fn facts_by_any_name() {
        for (model, provider) in [
            ("gpt-4o", None),
            ("openai/gpt-4o", None),
            ("gpt-4o", Some("openai")),
            ("ft:gpt-4o-2024-08-06:org::id", None),
            ("vertex_ai/gemini-2.5-pro", None),
            ("gemini-2.5-pro", Some("gemini")),
            ("bedrock/anthropic.claude-3-5-sonnet-20240620-v1:0", None),
            ("us.anthropic.claude-3-5-sonnet-20240620-v1:0", None),
        ] {
            assert!(facts(model, provider).is_some_and(|(_, facts)| facts.can("vision")), "{model}");
        }
        assert!(facts("groq/gpt-4o", None).is_none(), "another provider's model");
        assert!(can("aihubmix/claude-haiku-4-5", None, "computer_use"), "as its maker says");
        assert!(!can("azure/gpt-4.1", None, "web_search"), "its own entry comes first");
        assert!(!can("groq/gpt-4o", None, "vision"));
        assert!(facts("nonsense", None).is_none());
    }

    #[test]
    fn models_of_the_providers_whose_key_is_set() {
        let set = Set(HashMap::from([("COHERE_API_KEY", "x")]));
        assert_eq!(providers_with_keys(&set), ["cohere", "cohere_chat"]);
        assert!(model_names("cohere").contains(&"rerank-v3.5"));
        let bedrock = model_names("bedrock");
        assert!(bedrock.contains(&"anthropic.claude-3-5-sonnet-20240620-v1:0"));
        assert_eq!(model_names("bedrock_converse"), bedrock);
    }

    #[test]
    fn what_the_environment_lacks() {
        assert_eq!(missing("groq", &[]), ["GROQ_API_KEY"]);
        assert!(missing("groq", &["GROQ_API_KEY"]).is_empty());
        assert!(missing("anthropic", &["ANTHROPIC_AUTH_TOKEN"]).is_empty());
        assert!(missing("hosted_vllm", &["HOSTED_VLLM_API_BASE"]).is_empty());
        assert!(missing("ollama", &[]).is_empty(), "it is on this machine");
        assert_eq!(missing("cloudflare", &["CLOUDFLARE_API_KEY"]), ["CLOUDFLARE_ACCOUNT_ID"]);
        assert_eq!(missing("azure", &[]), ["AZURE_API_KEY", "AZURE_API_BASE"]);
        assert_eq!(missing("azure", &["AZURE_AD_TOKEN", "AZURE_OPENAI_ENDPOINT"]), [""; 0]);
        assert_eq!(missing("gemini", &[]), ["GEMINI_API_KEY"]);
        assert_eq!(missing("vertex_ai", &[]), ["VERTEXAI_PROJECT"]);
        assert!(missing("vertex_ai", &["GOOGLE_APPLICATION_CREDENTIALS"]).is_empty());
        assert_eq!(
            missing("bedrock", &["AWS_ACCESS_KEY_ID"]),
            ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        );
        assert!(missing("bedrock", &["AWS_PROFILE"]).is_empty());
        assert!(missing("bedrock", &["AWS_BEARER_TOKEN_BEDROCK"]).is_empty());
    }
}
