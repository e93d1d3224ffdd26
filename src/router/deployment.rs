//! A deployment: one way to a model, with its keys and limits. Read and checked once.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::live::Live;
use crate::engine::is_price;
use crate::error::{Error, Result};
use crate::hub::ModelFacts;
use crate::json::{Map, kind_of};
use crate::{models, providers};

/// Parameters that are about routing, and are no keywords of a call.
const ROUTING: [&str; 8] = [
    "cooldown_time",
    "max_parallel_requests",
    "order",
    "rpm",
    "tags",
    "tpm",
    "weight",
    "allowed_model_region",
];

/// Fields of `litellm_params` that say nothing when they are off.
const SWITCHES: [&str; 5] = [
    "allow_client_keepalive_override",
    "merge_reasoning_content_in_choices",
    "use_in_pass_through",
    "use_litellm_proxy",
    "use_xai_oauth",
];

/// One way to a model.
pub struct Deployment {
    pub id: Arc<str>,
    /// The name of its group.
    pub group: Arc<str>,
    /// The upstream model, which may have a `*` for what a wildcard caught.
    pub model: String,
    /// The keywords that it adds to a call.
    pub params: Map,
    /// `litellm_params` and `model_info` as they were given.
    pub given: Map,
    pub info: Map,
    pub weight: Option<f64>,
    /// Requests and tokens a minute.
    pub rpm: Option<u64>,
    pub tpm: Option<u64>,
    pub max_parallel: Option<u32>,
    /// Deployments of the lowest order come first.
    pub order: Option<i64>,
    pub tags: Vec<String>,
    pub cooldown: Option<Duration>,
    pub region: Option<String>,
    /// What its own entry says; else what is known of the model.
    max_input_tokens: Option<u64>,
    own_price: Option<f64>,
    /// What the list says, once it has been asked.
    listed_price: OnceLock<Option<f64>>,
    pub live: Arc<Live>,
}

impl fmt::Debug for Deployment {
    /// Without its parameters, among which are keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, group, model, .. } = self;
        f.debug_struct("Deployment").field("id", id).field("group", group).field("model", model).finish()
    }
}

impl Deployment {
    /// Reads an entry of a model list: `model_name`, `litellm_params`, `model_info`.
    pub fn read(entry: &Value) -> Result<Self> {
        let wrong = |path: &str, expected: &str, value: Option<&Value>| {
            let found = value.map_or("nothing", kind_of);
            Error::invalid(&format!("model_list.{path}"), &format!("expected {expected}, got {found}"))
        };
        let Value::Object(entry) = entry else { return Err(wrong("", "an object", Some(entry))) };
        let group = match entry.get("model_name") {
            Some(Value::String(name)) => name.as_str(),
            other => return Err(wrong("model_name", "a string", other)),
        };
        let given = match entry.get("litellm_params") {
            Some(Value::Object(params)) => params.clone(),
            other => return Err(wrong("litellm_params", "an object", other)),
        };
        let info = match entry.get("model_info") {
            Some(Value::Object(info)) => info.clone(),
            None | Some(Value::Null) => Map::new(),
            other => return Err(wrong("model_info", "an object", other)),
        };
        let model = match given.get("model") {
            Some(Value::String(model)) => model.clone(),
            other => return Err(wrong("litellm_params.model", "a string", other)),
        };
        let id = match info.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => made_id(group, &given),
        };
        let number = |name: &str| given.get(name).and_then(number_of);
        let count = |name: &str| given.get(name).and_then(count_of);
        let mut params: Map = given
            .iter()
            .filter(|(name, value)| !says_nothing(name, value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        // What it says of the model's price is for its calls, too; the rest of it would only be copied for each.
        let of_price = |(name, value): (&String, &Value)| is_price(name) && !value.is_null();
        if info.iter().any(of_price) || info.get("base_model").is_some_and(Value::is_string) {
            params.entry("model_info").or_insert_with(|| Value::Object(info.clone()));
        }
        let price = |name: &str| number(name).or_else(|| info.get(name).and_then(number_of));
        let prices = [price("input_cost_per_token"), price("output_cost_per_token")];
        let region = ["region_name", "aws_region_name", "vertex_location"]
            .iter()
            .find_map(|name| given.get(*name).and_then(Value::as_str));
        Ok(Self {
            id: id.into(),
            group: group.into(),
            model,
            params,
            weight: number("weight"),
            rpm: count("rpm"),
            tpm: count("tpm"),
            max_parallel: count("max_parallel_requests").and_then(|count| u32::try_from(count).ok()),
            order: given.get("order").and_then(Value::as_i64),
            tags: texts(given.get("tags")),
            cooldown: number("cooldown_time").and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            region: region.map(str::to_owned),
            max_input_tokens: info.get("max_input_tokens").and_then(count_of),
            listed_price: OnceLock::new(),
            own_price: prices.iter().any(Option::is_some).then(|| prices.iter().flatten().sum()),
            given,
            info,
            live: Arc::default(),
        })
    }

    /// A model by its name alone, outside of any list.
    pub fn bare(model: &str) -> Self {
        let mut params = Map::new();
        params.insert("model".into(), model.into());
        Self {
            id: model.into(),
            group: model.into(),
            model: model.to_owned(),
            params: params.clone(),
            given: params,
            info: Map::new(),
            weight: None,
            rpm: None,
            tpm: None,
            max_parallel: None,
            order: None,
            tags: Vec::new(),
            cooldown: None,
            region: None,
            max_input_tokens: None,
            own_price: None,
            listed_price: OnceLock::new(),
            live: Arc::default(),
        }
    }

    /// What is known of the model; its `base_model` says which it is where the name does not.
    fn facts(&self) -> Option<Arc<ModelFacts>> {
        let text = |map: &Map, name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
        let named = text(&self.info, "base_model").or_else(|| text(&self.given, "base_model"));
        let own = text(&self.given, "custom_llm_provider");
        let (provider, model) = match &named {
            Some(base) => providers::split_model(base, None),
            None => providers::split_model(&self.model, own.as_deref()),
        }
        .ok()?;
        Some(models::facts(&provider, &model))
    }

    /// How long a prompt may be, in tokens, where that is known.
    pub fn max_input_tokens(&self) -> Option<u64> {
        self.max_input_tokens.or_else(|| self.facts()?.max_input_tokens)
    }

    /// What a token of input and one of output cost together: its own word, or the list's.
    pub fn price(&self, listed: &dyn Fn(&str) -> Option<f64>) -> Option<f64> {
        let look_up = || listed(self.facts()?.key.as_deref()?);
        self.own_price.or_else(|| *self.listed_price.get_or_init(look_up))
    }

    /// Whether the entry says a weight or a limit to be drawn by.
    pub fn share(&self, by: Share) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more")]
        let float = |count: u64| count as f64;
        match by {
            Share::Weight => self.weight,
            Share::Requests => self.rpm.map(float),
            Share::Tokens => self.tpm.map(float),
        }
    }
}

