//! What was used, read from a usage object in OpenAI's shape with its public extensions.

use serde_json::Value;

use crate::hub::Usage;
use crate::json::Map;

/// Counts of one call. A count that was not given is zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counts {
    pub prompt: f64,
    pub completion: f64,
    pub total: f64,
    pub input: Input,
    pub output: Output,
    /// Searches, as the details of the prompt count them, and as the count of the provider's own tools does.
    pub web_searches: f64,
    pub server_web_searches: f64,
    pub map_queries: f64,
    /// Tokens of cited documents (Perplexity).
    pub citations: f64,
    /// Reasoning tokens beside the details (Perplexity).
    pub reasoning: f64,
    /// What the provider says that the call cost.
    pub cost: Option<f64>,
    /// The provider's faster mode, and where the model ran (Anthropic).
    pub speed: Option<String>,
    pub geography: Option<String>,
    pub service_tier: Option<String>,
}

/// What the prompt was made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Input {
    pub text: f64,
    pub audio: f64,
    pub image: f64,
    pub video: f64,
    /// Read from the cache, and the kinds of it where they are told.
    pub cached: f64,
    pub cached_kinds: Option<[f64; 3]>,
    /// Written to the cache; of it, what is kept for one hour and for twelve.
    pub written: f64,
    pub written_1h: f64,
    pub written_12h: f64,
    /// Whether the caller marked what was cached.
    pub explicit_cache: bool,
    pub images: f64,
    pub characters: f64,
    pub queries: f64,
    pub video_seconds: f64,
    pub audio_seconds: f64,
}

/// What the answer was made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    pub text: f64,
    pub audio: f64,
    pub image: f64,
    pub video: f64,
    pub reasoning: f64,
}

impl Counts {
    /// Counts of tokens alone.
    pub fn of_tokens(prompt: f64, completion: f64, cached: f64, written: f64) -> Self {
        Self {
            prompt,
            completion,
            total: prompt + completion,
            input: Input { cached, written, ..Input::default() },
            ..Self::default()
        }
    }

    /// From the usage of an answer.
    pub fn of_usage(usage: &Usage) -> Self {
        let mut counts = Self::of_parts(
            usage.prompt_tokens_details.as_ref(),
            usage.completion_tokens_details.as_ref(),
            &usage.extra,
        );
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below")]
        let numbers = [usage.prompt_tokens as f64, usage.completion_tokens as f64, usage.total_tokens as f64];
        [counts.prompt, counts.completion, counts.total] = numbers;
        counts
    }

    /// From a usage object as JSON: of chat, of Responses (`input_tokens`), of images.
    pub fn of_json(usage: &Map) -> Self {
        let object = |names: [&str; 2]| names.iter().find_map(|name| usage.get(*name)?.as_object());
        let input = object(["prompt_tokens_details", "input_tokens_details"]);
        let output = object(["completion_tokens_details", "output_tokens_details"]);
        let mut counts = Self::of_parts(input, output, usage);
        let either = |names: [&str; 2]| names.iter().map(|name| number(usage, name)).find(|n| *n != 0.0);
        counts.prompt = either(["prompt_tokens", "input_tokens"]).unwrap_or_default();
        counts.completion = either(["completion_tokens", "output_tokens"]).unwrap_or_default();
        counts.total = number(usage, "total_tokens");
        counts
    }

    fn of_parts(input: Option<&Map>, output: Option<&Map>, usage: &Map) -> Self {
        let empty = Map::new();
        let (input, output) = (input.unwrap_or(&empty), output.unwrap_or(&empty));
        let kept = |name: &str| {
            let details = input.get("cache_creation_token_details").and_then(Value::as_object);
            details.map_or(0.0, |details| number(details, name))
        };
        let first = |names: [(&Map, &str); 3]| {
            names.into_iter().map(|(map, name)| number(map, name)).find(|n| *n != 0.0).unwrap_or_default()
        };
        let kinds = input.get("cached_tokens_details").and_then(Value::as_object);
        let tools = usage.get("server_tool_use").and_then(Value::as_object);
        let text = |name: &str| usage.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            input: Input {
                text: number(input, "text_tokens"),
                audio: number(input, "audio_tokens"),
                image: number(input, "image_tokens"),
                video: number(input, "video_tokens"),
                cached: first([
                    (input, "cached_tokens"),
                    (usage, "cache_read_input_tokens"),
                    (usage, "prompt_cache_hit_tokens"),
                ]),
                cached_kinds: kinds
                    .map(|kinds| ["text_tokens", "audio_tokens", "image_tokens"].map(|n| number(kinds, n))),
                written: first([
                    (input, "cache_write_tokens"),
                    (input, "cache_creation_tokens"),
                    (usage, "cache_creation_input_tokens"),
                ]),
                written_1h: kept("ephemeral_1h_input_tokens"),
                written_12h: kept("ephemeral_12h_input_tokens"),
                explicit_cache: input.get("cache_type").is_some_and(|kind| kind == "ephemeral"),
                images: number(input, "image_count"),
                characters: number(input, "character_count"),
                queries: number(input, "query_count"),
                video_seconds: number(input, "video_length_seconds"),
                audio_seconds: number(input, "audio_length_seconds"),
            },
            output: Output {
                text: number(output, "text_tokens"),
                audio: number(output, "audio_tokens"),
                image: number(output, "image_tokens"),
                video: number(output, "video_tokens"),
                reasoning: number(output, "reasoning_tokens"),
            },
            web_searches: number(input, "web_search_requests"),
            server_web_searches: tools.map_or(0.0, |tools| number(tools, "web_search_requests")),
            map_queries: number(input, "google_maps_grounding_requests"),
            citations: number(usage, "citation_tokens"),
            reasoning: number(usage, "reasoning_tokens"),
            cost: match usage.get("cost") {
                Some(Value::Object(cost)) => cost.get("total_cost").and_then(Value::as_f64),
                cost => cost.and_then(Value::as_f64),
            },
            speed: text("speed"),
            geography: text("inference_geo"),
            service_tier: text("service_tier"),
            ..Self::default()
        }
    }
}

fn number(map: &Map, name: &str) -> f64 {
    map.get(name).and_then(Value::as_f64).unwrap_or_default().max(0.0)
}
