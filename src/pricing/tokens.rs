//! What tokens cost.
//!
//! A price that an entry does not have is that of the next wider kind: written for an hour as written at all, cached
//! and spoken and seen as text. Above a number of input tokens, or for a service tier, a price may have a variant:
//! each price for itself uses the highest bound that is passed, and the tier's variant where there is one.

use serde_json::Value;

use super::counts::{Counts, Input};
use super::{Cost, off_peak, price};
use crate::json::Map;

const INPUT: &str = "input_cost_per_token";
const OUTPUT: &str = "output_cost_per_token";
const CACHE_READ: &str = "cache_read_input_token_cost";
const CACHE_WRITE: &str = "cache_creation_input_token_cost";
const REASONING: &str = "output_cost_per_reasoning_token";

/// The prices that hold for one call.
pub struct Rates<'a> {
    entry: &'a Map,
    /// Prices that go before the entry's own: those of its band or of the time of day.
    over: Option<&'a Map>,
    /// What the marks of a tier end with.
    tier: Option<&'static str>,
    /// A batch has prices of its own, or half of the usual ones.
    batch: bool,
    prompt_tokens: f64,
    /// Most entries have no prices above a number of tokens: nothing to look for.
    has_bounds: bool,
}

impl<'a> Rates<'a> {
    /// `now` is in seconds since the epoch.
    pub fn of(entry: &'a Map, prompt_tokens: f64, service_tier: Option<&str>, now: u64) -> Self {
        let band =
            entry.get("tiered_pricing").and_then(Value::as_array).and_then(|b| find_band(b, prompt_tokens));
        let over = band.or_else(|| off_peak::prices(entry, now));
        Self {
            entry,
            over,
            tier: service_tier.and_then(tier_mark),
            batch: false,
            prompt_tokens,
            has_bounds: has_bounds(entry),
        }
    }

    /// The prices of a batch.
    pub fn of_batch(entry: &'a Map, prompt_tokens: f64) -> Self {
        Self {
            entry,
            over: None,
            tier: Some("batches"),
            batch: true,
            prompt_tokens,
            has_bounds: has_bounds(entry),
        }
    }

    /// The price under a name, or its variant for this call.
    pub fn get(&self, name: &str) -> Option<f64> {
        if self.batch {
            return self.batch_price(name);
        }
        if let Some(own) = self.over.and_then(|over| price(over, name)) {
            return Some(own);
        }
        let tiered = |name: &str| {
            let of_tier = self.tier.and_then(|tier| price(self.entry, &format!("{name}_{tier}")));
            of_tier.or_else(|| price(self.entry, name))
        };
        self.bound(name).and_then(|name| tiered(&name)).or_else(|| tiered(name))
    }

    /// Where a batch has prices for text, other kinds have theirs or cost what text does; otherwise all cost half.
    fn batch_price(&self, name: &str) -> Option<f64> {
        let text = if name.starts_with("output") { OUTPUT } else { INPUT };
        if price(self.entry, &format!("{text}_batches")).is_none() {
            // What the cache took is free where it has no price: the text's count is without it.
            let unpriced = [CACHE_READ, CACHE_WRITE].contains(&name).then_some(0.0);
            return price(self.entry, name).map(|price| price / 2.0).or(unpriced);
        }
        let bound = self.bound(name).and_then(|name| price(self.entry, &format!("{name}_batches")));
        bound.or_else(|| price(self.entry, &format!("{name}_batches")))
    }

    /// The name with the highest bound that the call passes.
    fn bound(&self, name: &str) -> Option<String> {
        if !self.has_bounds {
            return None;
        }
        let bounds = self.entry.keys().filter_map(|key| {
            let mark = key.strip_prefix(name)?.strip_prefix("_above_")?;
            let (bound, rest) = mark.split_once("k_tokens")?;
            let of_tier = rest.strip_prefix('_').is_some_and(|tier| Some(tier) == self.tier);
            let bound = bound.parse::<u32>().ok().filter(|_| rest.is_empty() || of_tier)?;
            (self.prompt_tokens > f64::from(bound) * 1000.0).then_some(bound)
        });
        bounds.max().map(|bound| format!("{name}_above_{bound}k_tokens"))
    }

    fn input(&self) -> f64 {
        self.get(INPUT).unwrap_or_default()
    }

    fn output(&self) -> f64 {
        self.get(OUTPUT).unwrap_or_default()
    }
}

fn has_bounds(entry: &Map) -> bool {
    entry.keys().any(|key| key.contains("k_tokens"))
}

/// How a service tier's prices are marked; the default tier's are not.
fn tier_mark(tier: &str) -> Option<&'static str> {
    match tier.to_ascii_lowercase().as_str() {
        "priority" | "fast" => Some("priority"),
        "flex" => Some("flex"),
        "balanced" => Some("balanced"),
        "ultrafast" => Some("ultrafast"),
        _ => None,
    }
}

/// The band of prices that holds for a number of input tokens: all tokens of the call are at its prices.
fn find_band(bands: &[Value], tokens: f64) -> Option<&Map> {
    let bands = || bands.iter().filter_map(Value::as_object).filter(|band| band.contains_key("range"));
    let ends_after = |band: &&Map| {
        let end = band.get("range").and_then(|range| range.get(1)).and_then(Value::as_f64);
        end.is_none_or(|end| tokens <= end)
    };
    bands().find(ends_after).or_else(|| bands().next_back())
}