/// What simple-shuffle may draw by, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Weight,
    Requests,
    Tokens,
}

fn says_nothing(name: &str, value: &Value) -> bool {
    value.is_null() || ROUTING.contains(&name) || SWITCHES.contains(&name) && *value == Value::Bool(false)
}

/// The same entry has the same id in every process: they share counts by it.
fn made_id(group: &str, params: &Map) -> String {
    let mut names: Vec<&String> = params.keys().collect();
    names.sort();
    let mut hash = Sha256::new();
    hash.update(group.as_bytes());
    for name in names {
        hash.update([0]);
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(params.get(name).map(Value::to_string).unwrap_or_default().as_bytes());
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

fn count_of(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and cut at the end"
    )]
    let whole = |number: f64| (number >= 0.0).then_some(number as u64);
    value.as_u64().or_else(|| number_of(value).and_then(whole))
}

pub fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_is_read_once_and_shows_no_key() {
        let entry = json!({
            "model_name": "a",
            "litellm_params": { "model": "openai/gpt-4o", "api_key": "sk-secret-1", "rpm": 10, "weight": "2", "tags": ["free"], "api_base": null },
        });
        let made = Deployment::read(&entry).unwrap();
        assert_eq!(
            (made.rpm, made.weight, made.tags.as_slice()),
            (Some(10), Some(2.0), &["free".to_owned()][..])
        );
        assert_eq!(made.params.keys().collect::<Vec<_>>(), ["model", "api_key"]);
        assert!(!format!("{made:?}").contains("sk-secret"));
        assert_eq!(made.id, Deployment::read(&entry).unwrap().id, "the same entry has the same id");
        assert_eq!(made.max_input_tokens(), Some(128_000));
    }

    #[test]
    fn what_an_entry_says_of_prices_is_for_its_calls() {
        let made = Deployment::read(&json!({
            "model_name": "a",
            "litellm_params": { "model": "azure/x", "output_cost_per_token": 2 },
            "model_info": { "base_model": "gpt-4o", "input_cost_per_token": 1, "output_cost_per_token": 3, "mode": "chat" },
        }))
        .unwrap();
        assert_eq!(made.params["model_info"], Value::Object(made.info));
        let silent = json!({ "model_name": "a", "litellm_params": { "model": "x" }, "model_info": { "id": "1", "mode": "chat" } });
        assert!(!Deployment::read(&silent).unwrap().params.contains_key("model_info"));
    }

    #[test]
    fn a_wrong_entry_is_named() {
        for (entry, path) in [
            (json!("a"), "model_list."),
            (json!({ "model_name": 1 }), "model_list.model_name"),
            (json!({ "model_name": "a" }), "model_list.litellm_params"),
            (json!({ "model_name": "a", "litellm_params": {} }), "model_list.litellm_params.model"),
        ] {
            assert_eq!(Deployment::read(&entry).unwrap_err().facts().param.as_deref(), Some(path));
        }
    }
}
