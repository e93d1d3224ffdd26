//! What a caller wants of the cache, call by call.

use std::time::Duration;

use serde_json::Value;

use crate::hub::CallType;
use crate::json::Map;

/// When calls are cached that do not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    DefaultOn,
    /// Only calls with `cache={"use-cache": True}`.
    DefaultOff,
}

/// What is done for one call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Policy {
    /// An answer may come from the cache.
    pub reads: bool,
    /// A new answer is kept.
    pub writes: bool,
    /// How long it is kept, where the call says so.
    pub ttl: Option<Duration>,
    /// An older answer is not taken.
    pub max_age: Option<Duration>,
    pub namespace: Option<String>,
}

impl Policy {
    /// Reads the keywords `cache` and `caching`; `None` when the call has nothing to do with the cache. What cannot be
    /// read in `cache` counts as not said.
    pub fn read(cache: Option<&Value>, caching: Option<&Value>, mode: Mode) -> Option<Self> {
        let said = cache.and_then(Value::as_object);
        let switch = |name: &str| said.and_then(|said| said.get(name)).is_some_and(is_true);
        if caching == Some(&Value::Bool(false)) || mode == Mode::DefaultOff && !switch("use-cache") {
            return None;
        }
        let policy = Self {
            reads: !switch("no-cache"),
            writes: !switch("no-store"),
            ttl: said.and_then(|said| seconds(said, &["ttl"])),
            max_age: said.and_then(|said| seconds(said, &["s-maxage", "s-max-age"])),
            namespace: said.and_then(|said| said.get("namespace")?.as_str()).map(str::to_owned),
        };
        (policy.reads || policy.writes).then_some(policy)
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::String(text) => crate::config::parse_switch(text).unwrap_or(false),
        _ => false,
    }
}

fn seconds(said: &Map, names: &[&str]) -> Option<Duration> {
    let value = names.iter().find_map(|name| said.get(*name)).filter(|value| !value.is_null())?;
    let seconds = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    let found = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    if found.is_none() {
        tracing::warn!(name = names[0], "cache: no number of seconds, taken as not said");
    }
    found
}

/// The name that a call type has in `supported_call_types`; `None` for those that are never cached. The names with an
/// `a` in front mean the same.
pub fn public_name(call_type: CallType) -> Option<&'static str> {
    match call_type {
        CallType::Chat => Some("completion"),
        CallType::Embedding => Some("embedding"),
        CallType::Messages => Some("anthropic_messages"),
        CallType::Rerank => Some("rerank"),
        CallType::Responses => Some("responses"),
        CallType::TextCompletion => Some("text_completion"),
        CallType::Transcription => Some("transcription"),
        _ => None,
    }
}

/// The call type of a name in `supported_call_types`.
pub fn call_type_named(name: &str) -> Option<CallType> {
    CallType::ALL.into_iter().find(|call_type| {
        public_name(*call_type)
            .is_some_and(|known| known == name || name.strip_prefix('a').is_some_and(|name| name == known))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(cache: &Value, mode: Mode) -> Option<Policy> {
        Policy::read(Some(cache), None, mode)
    }

    #[test]
    fn the_words_of_a_call() {
        let on = |cache: Value| policy(&cache, Mode::DefaultOn).unwrap();
        assert_eq!(on(json!({})), Policy { reads: true, writes: true, ..Policy::default() });
        assert!(!on(json!({ "no-cache": true })).reads && on(json!({ "no-cache": true })).writes);
        assert!(!on(json!({ "no-store": true })).writes && on(json!({ "no-store": true })).reads);
        assert_eq!(policy(&json!({ "no-store": true, "no-cache": true }), Mode::DefaultOn), None);
        let timed = on(json!({ "ttl": 1.5, "s-maxage": "20", "namespace": "mine" }));
        assert_eq!(timed.ttl, Some(Duration::from_millis(1500)));
        assert_eq!(timed.max_age, Some(Duration::from_secs(20)));
        assert_eq!(timed.namespace.as_deref(), Some("mine"));
        assert_eq!(on(json!({ "s-max-age": 3 })).max_age, Some(Duration::from_secs(3)));
    }

    #[test]
    fn what_cannot_be_read_counts_as_not_said() {
        for cache in [json!(true), json!("x"), json!({ "ttl": "x" }), json!({ "ttl": -1, "namespace": 3 })] {
            let read = policy(&cache, Mode::DefaultOn).unwrap();
            assert_eq!(read, Policy { reads: true, writes: true, ..Policy::default() }, "{cache}");
        }
    }

    #[test]
    fn caching_is_on_or_off_by_default() {
        let caching = |on: bool, mode| Policy::read(None, Some(&json!(on)), mode).is_some();
        assert!(caching(true, Mode::DefaultOn) && !caching(false, Mode::DefaultOn));
        assert!(!caching(true, Mode::DefaultOff), "only use-cache turns it on");
        assert!(Policy::read(None, None, Mode::DefaultOff).is_none());
        assert!(policy(&json!({ "use-cache": true }), Mode::DefaultOff).is_some());
    }

    #[test]
    fn call_types_have_two_names() {
        assert_eq!(call_type_named("acompletion"), Some(CallType::Chat));
        assert_eq!(call_type_named("completion"), Some(CallType::Chat));
        assert_eq!(call_type_named("anthropic_messages"), Some(CallType::Messages));
        assert_eq!(call_type_named("aanthropic_messages"), Some(CallType::Messages));
        assert_eq!(call_type_named("image_generation"), None);
    }
}
