//! What is known of models: limits, abilities, prices. An embedded table, looked up and parsed per model.
//!
//! The table is `models.jsonl`: one `"key": {…}` line a model, sorted by key, so that a look-up is a binary search
//! over the text. Nothing is parsed until a model is asked for.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use serde_json::Value;

use crate::hub::ModelFacts;
use crate::json::Map;

static TABLE: &str = include_str!("models.jsonl");
static KNOWN: LazyLock<RwLock<HashMap<String, Arc<ModelFacts>>>> = LazyLock::new(RwLock::default);

/// The most models whose facts are kept parsed.
const KEPT: usize = 1024;

/// The raw entry of a model, by its exact key.
pub fn entry(key: &str) -> Option<Map> {
    let line = find_line(TABLE, key)?;
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

/// Whether the exact key is listed. Cheaper than [`entry`].
pub fn is_listed(key: &str) -> bool {
    find_line(TABLE, key).is_some()
}

/// The provider a bare model name belongs to, by the table.
pub fn provider_of(key: &str) -> Option<String> {
    entry(key)?.get("provider")?.as_str().map(str::to_owned)
}

/// Names of the models that belong to a provider, apart from those that stand for one size of a picture.
pub fn names(provider: &str) -> impl Iterator<Item = &'static str> {
    let mark = format!("\"provider\":\"{provider}\"");
    TABLE.lines().filter_map(move |line| {
        let (name, entry) = line.split_once('\t')?;
        (entry.contains(&mark) && !name.contains("-x-")).then_some(name)
    })
}

/// Facts of a model at a provider: listed as `provider/model` or under its bare name. Unlisted models have none.
pub fn facts(provider: &str, model: &str) -> Arc<ModelFacts> {
    let name = format!("{provider}/{model}");
    kept(&name, || {
        entry(&name).map(|entry| parse(&name, &entry)).or_else(|| {
            entry(model).filter(|entry| belongs_to(entry, provider)).map(|entry| parse(model, &entry))
        })
    })
}

/// Facts of a model that is listed under one of several names, the most exact first, by one of several owners.
pub fn facts_of(owners: &[&str], names: &[String]) -> Arc<ModelFacts> {
    let owned = |entry: &Map| owners.iter().any(|owner| belongs_to(entry, owner));
    kept(&format!("{}\t{}", owners.join(","), names.join(",")), || {
        names.iter().find_map(|name| entry(name).filter(owned).map(|entry| parse(name, &entry)))
    })
}

/// What was found under a name before, or what `find` finds now.
fn kept(name: &str, find: impl FnOnce() -> Option<ModelFacts>) -> Arc<ModelFacts> {
    if let Ok(known) = KNOWN.read()
        && let Some(facts) = known.get(name)
    {
        return facts.clone();
    }
    let facts = Arc::new(find().unwrap_or_default());
    if let Ok(mut known) = KNOWN.write() {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(name.to_owned(), facts.clone());
    }
    facts
}

fn belongs_to(entry: &Map, provider: &str) -> bool {
    entry.get("provider").and_then(Value::as_str).is_some_and(|owner| owner == provider)
}

fn parse(key: &str, entry: &Map) -> ModelFacts {
    let strings = |name: &str| -> Vec<String> {
        let items = entry.get(name).and_then(Value::as_array);
        items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    ModelFacts {
        key: Some(key.to_owned()),
        base_model: None,
        max_input_tokens: entry.get("ctx").and_then(Value::as_u64),
        max_output_tokens: entry.get("max_out").and_then(Value::as_u64),
        mode: text("mode"),
        abilities: strings("caps"),
        lacks: strings("no"),
        regions: strings("regions"),
        efforts: strings("efforts"),
        default_effort: text("effort_default"),
        extra: entry.get("extra").and_then(Value::as_object).cloned().unwrap_or_default(),
    }
}

/// The JSON object of a key's line, by binary search over the text.
fn find_line<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    let bytes = table.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = memchr::memrchr(b'\n', &bytes[low..middle]).map_or(low, |at| low + at + 1);
        let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        let (name, object) = table[start..end].split_once('\t')?;
        match name.cmp(key) {
            std::cmp::Ordering::Equal => return Some(object),
            std::cmp::Ordering::Less => low = (end + 1).min(high),
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_and_parses() {
        let mut last = "";
        let mut count = 0;
        for line in TABLE.lines() {
            let (key, object) = line.split_once('\t').unwrap();
            assert!(last < key, "{key} is out of order");
            assert_eq!(find_line(TABLE, key), Some(object));
            assert!(serde_json::from_str::<Map>(object).is_ok(), "{key}");
            last = key;
            count += 1;
        }
        assert!(count > 4000);
        assert_eq!(find_line(TABLE, "no-such-model"), None);
        assert_eq!(find_line(TABLE, ""), None);
        assert_eq!(find_line(TABLE, "~~~~"), None);
    }

    #[test]
    fn names_are_those_of_one_provider() {
        let names: Vec<_> = names("anthropic").collect();
        assert!(names.contains(&"claude-sonnet-4-5"));
        assert!(names.iter().all(|name| provider_of(name).as_deref() == Some("anthropic")));
    }

    #[test]
    fn facts_of_listed_and_unlisted_models() {
        let claude = facts("anthropic", "claude-sonnet-4-5");
        assert_eq!(claude.max_output_tokens, Some(64000));
        assert!(claude.can("reasoning"));
        assert!(!facts("openai", "claude-sonnet-4-5").can("reasoning"), "another provider's model");
        assert_eq!(*facts("openai", "unheard-of"), ModelFacts::default());
    }
}
