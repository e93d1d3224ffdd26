//! What the provider's own tools cost: searches of the web, look-ups in maps.

use serde_json::Value;

use super::counts::Counts;
use super::price;
use crate::json::{Map, str_at};

/// What a search costs at Google where the model's entry does not say it.
const GOOGLE_SEARCH: f64 = 0.035;

/// How a provider counts searches.
enum Counting {
    /// A call that searched costs one, however often it did.
    Calls,
    /// Each search that the count of its own tools tells.
    Searches,
    /// The one or the other: by its own count, otherwise by call.
    SearchesOrCalls,
    /// What the model's entry says.
    Google,
    /// Not beside the tokens.
    Nowhere,
}

impl Counting {
    fn of(provider: &str, model: &str) -> Self {
        match provider {
            "anthropic" | "groq" => Self::Searches,
            "azure_ai" | "vertex_ai" if model.contains("claude") => Self::Searches,
            "azure_ai" => Self::SearchesOrCalls,
            "gemini" | "vertex_ai" => Self::Google,
            "perplexity" | "xai" => Self::Nowhere,
            _ => Self::Calls,
        }
    }
}

/// What searches of the web and of maps cost.
///
/// `size` is how much context a search was asked to bring (`low`, `medium`, `high`); `cited` says that the answer
/// cites pages, where nothing counts the searches.
pub fn web_search(
    entry: &Map,
    (provider, model): (&str, &str),
    counts: &Counts,
    size: Option<&str>,
    cited: bool,
) -> f64 {
    let prices = entry.get("search_context_cost_per_query").and_then(Value::as_object);
    let per_search = |size: &str| {
        prices.and_then(|prices| price(prices, &format!("search_context_size_{size}"))).unwrap_or_default()
    };
    let searched = counts.web_searches.max(counts.server_web_searches);
    let by_call = || if searched > 0.0 || cited { per_search(size.unwrap_or("medium")) } else { 0.0 };
    match Counting::of(provider, model) {
        Counting::Searches => counts.server_web_searches * per_search("medium"),
        Counting::SearchesOrCalls if counts.server_web_searches > 0.0 => {
            counts.server_web_searches * per_search("medium")
        }
        Counting::SearchesOrCalls | Counting::Calls => by_call(),
        Counting::Google => {
            let each = str_at(entry, "web_search_billing_unit").is_some();
            let searches = if each { searched } else { searched.min(1.0) };
            let maps = price(entry, "google_maps_grounding_cost_per_query").unwrap_or_default();
            let price = if prices.is_some() { per_search("medium") } else { GOOGLE_SEARCH };
            searches * price + counts.map_queries.min(1.0) * maps
        }
        Counting::Nowhere => 0.0,
    }
}
