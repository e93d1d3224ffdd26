//! From a model string to a provider and the provider's own name of the model.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{CallRow, Provider, row};
use crate::error::{Error, Kind, Result};
use crate::hub::CallType;
use crate::models;
use crate::wires::WireId;

/// Splits `provider/model`, or finds the maker of a bare name. An explicit provider wins.
pub fn split_model(model: &str, provider: Option<&str>) -> Result<(String, String)> {
    if model.is_empty() {
        return Err(Error::bad_request("`model` is empty: pass 'provider/model' or a known model name.")
            .with_param("model"));
    }
    if let Some(provider) = provider.filter(|name| !name.is_empty()) {
        let rest = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
        return Ok((provider.to_owned(), rest.unwrap_or(model).to_owned()));
    }
    if let Some((prefix, rest)) = model.split_once('/')
        && !rest.is_empty()
        && let Some(row) = row(prefix)
    {
        return Ok((row.name.clone(), rest.to_owned()));
    }
    maker(model).map(|provider| (provider, model.to_owned())).ok_or_else(|| unknown_provider(model))
}

/// The provider whose own address this is, for a name that does not say whose it is: a key must not go to another
/// maker's host because of a model's name.
pub fn of_address(model: &str, address: &str) -> Option<&'static str> {
    if model.split_once('/').is_some_and(|(prefix, _)| row(prefix).is_some()) {
        return None;
    }
    *hosts().get(&host(address)?)?
}

fn host(address: &str) -> Option<String> {
    url::Url::parse(address).ok()?.host_str().map(str::to_lowercase)
}

/// The public hosts of providers of OpenAI's format; none for one that several of them share. An address on this
/// machine says nothing: any server may listen there.
fn hosts() -> &'static HashMap<String, Option<&'static str>> {
    static HOSTS: OnceLock<HashMap<String, Option<&'static str>>> = OnceLock::new();
    HOSTS.get_or_init(|| {
        let mut hosts = HashMap::new();
        for name in super::names() {
            let Some(row) = row(name).filter(|row| row.wires.chat == Some(WireId::Openai)) else { continue };
            let public = row.base.as_deref().filter(|base| base.starts_with("https://"));
            if let Some(host) = public.and_then(host) {
                hosts.entry(host).and_modify(|owner| *owner = None).or_insert(Some(name));
            }
        }
        hosts
    })
}

/// The maker of a bare name: by the model table, else by the names the makers use.
fn maker(model: &str) -> Option<String> {
    if model.starts_with("gemini-") {
        return Some("gemini".to_owned());
    }
    if let Some(owner) = models::provider_of(model)
        && row(&owner).is_some()
    {
        return Some(owner);
    }
    let bare = model.strip_prefix("ft:").unwrap_or(model);
    let is_o_series =
        bare.strip_prefix('o').and_then(|rest| rest.bytes().next()).is_some_and(|c| c.is_ascii_digit());
    if !model.contains('/') && (bare.starts_with("gpt-") || bare.starts_with("chatgpt-") || is_o_series) {
        return Some("openai".to_owned());
    }
    (!model.contains('/') && model.starts_with("claude-")).then(|| "anthropic".to_owned())
}

pub(super) fn unknown_provider(model: &str) -> Error {
    let mut error = Error::new(
        Kind::UnknownProvider,
        format!(
            "LLM Provider NOT provided. Pass in the LLM provider you are trying to call. You passed model={model}\n \
             Pass model as e.g. 'openai/gpt-4o' or 'anthropic/claude-sonnet-4-5', or set custom_llm_provider."
        ),
    );
    error.facts_mut().model = Some(model.to_owned());
    error.facts_mut().provider = Some(String::new());
    error
}

/// In front of a model's name: its chat is asked for over Responses.
const OVER_RESPONSES: &str = "responses/";

/// How a provider that has both serves the chat of a model that has Responses only, as its name or its entry in the
/// table says; with the model's own name.
pub fn over_responses<'a>(
    row: &'a Provider,
    model: &str,
    base_model: Option<&str>,
) -> Option<(&'a CallRow, String)> {
    let call = row.calls.get(&CallType::Responses)?;
    if row.wires.chat != Some(WireId::Openai) || call.wire != WireId::Openai {
        return None;
    }
    let name = model.strip_prefix(OVER_RESPONSES);
    let is_listed = || {
        let facts = models::facts(&row.name, base_model.unwrap_or(model));
        facts.mode.as_deref() == Some("responses")
    };
    (name.is_some() || call.has(model) && is_listed()).then(|| (call, name.unwrap_or(model).to_owned()))
}
