//! What is known of models: limits, abilities, prices. A table, looked up and parsed per model.
//!
//! The table is `models.jsonl`: one `"key": {…}` line a model, sorted by key, so that a look-up is a binary search
//! over the text. Nothing is parsed until a model is asked for. A newer table may lie in a file (see [`config`]);
//! models that the program registers come before both.
//!
//! [`config`]: crate::config::models_file

mod public;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use serde_json::Value;

use crate::config::{self, ProcessEnvironment};
use crate::hub::ModelFacts;
use crate::json::Map;

static EMBEDDED: &str = include_str!("models.jsonl");
static TABLE: LazyLock<Table> = LazyLock::new(Table::load);
static REGISTERED: LazyLock<RwLock<HashMap<String, Arc<Map>>>> = LazyLock::new(RwLock::default);
static KNOWN: LazyLock<RwLock<HashMap<String, Arc<ModelFacts>>>> = LazyLock::new(RwLock::default);
static PUBLIC: LazyLock<RwLock<HashMap<String, Arc<Map>>>> = LazyLock::new(RwLock::default);

/// The keys of the table by the same in small letters.
static LOWER: LazyLock<HashMap<String, &str>> = LazyLock::new(|| {
    let keys = table().lines().filter_map(|line| Some(line.split_once('\t')?.0));
    // Of two that differ in capitals only, the first one counts.
    keys.rev().map(|key| (key.to_ascii_lowercase(), key)).collect()
});

/// The most models whose facts are kept parsed.
const KEPT: usize = 1024;

/// The table in use: the embedded one, or the one in the user's file.
enum Table {
    Embedded,
    Own(String),
}

impl Table {
    fn load() -> Self {
        let Some(path) = config::models_file(&ProcessEnvironment) else { return Self::Embedded };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), error = %error, "the file of models cannot be read");
                }
                return Self::Embedded;
            }
        };
        if !text.lines().is_sorted_by_key(|line| line.split('\t').next()) || !text.contains('\t') {
            tracing::warn!(path = %path.display(), "the file of models is no table, the built-in one is used");
            return Self::Embedded;
        }
        Self::Own(text)
    }

    fn text(&self) -> &str {
        match self {
            Self::Embedded => EMBEDDED,
            Self::Own(text) => text,
        }
    }
}

fn table() -> &'static str {
    TABLE.text()
}

/// The raw entry of a model, by its exact key: compact, or under public names where it came with them.
fn entry(key: &str) -> Option<Map> {
    if let Some(own) = registered(key) {
        return Some(own.as_ref().clone());
    }
    let line = find_line(table(), key)?;
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}

fn registered(key: &str) -> Option<Arc<Map>> {
    REGISTERED.read().ok()?.get(key).cloned()
}

/// A model's entry under the public names of its facts, by its exact key.
pub fn public_entry(key: &str) -> Option<Arc<Map>> {
    if let Some(own) = registered(key) {
        return Some(own);
    }
    if let Ok(kept) = PUBLIC.read()
        && let Some(entry) = kept.get(key)
    {
        return Some(entry.clone());
    }
    let made = Arc::new(public::from_compact(entry(key)?));
    if let Ok(mut kept) = PUBLIC.write() {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key.to_owned(), made.clone());
    }
    Some(made)
}

/// Every model of the table with its entry under public names; nothing of it is kept.
pub fn public_entries() -> impl Iterator<Item = (&'static str, Map)> {
    table().lines().filter_map(|line| {
        let (key, object) = line.split_once('\t')?;
        Some((key, public::from_compact(serde_json::from_str(object).ok()?)))
    })
}

/// The key that is the same but for capitals; registered ones come first.
pub fn same_letters(key: &str) -> Option<String> {
    let own = REGISTERED.read().ok()?;
    if let Some(known) = own.keys().find(|known| known.eq_ignore_ascii_case(key)) {
        return Some(known.clone());
    }
    LOWER.get(&key.to_ascii_lowercase()).map(|known| (*known).to_owned())
}

/// Makes a model known, or what is known of it something else. The entry has public names.
pub fn register(key: &str, entry: Map) {
    if let Ok(mut own) = REGISTERED.write() {
        own.insert(key.to_owned(), Arc::new(entry));
    }
    if let Ok(mut known) = KNOWN.write() {
        known.clear();
    }
}

