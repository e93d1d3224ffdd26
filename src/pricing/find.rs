//! Which entry a model's name means.

use std::borrow::Cow;
use std::sync::Arc;

use crate::json::{Map, str_at};
use crate::models;
use crate::wires::bedrock::model::Name;

/// Where entries are looked up, by their exact key.
pub trait Catalog {
    fn entry(&self, key: &str) -> Option<Arc<Map>>;
    /// The key that is the same but for capitals.
    fn same_letters(&self, key: &str) -> Option<String>;
}

/// The models that the core knows.
#[derive(Debug, Clone, Copy)]
pub struct Listed;

impl Catalog for Listed {
    fn entry(&self, key: &str) -> Option<Arc<Map>> {
        models::public_entry(key)
    }

    fn same_letters(&self, key: &str) -> Option<String> {
        models::same_letters(key)
    }
}

/// An entry and the key it was found under.
pub type Found = (String, Arc<Map>);

/// The entry of a model at a provider. The name may have the provider in front, a region, a date or an owner after it.
pub fn find(catalog: &dyn Catalog, model: &str, provider: Option<&str>) -> Option<Found> {
    if model.is_empty() {
        return None;
    }
    let names = candidates(model, provider);
    let matches = |entry: &Arc<Map>| provider.is_none_or(|provider| is_of(entry, provider));
    let exact = names.iter().find_map(|name| {
        let entry = catalog.entry(name).filter(&matches)?;
        Some((name.clone().into_owned(), entry))
    });
    exact.or_else(|| {
        names.iter().take(2).find_map(|name| {
            let key = catalog.same_letters(name)?;
            let entry = catalog.entry(&key).filter(&matches)?;
            Some((key, entry))
        })
    })
}

/// The names under which a model may be listed, the most exact first.
fn candidates<'a>(model: &'a str, provider: Option<&str>) -> Vec<Cow<'a, str>> {
    let Some(provider) = provider else {
        return vec![model.into(), stripped(model, "").into()];
    };
    let bare = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
    let mut names: Vec<Cow<'a, str>> = vec![format!("{provider}/{bare}").into(), model.into()];
    let short = stripped(bare, provider);
    names.push(format!("{provider}/{short}").into());
    names.push(short.into());
    names.push(bare.into());
    if provider.starts_with("bedrock") || provider == "sagemaker" {
        names.extend(Name::parse(bare).listed("bedrock").into_iter().map(Cow::Owned));
    }
    names
}

/// The name without what tells one version or one owner of the model.
fn stripped<'a>(model: &'a str, provider: &str) -> &'a str {
    match provider {
        // ft:gpt-4o:organization::id
        _ if model.starts_with("ft:") => {
            model.match_indices(':').nth(1).map_or(model, |(at, _)| &model[..at])
        }
        // gemini-2.5-pro-001
        "gemini" | "vertex_ai" | "" => match model.rsplit_once('-') {
            Some((name, version))
                if version.len() == 3 && version.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                name
            }
            _ => model,
        },
        _ => model,
    }
}

/// Whether an entry belongs to a provider, under any of the names that it goes by.
fn is_of(entry: &Map, provider: &str) -> bool {
    let Some(owner) = str_at(entry, "litellm_provider") else { return true };
    let family = |name: &str| match name {
        "azure_text" => "azure".to_owned(),
        "cohere_chat" => "cohere".to_owned(),
        "text-completion-openai" => "openai".to_owned(),
        "text-completion-codestral" => "codestral".to_owned(),
        "ai21_chat" => "ai21".to_owned(),
        "ollama_chat" => "ollama".to_owned(),
        _ if name.starts_with("bedrock") => "bedrock".to_owned(),
        _ if name.starts_with("vertex_ai") => "vertex_ai".to_owned(),
        _ if name.starts_with("fireworks_ai") => "fireworks_ai".to_owned(),
        _ => name.to_owned(),
    };
    owner == provider || provider == "litellm_proxy" || family(owner) == family(provider)
}
