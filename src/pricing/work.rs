//! What a call of any kind cost by a model's entry.

use serde_json::Value;

use super::counts::Counts;
use super::tokens::{self, Rates};
use super::{Cost, price};
use crate::json::{Map, str_at};

/// What was done, as far as it is paid for. Times are in seconds.
#[derive(Debug, Clone, Default)]
pub struct Work<'a> {
    /// The public name of the call: `completion`, `aembedding`, `rerank` …
    pub call_type: &'a str,
    pub provider: &'a str,
    pub counts: Counts,
    pub service_tier: Option<&'a str>,
    /// Where OpenAI keeps the data, where Google runs the model.
    pub data_residency: Option<&'a str>,
    pub vertex_location: Option<&'a str>,
    /// How long the call took.
    pub seconds: f64,
    /// How long the sound or the film is.
    pub audio_seconds: f64,
    pub video_seconds: f64,
    pub resolution: Option<&'a str>,
    pub prompt_characters: Option<f64>,
    pub completion_characters: Option<f64>,
    pub queries: f64,
    pub max_results: Option<f64>,
    /// What a ranking was billed for.
    pub search_units: f64,
    pub billed_tokens: f64,
    pub images: f64,
    /// Width and height.
    pub size: Option<(f64, f64)>,
    pub pages: f64,
    pub annotated_pages: f64,
    /// Seconds since the epoch.
    pub now: u64,
}

/// Providers whose text alone has prices.
const TEXT_ONLY: [&str; 3] = ["dashscope", "qwencloud", "qwen_ai_platform"];
/// Providers that cost nothing: they run on the caller's machine, or are billed by time.
const FREE: [&str; 2] = ["huggingface", "lemonade"];
/// Providers with other ways of saying where data is kept.
const NO_RESIDENCY: [&str; 5] = ["anthropic", "azure", "bedrock", "gemini", "vertex_ai"];
/// Providers of rankings that are billed by token.
const RANKED_BY_TOKEN: [&str; 2] = ["jina_ai", "voyage"];

/// What the work costs by an entry.
pub fn cost(entry: &Map, work: &Work<'_>) -> Cost {
    let price = |name: &str| price(entry, name);
    match work.call_type.strip_prefix('a').filter(|name| CALLS.contains(name)).unwrap_or(work.call_type) {
        "rerank" => rerank(entry, work),
        "search" => Cost::prompt(work.queries * query_price(entry, work.max_results)),
        "speech" => match (price("input_cost_per_character"), work.prompt_characters) {
            (Some(price), Some(characters)) => Cost::prompt(price * characters),
            // A piece of music is one.
            _ => match price("output_cost_per_image") {
                Some(each) => Cost::completion(each),
                None => of_tokens(entry, work),
            },
        },
        "transcription" if work.counts.total == 0.0 => {
            let output = price("output_cost_per_second").filter(|price| *price > 0.0);
            match (output, price("input_cost_per_second")) {
                (Some(price), _) => Cost::completion(price * work.audio_seconds),
                (None, Some(price)) => Cost::prompt(price * work.audio_seconds),
                (None, None) => Cost::default(),
            }
        }
        "image_generation" | "image_edit" | "image_variation" => images(entry, work),
        "ocr" => Cost::prompt(
            work.pages * price("ocr_cost_per_page").unwrap_or_default()
                + work.annotated_pages * price("annotation_cost_per_page").unwrap_or_default(),
        ),
        "video_generation" | "create_video" if work.video_seconds > 0.0 => {
            let of_size = work.resolution.and_then(|size| price(&format!("output_cost_per_second_{size}")));
            let each = of_size
                .or_else(|| price("output_cost_per_video_per_second"))
                .or_else(|| price("output_cost_per_second"));
            Cost::completion(work.video_seconds * each.unwrap_or_default())
        }
        _ => of_tokens(entry, work),
    }
}