/// What prompt and answer cost by their kinds.
pub fn cost(rates: &Rates<'_>, counts: &Counts) -> Cost {
    Cost { prompt: prompt(rates, counts), completion: completion(rates, counts) }
}

fn prompt(rates: &Rates<'_>, counts: &Counts) -> f64 {
    let by_image = price(rates.entry, "input_cost_per_image").filter(|_| counts.input.images > 0.0);
    let by_character = rates.get("input_cost_per_character").filter(|_| counts.input.characters > 0.0);
    let input = uncached(counts);
    let text = rates.input();
    let or_text = |name: &str| rates.get(name).unwrap_or(text);
    let mut cost = if let Some(price) = by_character {
        input.characters * price
    } else if counts.input.images > 0.0 && counts.input.text == 0.0 {
        0.0
    } else {
        input.text * text
    };
    cost += input.audio * or_text("input_cost_per_audio_token");
    cost += input.video * or_text("input_cost_per_video_token");
    cost += match by_image {
        Some(price) => input.images * price,
        None => input.image * or_text("input_cost_per_image_token"),
    };
    cost += input.queries * rates.get("input_cost_per_query").unwrap_or_default();
    cost += input.video_seconds * rates.get("input_cost_per_video_per_second").unwrap_or_default();
    cost += input.audio_seconds * rates.get("input_cost_per_audio_per_second").unwrap_or_default();
    cost + cached(rates, &input)
}

/// What was read from the cache and written to it.
pub fn cached(rates: &Rates<'_>, input: &Input) -> f64 {
    let text = rates.input();
    let read = input
        .explicit_cache
        .then(|| rates.get("explicit_cache_read_input_token_cost"))
        .flatten()
        .or_else(|| rates.get(CACHE_READ))
        .unwrap_or(text);
    let audio = input.cached_kinds.map_or(0.0, |[_, audio, _]| audio.min(input.cached));
    let write = rates.get(CACHE_WRITE).unwrap_or(text);
    let kept = |name: &str| rates.get(&format!("{CACHE_WRITE}_above_{name}")).unwrap_or(write);
    (input.cached - audio) * read
        + audio * rates.get("cache_read_input_audio_token_cost").unwrap_or(read)
        + (input.written - input.written_1h - input.written_12h).max(0.0) * write
        + input.written_1h * kept("1hr")
        + input.written_12h * kept("12hr")
}

/// The prompt's parts without what the cache took: where a part of it is told, from that part, otherwise from the
/// text first. Providers differ in whether the parts that they tell include the cached ones; the sum shows it.
fn uncached(counts: &Counts) -> Input {
    let mut input = counts.input.clone();
    let parts = input.audio + input.image + input.video;
    if let Some([text, audio, image]) = input.cached_kinds
        && (input.text == 0.0 || input.text + parts + input.cached + input.written > counts.prompt)
    {
        if input.text == 0.0 {
            input.text = counts.prompt - parts - input.written - (input.cached - audio - image);
        } else {
            input.text -= text + input.written_in(counts.prompt, parts);
            // More of a kind than there was is of the text.
            input.text -= (audio - input.audio).max(0.0) + (image - input.image).max(0.0);
        }
        input.audio = (input.audio - audio).max(0.0);
        input.image = (input.image - image).max(0.0);
    } else if input.text == 0.0 {
        input.text = counts.prompt - parts - input.cached - input.written;
    } else {
        let mut excess = input.text + parts + input.cached + input.written - counts.prompt;
        excess = excess.clamp(0.0, input.cached + input.written);
        for part in [&mut input.text, &mut input.image, &mut input.audio] {
            let taken = excess.min(*part);
            *part -= taken;
            excess -= taken;
        }
    }
    input.text = input.text.max(0.0);
    input
}

impl Input {
    /// Of what was written to the cache, what the text counts too.
    fn written_in(&self, prompt: f64, parts: f64) -> f64 {
        (self.text + parts + self.written - prompt).clamp(0.0, self.written)
    }
}

fn completion(rates: &Rates<'_>, counts: &Counts) -> f64 {
    let output = &counts.output;
    let others = output.audio + output.image + output.video + output.reasoning;
    let text = if output.text > 0.0 {
        output.text.min((counts.completion - output.reasoning).max(0.0))
    } else {
        (counts.completion - others).max(0.0)
    };
    let per_text = rates.output();
    let or_text = |name: &str| rates.get(name).unwrap_or(per_text);
    let per_image = or_text("output_cost_per_image_token");
    // A model of images alone has no price for text.
    let per_text_or_image = if rates.get(OUTPUT).is_none() { per_image } else { per_text };
    text * per_text_or_image
        + output.audio * or_text("output_cost_per_audio_token")
        + output.image * per_image
        + output.video * or_text("output_cost_per_video_token")
        + output.reasoning * or_text(REASONING)
}

/// The same for providers that price text alone: what was reasoned may have its own price.
pub fn text_only(rates: &Rates<'_>, counts: &Counts) -> Cost {
    let input = &counts.input;
    let whole = Input { cached_kinds: None, written_1h: 0.0, written_12h: 0.0, ..input.clone() };
    let prompt =
        (counts.prompt - input.cached - input.written).max(0.0) * rates.input() + cached(rates, &whole);
    let reasoning = counts.output.reasoning;
    let per_text = rates.output();
    let completion = (counts.completion - reasoning).max(0.0) * per_text
        + reasoning * rates.get(REASONING).unwrap_or(per_text);
    Cost { prompt, completion }
}
