//! Where an answer comes from: citations of the web, and what its searches cost (GEM-28).

use serde_json::{Value, json};

use crate::json::{Map, count_of};

/// What an answer used, for its usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grounded {
    pub web_searches: u64,
    pub maps: bool,
}

impl Grounded {
    pub fn any(self) -> bool {
        self.web_searches > 0 || self.maps
    }

    /// The larger of both: a stream tells it more than once.
    pub fn merge(&mut self, more: Self) {
        self.web_searches = self.web_searches.max(more.web_searches);
        self.maps |= more.maps;
    }
}

/// The grounding of one candidate; sometimes it comes as a list.
pub fn entries(metadata: Value) -> Vec<Value> {
    match metadata {
        Value::Array(items) => items,
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

pub fn used(entries: &[Value]) -> Grounded {
    let mut grounded = Grounded::default();
    for entry in entries {
        let queries = entry.get("webSearchQueries").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let new = queries
            .iter()
            .enumerate()
            .filter(|(at, query)| !queries.iter().take(*at).any(|one| one == *query));
        grounded.web_searches += u64::try_from(new.count()).unwrap_or(u64::MAX);
        grounded.maps |= chunks(entry).iter().any(|chunk| chunk.get("maps").is_some());
    }
    grounded
}

/// OpenAI's annotations: the pages of the web behind each piece of the text.
pub fn annotations(entries: &[Value]) -> Vec<Value> {
    let mut out = Vec::new();
    for entry in entries {
        let supports = entry.get("groundingSupports").and_then(Value::as_array);
        for support in supports.into_iter().flatten() {
            let Some(segment) = support.get("segment").and_then(Value::as_object) else { continue };
            let Some(end) = segment.get("endIndex").map(count_of) else { continue };
            // A zero is not sent.
            let start = segment.get("startIndex").map_or(0, count_of);
            let indices = support.get("groundingChunkIndices").and_then(Value::as_array);
            for index in indices.into_iter().flatten().filter_map(Value::as_u64) {
                let chunk = usize::try_from(index).ok().and_then(|index| chunks(entry).get(index));
                let Some(web) = chunk.and_then(|chunk| chunk.get("web")).and_then(Value::as_object) else {
                    continue;
                };
                if let Some(citation) = citation(web, start, end) {
                    out.push(citation);
                }
            }
        }
    }
    out
}

fn citation(web: &Map, start: u64, end: u64) -> Option<Value> {
    let url = web.get("uri")?;
    let title = web.get("title").cloned().unwrap_or_else(|| "".into());
    Some(json!({"type": "url_citation", "url_citation":
        {"start_index": start, "end_index": end, "url": url, "title": title}}))
}

fn chunks(entry: &Value) -> &[Value] {
    entry.get("groundingChunks").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gem_28_pages_of_the_web_become_citations() {
        let metadata = json!({"webSearchQueries": ["a", "b", "a"],
            "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"maps": {"uri": "m"}}],
            "groundingSupports": [
                {"segment": {"endIndex": 3}, "groundingChunkIndices": [0, 1, 9]},
                {"segment": {"startIndex": 4, "endIndex": 8}, "groundingChunkIndices": [0]},
                {"groundingChunkIndices": [0]}, {"segment": {"startIndex": 1, "endIndex": 2}}]});
        let entries = entries(metadata);
        let page = |start, end| {
            json!({"type": "url_citation", "url_citation":
                {"start_index": start, "end_index": end, "url": "https://a", "title": "A"}})
        };
        assert_eq!(annotations(&entries), [page(0, 3), page(4, 8)]);
        assert_eq!(used(&entries), Grounded { web_searches: 2, maps: true });
    }
}