/// Calls that have an asynchronous twin with an `a` in front.
const CALLS: [&str; 9] = [
    "image_edit",
    "image_generation",
    "image_variation",
    "ocr",
    "rerank",
    "search",
    "speech",
    "transcription",
    "video_generation",
];

fn of_tokens(entry: &Map, work: &Work<'_>) -> Cost {
    let provider = work.provider;
    if FREE.contains(&provider) {
        return Cost::default();
    }
    let counts = &work.counts;
    if work.call_type == "batch" {
        return tokens::cost(&Rates::of_batch(entry, counts.prompt), counts).times(factor(entry, work));
    }
    // Fireworks' prices are those of its default tier, whatever was asked for.
    let service_tier = work.service_tier.filter(|_| provider != "fireworks_ai");
    let rates = Rates::of(entry, counts.prompt, service_tier, work.now);
    if let Some(cost) = by_time(entry, &rates, work) {
        return cost;
    }
    let cost = match provider {
        "perplexity" => perplexity(entry, counts),
        "xai" => xai(&rates, counts),
        "fireworks_ai" => fireworks(entry, &rates, counts),
        "vertex_ai" => by_character(entry, work).unwrap_or_else(|| tokens::cost(&rates, counts)),
        _ if TEXT_ONLY.contains(&provider) => tokens::text_only(&rates, counts),
        _ => tokens::cost(&rates, counts),
    };
    cost.times(factor(entry, work))
}

/// A model without prices of tokens may be paid by the time that it runs; that of a conversation's sound is another.
fn by_time(entry: &Map, rates: &Rates<'_>, work: &Work<'_>) -> Option<Cost> {
    let is_priced = |name: &str| rates.get(name).is_some_and(|price| price != 0.0);
    if str_at(entry, "mode") == Some("realtime")
        || is_priced("input_cost_per_token")
        || is_priced("output_cost_per_token")
    {
        return None;
    }
    let names = ["cost_per_second", "input_cost_per_second", "output_cost_per_second"];
    let price = names.iter().find_map(|name| price(entry, name))?;
    Some(Cost::prompt(price * work.seconds))
}

/// What a region or a mode multiplies the cost by.
fn factor(entry: &Map, work: &Work<'_>) -> f64 {
    let mut factor = 1.0;
    if let Some(place) = work.data_residency
        && !NO_RESIDENCY.contains(&work.provider)
    {
        let name = format!("regional_processing_uplift_multiplier_{}", place.to_ascii_lowercase());
        factor *= price(entry, &name).unwrap_or(1.0);
    }
    if work.provider == "vertex_ai" && work.vertex_location.is_some_and(|place| place != "global") {
        factor *= price(entry, "regional_endpoint_uplift_multiplier").unwrap_or(1.0);
    }
    let of_provider = entry.get("provider_specific_entry").and_then(Value::as_object);
    let named = |name: &Option<String>| {
        let name = name.as_deref()?.to_ascii_lowercase();
        of_provider.and_then(|entry| price(entry, &name))
    };
    if ["anthropic", "bedrock"].contains(&work.provider) {
        factor *= named(&work.counts.geography).unwrap_or(1.0);
    }
    if work.provider == "anthropic" {
        factor *= named(&work.counts.speed).unwrap_or(1.0);
    }
    factor
}

/// Cited tokens and searches cost beside the text; nothing is cached, and long prompts cost the same.
fn perplexity(entry: &Map, counts: &Counts) -> Cost {
    if let Some(cost) = counts.cost {
        return Cost::completion(cost);
    }
    let rate = |name: &str| price(entry, name).unwrap_or_default();
    let reasoning = counts.output.reasoning.max(counts.reasoning);
    let per_token = rate("output_cost_per_token");
    let searches = entry.get("search_context_cost_per_query").and_then(Value::as_object);
    let per_search = searches.and_then(|prices| price(prices, "search_context_size_low")).unwrap_or_default();
    Cost {
        prompt: counts.prompt * rate("input_cost_per_token")
            + counts.citations * rate("citation_cost_per_token"),
        completion: (counts.completion - reasoning).max(0.0) * per_token
            + reasoning * price(entry, "output_cost_per_reasoning_token").unwrap_or(per_token)
            + counts.web_searches * per_search,
    }
}

