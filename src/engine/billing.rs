//! What of a call decides its price beside its answer.

use std::sync::Arc;

use serde_json::Value;

use super::control::Control;
use super::{Meta, now};
use crate::hub::{CallType, Usage};
use crate::json::{Map, str_at};
use crate::pricing::{self, Counts, Listed, Work};

/// Facts for the price of a call. Most calls have none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Billing {
    /// The model behind a deployment with a name of its own.
    pub base_model: Option<String>,
    /// Prices of the caller's own, by their public names.
    pub prices: Map,
    /// Parameters that have a price: a size, a quality, a service tier.
    pub asked: Map,
}

/// Parameters that have a price, or whose length has one.
const ASKED: [&str; 8] =
    ["input", "max_results", "n", "quality", "seconds", "service_tier", "size", "web_search_options"];

impl Billing {
    /// From the keywords that steer a call; a deployment's `model_info` says the same things.
    pub(super) fn of(control: &Control) -> Option<Box<Self>> {
        let info = control.get("model_info").and_then(Value::as_object);
        let mut prices = Map::new();
        let of_info = info.into_iter().flatten().map(|(name, value)| (name.as_str(), value));
        for (name, value) in of_info.chain(control.iter()) {
            if is_price(name) && !value.is_null() {
                prices.insert(name.to_owned(), value.clone());
            }
        }
        let base_model = control.get("base_model").and_then(Value::as_str);
        let base_model = base_model.or_else(|| str_at(info?, "base_model")).map(str::to_owned);
        let mut asked = Map::new();
        if let Some(place) = control.get("vertex_location").or_else(|| control.get("vertex_ai_location")) {
            asked.insert("vertex_location".to_owned(), place.clone());
        }
        let billing = Self { base_model, prices, asked };
        (billing != Self::default()).then(|| Box::new(billing))
    }

    /// Adds the parameters that have a price.
    pub(super) fn add(into: &mut Option<Box<Self>>, params: &Map, call_type: CallType) {
        for name in ASKED {
            let Some(value) = params.get(name) else { continue };
            // Texts are long: it is kept where it is paid by its length.
            if value.is_array() || name == "input" && call_type != CallType::Speech {
                continue;
            }
            let value = value.clone();
            into.get_or_insert_default().asked.insert(name.to_owned(), value);
        }
    }
}

/// Whether a keyword is a price of the caller's own.
pub fn is_price(name: &str) -> bool {
    name.contains("cost_per_") || name.contains("_token_cost") || name == "tiered_pricing"
}

impl Meta {
    /// What an answer with this usage cost in US dollars; `None` where no price is known. The answer's own name of the
    /// model counts before the one that was called.
    pub fn cost(&self, usage: &Usage, service_tier: Option<&str>) -> Option<f64> {
        let counts = Counts::of_usage(usage);
        if counts.cost.is_some() {
            return counts.cost;
        }
        self.price(Work { counts, service_tier, ..Work::default() }, &|name| vec![name.to_owned()])
    }

    /// The price of work by the entry of the model, which is looked up under the `keys` that stand for a name.
    pub(super) fn price(&self, work: Work<'_>, keys: &dyn Fn(&str) -> Vec<String>) -> Option<f64> {
        let nothing = Billing::default();
        let billing = self.billing.as_deref().unwrap_or(&nothing);
        let names =
            [billing.base_model.as_deref(), self.response_model.as_deref(), Some(self.model.as_str())];
        let found = names
            .into_iter()
            .flatten()
            .flat_map(keys)
            .find_map(|name| pricing::find(&Listed, &name, Some(&self.provider)));
        let (key, mut entry) = match found {
            Some(found) => found,
            None if billing.prices.is_empty() => return None,
            None => (self.model.clone(), Arc::default()),
        };
        if !billing.prices.is_empty() {
            Arc::make_mut(&mut entry).extend(billing.prices.clone());
        }
        let tools = pricing::web_search(&entry, (&self.provider, &key), &work.counts, None, false);
        let work = Work {
            provider: &self.provider,
            service_tier: work.service_tier.or_else(|| str_at(&billing.asked, "service_tier")),
            vertex_location: str_at(&billing.asked, "vertex_location"),
            seconds: self.elapsed_ms / 1000.0,
            now: now(),
            ..work
        };
        Some(pricing::cost(&entry, &work).total() + tools)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_paid_by_its_length_is_kept() {
        let Value::Object(params) = json!({ "input": "a long text", "n": 2 }) else { panic!("an object") };
        let asked = |call_type| {
            let mut billing = None;
            Billing::add(&mut billing, &params, call_type);
            Value::Object(billing.unwrap().asked)
        };
        assert_eq!(asked(CallType::Embedding), json!({ "n": 2 }));
        assert_eq!(asked(CallType::Speech), json!({ "input": "a long text", "n": 2 }));
    }
}
