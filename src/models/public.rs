//! A model's entry under the public names of its facts: `input_cost_per_token`, `max_input_tokens`, `supports_vision` …
//!
//! The table is compact; what programs read and write in `model_cost` has these names. The names of prices are built
//! from parts: `cache_write+1h>200k@batch` is `cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches`.

use serde_json::Value;

use crate::json::Map;

/// What a price is for, without its marks.
const PRICES: [(&str, &str); 42] = [
    ("in", "input_cost_per_token"),
    ("out", "output_cost_per_token"),
    ("cache_read", "cache_read_input_token_cost"),
    ("cache_write", "cache_creation_input_token_cost"),
    ("search", "search_context_cost_per_query"),
    ("image_out", "output_cost_per_image"),
    ("sec_out", "output_cost_per_second"),
    ("sec_in", "input_cost_per_second"),
    ("in_audio", "input_cost_per_audio_token"),
    ("in_image_tok", "input_cost_per_image_token"),
    ("image_in", "input_cost_per_image"),
    ("out_audio", "output_cost_per_audio_token"),
    ("dbu_in", "input_dbu_cost_per_token"),
    ("dbu_out", "output_dbu_cost_per_token"),
    ("out_reasoning", "output_cost_per_reasoning_token"),
    ("out_image_tok", "output_cost_per_image_token"),
    ("char_in", "input_cost_per_character"),
    ("char_out", "output_cost_per_character"),
    ("query", "input_cost_per_query"),
    ("maps_query", "google_maps_grounding_cost_per_query"),
    ("in_cache_hit", "input_cost_per_token_cache_hit"),
    ("x_regional_endpoint", "regional_endpoint_uplift_multiplier"),
    ("x_regional_eu", "regional_processing_uplift_multiplier_eu"),
    ("x_regional_us", "regional_processing_uplift_multiplier_us"),
    ("pixel_in", "input_cost_per_pixel"),
    ("pixel_out", "output_cost_per_pixel"),
    ("cache_read_audio", "cache_read_input_audio_token_cost"),
    ("cache_read_image", "cache_read_input_image_token_cost"),
    ("cache_read_explicit", "explicit_cache_read_input_token_cost"),
    ("cache_write_audio", "cache_creation_input_audio_token_cost"),
    ("sec", "cost_per_second"),
    ("video_sec_in", "input_cost_per_video_per_second"),
    ("video_sec_out", "output_cost_per_video_per_second"),
    ("audio_sec_in", "input_cost_per_audio_per_second"),
    ("in_video_tok", "input_cost_per_video_token"),
    ("out_video_tok", "output_cost_per_video_token"),
    ("page", "ocr_cost_per_page"),
    ("page_annotation", "annotation_cost_per_page"),
    ("credit", "ocr_cost_per_credit"),
    ("request", "input_cost_per_request"),
    ("text_message", "input_cost_per_text_message"),
    ("citation", "citation_cost_per_token"),
];
const RARE_PRICES: [(&str, &str); 2] =
    [("guardrail_units", "guardrail_cost_per_unit"), ("code_session", "code_interpreter_cost_per_session")];

/// Facts that only have another name here.
const RENAMED: [(&str, &str); 13] = [
    ("mode", "mode"),
    ("ctx", "max_input_tokens"),
    ("max_out", "max_output_tokens"),
    ("dims", "output_vector_size"),
    ("mod_in", "supported_modalities"),
    ("mod_out", "supported_output_modalities"),
    ("endpoints", "supported_endpoints"),
    ("regions", "supported_regions"),
    ("efforts", "reasoning_effort_levels"),
    ("effort_default", "default_reasoning_effort"),
    ("cache_min", "prompt_cache_min_tokens"),
    ("eol", "deprecation_date"),
    ("rpm", "rpm"),
];

/// The groups whose names are not spelled as those of the others are.
const WITH_DASHES: [&str; 4] = ["embedding", "language", "text", "video"];

