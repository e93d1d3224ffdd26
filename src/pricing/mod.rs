//! What a call cost: counts of what was used, and prices, to US dollars.
//!
//! Prices are read from a model's entry under its public names, whether it comes from the table, from what a program
//! registered, or from a deployment. `find` says which entry is meant, `counts` what was used, `tokens` what tokens
//! cost, `work` what the other kinds of calls cost, `tools` what the provider's own tools cost.

mod counts;
mod find;
mod off_peak;
mod tokens;
mod tools;
mod work;

use serde_json::Value;

use crate::json::Map;

pub use counts::Counts;
pub use find::{Catalog, Found, Listed, find};
pub use tools::web_search;
pub use work::{Work, cost};

/// US dollars for what went in and for what came out.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    pub prompt: f64,
    pub completion: f64,
}

impl Cost {
    pub fn total(self) -> f64 {
        self.prompt + self.completion
    }

    fn times(self, factor: f64) -> Self {
        Self { prompt: self.prompt * factor, completion: self.completion * factor }
    }

    fn prompt(prompt: f64) -> Self {
        Self { prompt, completion: 0.0 }
    }

    fn completion(completion: f64) -> Self {
        Self { prompt: 0.0, completion }
    }
}

/// A price of an entry; texts that are numbers count, as programs write them.
fn price(entry: &Map, name: &str) -> Option<f64> {
    match entry.get(name)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64(),
    }
}

#[cfg(test)]
mod tests;