/// All output is one kind; what was reasoned comes on top of the answer's tokens.
fn xai(rates: &Rates<'_>, counts: &Counts) -> Cost {
    let on_top = counts.prompt + counts.completion + counts.output.reasoning <= counts.total;
    let completion = counts.completion + if on_top { counts.output.reasoning } else { 0.0 };
    Cost {
        completion: completion * rates.get("output_cost_per_token").unwrap_or_default(),
        ..tokens::cost(rates, counts)
    }
}

/// Where no price for cached tokens of a chat is told, they cost half.
fn fireworks(entry: &Map, rates: &Rates<'_>, counts: &Counts) -> Cost {
    let is_own = str_at(entry, "litellm_provider") == Some("fireworks_ai");
    let mut cost = tokens::cost(rates, counts);
    if is_own && rates.get("cache_read_input_token_cost").is_none() {
        cost.prompt -= counts.input.cached * rates.get("input_cost_per_token").unwrap_or_default() / 2.0;
    }
    cost
}

/// Older models of Google's count characters.
fn by_character(entry: &Map, work: &Work<'_>) -> Option<Cost> {
    let prompt = price(entry, "input_cost_per_character")? * work.prompt_characters?;
    let rates = Rates::of(entry, work.counts.prompt, work.service_tier, work.now);
    let completion = match (price(entry, "output_cost_per_character"), work.completion_characters) {
        (Some(price), Some(characters)) => price * characters,
        _ => tokens::cost(&rates, &work.counts).completion,
    };
    Some(Cost { prompt, completion })
}

fn rerank(entry: &Map, work: &Work<'_>) -> Cost {
    if FREE.contains(&work.provider) {
        return Cost::default();
    }
    let (units, name) = if RANKED_BY_TOKEN.contains(&work.provider) {
        (work.billed_tokens, "input_cost_per_token")
    } else {
        (work.search_units, "input_cost_per_query")
    };
    Cost::prompt(units * price(entry, name).unwrap_or_default())
}

/// The price of a search, which may depend on how many results were asked for.
fn query_price(entry: &Map, max_results: Option<f64>) -> f64 {
    let bands = entry.get("tiered_pricing").and_then(Value::as_array);
    // Unsaid it is the provider's default, which is in the first band.
    let band = bands.into_iter().flatten().filter_map(Value::as_object).find(|band| {
        let Some(results) = max_results else { return band.contains_key("max_results_range") };
        let bound = |at: usize| band.get("max_results_range").and_then(|range| range.get(at)?.as_f64());
        bound(0).is_none_or(|from| results >= from) && bound(1).is_none_or(|to| results <= to)
    });
    band.and_then(|band| price(band, "input_cost_per_query"))
        .or_else(|| price(entry, "input_cost_per_query"))
        .unwrap_or_default()
}

/// Images by token where the answer counts them, otherwise by picture or by pixel.
fn images(entry: &Map, work: &Work<'_>) -> Cost {
    let by_token = ["input_cost_per_token", "output_cost_per_token", "output_cost_per_image_token"];
    if work.counts.total > 0.0
        && by_token.iter().any(|name| price(entry, name).is_some_and(|price| price > 0.0))
    {
        let mut counts = work.counts.clone();
        if counts.output == super::counts::Output::default() {
            counts.output.image = counts.completion;
        }
        return tokens::cost(&Rates::of(entry, counts.prompt, work.service_tier, work.now), &counts);
    }
    if let Some(each) = price(entry, "output_cost_per_image").or_else(|| price(entry, "input_cost_per_image"))
    {
        return Cost::completion(each * work.images);
    }
    let (width, height) = work.size.unwrap_or((1024.0, 1024.0));
    Cost::prompt(price(entry, "input_cost_per_pixel").unwrap_or_default() * width * height * work.images)
}