/// Whether the exact key is listed. Cheaper than [`entry`].
pub fn is_listed(key: &str) -> bool {
    registered(key).is_some() || find_line(table(), key).is_some()
}

/// The provider a bare model name belongs to, by the table.
pub fn provider_of(key: &str) -> Option<String> {
    provider_in(&entry(key)?).map(str::to_owned)
}

fn provider_in(entry: &Map) -> Option<&str> {
    if let Some(provider) = entry.get("provider") {
        return provider.as_str();
    }
    // The public name may have a group's after it.
    let name = entry.get("litellm_provider")?.as_str()?;
    Some(name.split_once('-').filter(|(_, group)| group.ends_with("models")).map_or(name, |(name, _)| name))
}

/// Names of the models that belong to a provider, apart from those that stand for one size of a picture.
pub fn names(provider: &str) -> impl Iterator<Item = &'static str> {
    let marks = [format!("\"provider\":\"{provider}\""), format!("\"litellm_provider\":\"{provider}\"")];
    table().lines().filter_map(move |line| {
        let (name, entry) = line.split_once('\t')?;
        (marks.iter().any(|mark| entry.contains(mark)) && !name.contains("-x-")).then_some(name)
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
    provider_in(entry).is_some_and(|owner| owner == provider)
}

fn parse(key: &str, entry: &Map) -> ModelFacts {
    if entry.contains_key("litellm_provider") || !entry.contains_key("provider") {
        return parse_public(key, entry);
    }
    let strings = |name: &str| strings_at(entry, name);
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

/// The same from an entry under public names.
fn parse_public(key: &str, entry: &Map) -> ModelFacts {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let count = |name: &str| entry.get(name).and_then(Value::as_u64);
    let said = |value: bool| {
        let abilities = entry.iter().filter(|(_, said)| **said == Value::Bool(value));
        abilities.filter_map(|(name, _)| Some(name.strip_prefix("supports_")?.to_owned())).collect()
    };
    ModelFacts {
        key: Some(key.to_owned()),
        base_model: None,
        max_input_tokens: count("max_input_tokens"),
        max_output_tokens: count("max_output_tokens").or_else(|| count("max_tokens")),
        mode: text("mode"),
        abilities: said(true),
        lacks: said(false),
        regions: strings_at(entry, "supported_regions"),
        efforts: strings_at(entry, "reasoning_effort_levels"),
        default_effort: text("default_reasoning_effort"),
        extra: entry.clone(),
    }
}

fn strings_at(entry: &Map, name: &str) -> Vec<String> {
    let items = entry.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
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
    fn registered_models_are_known_by_their_entries() {
        let entry = serde_json::json!({"litellm_provider": "openai", "max_output_tokens": 7, "mode": "chat",
            "supports_vision": true, "supports_reasoning": false, "input_cost_per_token": 1e-6});
        let Value::Object(entry) = entry else { unreachable!() };
        assert!(!is_listed("registered-for-a-test"));
        register("registered-for-a-test", entry);
        assert_eq!(provider_of("registered-for-a-test").as_deref(), Some("openai"));
        let facts = facts("openai", "registered-for-a-test");
        assert!(facts.can("vision") && facts.lacks("reasoning"));
        assert_eq!(facts.max_output_tokens, Some(7));
        assert_eq!(same_letters("Registered-FOR-a-test").as_deref(), Some("registered-for-a-test"));
        assert_eq!(same_letters("GPT-4o").as_deref(), Some("gpt-4o"));
    }

    #[test]
    fn every_line_is_found_and_parses() {
        let mut last = "";
        let mut count = 0;
        for line in EMBEDDED.lines() {
            let (key, object) = line.split_once('\t').unwrap();
            assert!(last < key, "{key} is out of order");
            assert_eq!(find_line(EMBEDDED, key), Some(object));
            assert!(serde_json::from_str::<Map>(object).is_ok(), "{key}");
            last = key;
            count += 1;
        }
        assert!(count > 4000);
        assert_eq!(find_line(EMBEDDED, "no-such-model"), None);
        assert_eq!(find_line(EMBEDDED, ""), None);
        assert_eq!(find_line(EMBEDDED, "~~~~"), None);
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
