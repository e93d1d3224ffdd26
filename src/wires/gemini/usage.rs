//! Token counts of an answer (USG-05, USG-06, USG-07).

use serde_json::Value;

use super::grounding::Grounded;
use crate::hub::Usage;
use crate::json::{Map, count_at, count_of};

/// Counts by kind of content.
#[derive(Debug, Clone, Copy, Default)]
struct ByModality {
    text: Option<u64>,
    image: Option<u64>,
    audio: Option<u64>,
    video: Option<u64>,
}

impl ByModality {
    /// A kind may come more than once; documents count as text (USG-07).
    fn read(map: &Map, key: &str) -> Option<Self> {
        let mut found = Self::default();
        for entry in map.get(key)?.as_array()? {
            let count = entry.get("tokenCount").map_or(0, count_of);
            let slot = match entry.get("modality").and_then(Value::as_str).unwrap_or_default() {
                "TEXT" | "DOCUMENT" => &mut found.text,
                "IMAGE" => &mut found.image,
                "AUDIO" => &mut found.audio,
                "VIDEO" => &mut found.video,
                _ => continue,
            };
            *slot = Some(slot.unwrap_or(0) + count);
        }
        Some(found)
    }

    fn add(&mut self, more: Self) {
        for (slot, more) in [
            (&mut self.text, more.text),
            (&mut self.image, more.image),
            (&mut self.audio, more.audio),
            (&mut self.video, more.video),
        ] {
            if let Some(more) = more {
                *slot = Some(slot.unwrap_or(0) + more);
            }
        }
    }

    fn write(self, details: &mut Map) {
        for (key, count) in [
            ("text_tokens", self.text),
            ("image_tokens", self.image),
            ("audio_tokens", self.audio),
            ("video_tokens", self.video),
        ] {
            if let Some(count) = count {
                details.insert(key.to_owned(), count.into());
            }
        }
    }
}

pub fn read(metadata: &Map, grounded: Grounded) -> Usage {
    let prompt = count_at(metadata, "promptTokenCount");
    let candidates = ["candidatesTokenCount", "responseTokenCount"]
        .into_iter()
        .find_map(|key| metadata.get(key).filter(|value| !value.is_null()))
        .map(count_of);
    let thoughts = metadata.get("thoughtsTokenCount").filter(|value| !value.is_null()).map(count_of);
    let tool_use = count_at(metadata, "toolUsePromptTokenCount");
    let total = metadata.get("totalTokenCount").filter(|value| !value.is_null()).map(count_of);

    // Some versions count thoughts among the candidates: the total tells (USG-05).
    let visible = candidates.unwrap_or(0);
    let thoughts_inside = total == Some(prompt + visible + tool_use);
    let completion = if thoughts_inside { visible } else { visible + thoughts.unwrap_or(0) };
    // What a search tool read is not billed as input (USG-06).
    let counts_tool_use = tool_use > 0 && !grounded.any();
    let prompt_tokens = if counts_tool_use { prompt + tool_use } else { prompt };

    let mut usage = Usage {
        prompt_tokens,
        completion_tokens: completion,
        total_tokens: total.unwrap_or(prompt_tokens + completion),
        ..Usage::default()
    };
    let details = prompt_details(metadata, grounded, tool_use, counts_tool_use);
    usage.prompt_tokens_details = (!details.is_empty()).then_some(details);
    if candidates.is_some() || thoughts.is_some() {
        usage.completion_tokens_details = Some(completion_details(metadata, visible, thoughts));
    }
    let cached = count_at(metadata, "cachedContentTokenCount");
    if cached > 0 {
        usage.extra.insert("cache_read_input_tokens".into(), cached.into());
    }
    usage
}

fn prompt_details(metadata: &Map, grounded: Grounded, tool_use: u64, counts_tool_use: bool) -> Map {
    let mut by_modality = ByModality::read(metadata, "promptTokensDetails").unwrap_or_default();
    if counts_tool_use && let Some(more) = ByModality::read(metadata, "toolUsePromptTokensDetails") {
        by_modality.add(more);
    }
    let mut details = Map::new();
    let cached = count_at(metadata, "cachedContentTokenCount");
    if cached > 0 {
        details.insert("cached_tokens".into(), cached.into());
        match ByModality::read(metadata, "cacheTokensDetails") {
            Some(by_kind) => {
                let mut kinds = Map::new();
                by_kind.write(&mut kinds);
                details.insert("cached_tokens_details".into(), Value::Object(kinds));
            }
            // Without a word on their kind they are text, and no longer among the uncached rest.
            None => by_modality.text = by_modality.text.map(|text| text.saturating_sub(cached)),
        }
    }
    by_modality.write(&mut details);
    if tool_use > 0 {
        details.insert("tool_use_tokens".into(), tool_use.into());
    }
    if grounded.web_searches > 0 {
        details.insert("web_search_requests".into(), grounded.web_searches.into());
    }
    if grounded.maps {
        details.insert("google_maps_grounding_requests".into(), 1.into());
    }
    details
}