/// The entry under public names. One that has them already is returned as it is.
pub fn from_compact(mut entry: Map) -> Map {
    if entry.contains_key("litellm_provider") {
        return entry;
    }
    let mut out = Map::new();
    if let Some(provider) = entry.get("provider").and_then(Value::as_str) {
        let provider = match entry.get("group").and_then(Value::as_str) {
            Some(group) if WITH_DASHES.contains(&group) => format!("{provider}-{group}-models"),
            Some(group) => format!("{provider}-{group}_models"),
            None => provider.to_owned(),
        };
        out.insert("litellm_provider".to_owned(), provider.into());
    }
    for (name, public) in RENAMED.into_iter().chain([("tpm", "tpm")]) {
        if let Some(value) = entry.get_mut(name) {
            out.insert(public.to_owned(), value.take());
        }
    }
    if let Some(Value::Object(prices)) = entry.get_mut("price") {
        put_prices(&mut out, std::mem::take(prices));
    }
    if let Some(Value::Array(tiers)) = entry.get_mut("tiers") {
        let tiers = std::mem::take(tiers).into_iter().map(band).collect();
        out.insert("tiered_pricing".to_owned(), Value::Array(tiers));
    }
    if let Some(off_peak) = entry.get_mut("off_peak") {
        out.insert("off_peak_pricing".to_owned(), band(off_peak.take()));
    }
    for (list, value) in [("caps", true), ("no", false)] {
        for name in entry.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
        {
            out.insert(format!("supports_{name}"), value.into());
        }
    }
    if let Some(Value::Object(extra)) = entry.get_mut("extra") {
        out.extend(std::mem::take(extra));
    }
    out
}

fn put_prices(out: &mut Map, prices: Map) {
    for (name, value) in prices {
        let value = match value {
            Value::Object(sizes) if name == "search" => Value::Object(
                sizes
                    .into_iter()
                    .map(|(size, price)| (format!("search_context_size_{size}"), price))
                    .collect(),
            ),
            value => value,
        };
        out.insert(price_name(&name), value);
    }
}

/// Prices that hold in a range or at a time, beside what says when.
fn band(band: Value) -> Value {
    let Value::Object(band) = band else { return band };
    let mut out = Map::new();
    for (name, value) in band {
        match name.as_str() {
            "tokens" => out.insert("range".to_owned(), value),
            "results" => out.insert("max_results_range".to_owned(), value),
            "windows" | "tz" => {
                out.insert(if name == "tz" { "weekday_timezone".to_owned() } else { name }, value)
            }
            _ => out.insert(price_name(&name), value),
        };
    }
    Value::Object(out)
}

/// The public name of a price.
fn price_name(name: &str) -> String {
    let end = name.find(['+', '>', '/', '@']).unwrap_or(name.len());
    let (base, mut marks) = name.split_at(end);
    let public = PRICES.iter().chain(&RARE_PRICES).find(|(short, _)| *short == base);
    let mut out = public.map_or(base, |(_, public)| public).to_owned();
    while let Some(mark) = marks.chars().next() {
        let rest = &marks[1..];
        let end = rest.find(['+', '>', '/', '@']).unwrap_or(rest.len());
        let value = &rest[..end];
        marks = &rest[end..];
        out.push_str(if matches!(mark, '+' | '>') { "_above_" } else { "_" });
        out.push_str(value);
        out.push_str(match mark {
            '+' => "r",
            '>' if value.ends_with('k') => "_tokens",
            '>' => "_interval",
            '@' if value == "batch" => "es",
            _ => "",
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_prices() {
        for (name, public) in [
            ("in", "input_cost_per_token"),
            ("in>200k@priority", "input_cost_per_token_above_200k_tokens_priority"),
            (
                "cache_write+12h>272k@batch",
                "cache_creation_input_token_cost_above_12hr_above_272k_tokens_batches",
            ),
            ("sec_out/1080p", "output_cost_per_second_1080p"),
            ("image_out/0.5K", "output_cost_per_image_0.5K"),
            ("video_sec_in>15s", "input_cost_per_video_per_second_above_15s_interval"),
        ] {
            assert_eq!(price_name(name), public);
        }
    }

    #[test]
    fn an_entry_under_public_names() {
        let compact = json!({"provider": "vertex_ai", "group": "language", "mode": "chat", "ctx": 10,
            "price": {"in": 1, "search": {"low": 2}}, "tiers": [{"tokens": [0, 5], "in": 1}],
            "caps": ["vision"], "no": ["reasoning"], "extra": {"use_openai_responses_path": true}});
        let Value::Object(compact) = compact else { unreachable!() };
        let expected = json!({"litellm_provider": "vertex_ai-language-models", "mode": "chat",
            "max_input_tokens": 10, "input_cost_per_token": 1,
            "search_context_cost_per_query": {"search_context_size_low": 2},
            "tiered_pricing": [{"range": [0, 5], "input_cost_per_token": 1}],
            "supports_vision": true, "supports_reasoning": false, "use_openai_responses_path": true});
        assert_eq!(Value::Object(from_compact(compact)), expected);
    }
}