fn completion_details(metadata: &Map, visible: u64, thoughts: Option<u64>) -> Map {
    let mut details = Map::new();
    if let Some(thoughts) = thoughts {
        details.insert("reasoning_tokens".into(), thoughts.into());
    }
    let mut by_modality = ByModality::read(metadata, "candidatesTokensDetails")
        .unwrap_or(ByModality { text: Some(visible), ..ByModality::default() });
    by_modality.text.get_or_insert(0);
    by_modality.write(&mut details);
    details
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tests pass `json!` values")]
mod tests {
    use serde_json::json;

    use super::*;

    fn usage(metadata: Value) -> Usage {
        read(metadata.as_object().unwrap(), Grounded::default())
    }

    #[test]
    fn usg_05_thoughts_are_inside_or_beside_the_candidates() {
        let inside = usage(
            json!({"promptTokenCount": 10, "candidatesTokenCount": 8, "totalTokenCount": 18, "thoughtsTokenCount": 3}),
        );
        assert_eq!(inside.completion_tokens, 8);
        let beside = usage(
            json!({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 18, "thoughtsTokenCount": 3}),
        );
        assert_eq!(beside.completion_tokens, 8);
        assert_eq!(
            beside.completion_tokens_details.map(Value::Object),
            Some(json!({"reasoning_tokens": 3, "text_tokens": 5}))
        );
    }

    #[test]
    fn usg_05_cached_tokens_leave_the_text_share_not_the_total() {
        let text = json!([{"modality": "TEXT", "tokenCount": 10}]);
        let cached =
            usage(json!({"promptTokenCount": 10, "cachedContentTokenCount": 6, "promptTokensDetails": text}));
        assert_eq!(cached.prompt_tokens, 10);
        assert_eq!(
            cached.prompt_tokens_details.map(Value::Object),
            Some(json!({"cached_tokens": 6, "text_tokens": 4}))
        );
        assert_eq!(cached.extra["cache_read_input_tokens"], 6);
        let more = usage(
            json!({"promptTokenCount": 10, "cachedContentTokenCount": 60, "promptTokensDetails": text}),
        );
        assert_eq!(more.prompt_tokens_details.unwrap()["text_tokens"], 0);
    }

    #[test]
    fn usg_06_what_tools_read_counts_unless_they_searched() {
        let metadata = json!({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 22,
            "toolUsePromptTokenCount": 7, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
            "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}]});
        let plain = usage(metadata.clone());
        assert_eq!(plain.prompt_tokens, 17);
        assert_eq!(
            plain.prompt_tokens_details.map(Value::Object),
            Some(json!({"text_tokens": 17, "tool_use_tokens": 7}))
        );
        let searched =
            read(metadata.as_object().unwrap(), Grounded { web_searches: 2, ..Grounded::default() });
        assert_eq!(searched.prompt_tokens, 10);
        assert_eq!(
            searched.prompt_tokens_details.map(Value::Object),
            Some(json!({"text_tokens": 10, "tool_use_tokens": 7, "web_search_requests": 2}))
        );
    }

    #[test]
    fn usg_07_kinds_are_summed_and_documents_are_text() {
        let of = |kind: &str, count: u64| json!({"modality": kind, "tokenCount": count});
        let usage = usage(json!({"promptTokenCount": 13, "candidatesTokenCount": 5, "totalTokenCount": 18,
            "promptTokensDetails": [of("TEXT", 4), of("TEXT", 2), of("DOCUMENT", 2), of("IMAGE", 2), of("AUDIO", 2),
                of("VIDEO", 1), of("ZQ", 9)],
            "candidatesTokensDetails": [of("IMAGE", 5)]}));
        assert_eq!(
            usage.prompt_tokens_details.map(Value::Object),
            Some(json!({"text_tokens": 8, "image_tokens": 2, "audio_tokens": 2, "video_tokens": 1}))
        );
        assert_eq!(
            usage.completion_tokens_details.map(Value::Object),
            Some(json!({"text_tokens": 0, "image_tokens": 5}))
        );
    }

    #[test]
    fn usg_10_null_counts_are_zero() {
        let usage =
            usage(json!({"promptTokenCount": null, "candidatesTokenCount": 5, "totalTokenCount": null,
            "promptTokensDetails": null, "thoughtsTokenCount": null}));
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (0, 5, 5));
    }
}
