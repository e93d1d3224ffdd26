//! Calls that belong together go to the same deployment: those of a session, those that share a cached prompt, and
//! those that go on from a response which only its deployment holds.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::clock::Moment;
use super::settings::RouterSettings;
use crate::json::{Map, str_at};

/// The most calls that are remembered; when there are more, those that have expired go, then all.
const KEPT: usize = 50_000;

/// What ties a call to others, as a hash.
pub type Tie = u64;

/// Which deployment served what.
#[derive(Debug, Default)]
pub struct Affinity(Mutex<HashMap<Tie, (Arc<str>, Moment)>>);

impl Affinity {
    pub fn of(&self, ties: &[Tie], now: Moment) -> Option<Arc<str>> {
        if ties.is_empty() {
            return None;
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ties.iter().find_map(|tie| known.get(tie).filter(|(_, until)| *until > now)).map(|(id, _)| id.clone())
    }

    pub fn remember(&self, ties: &[Tie], id: &Arc<str>, ttl: Duration, now: Moment) {
        if ties.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + ties.len() > KEPT {
            known.retain(|_, (_, until)| *until > now);
            if known.len() + ties.len() > KEPT {
                known.clear();
            }
        }
        for tie in ties {
            known.insert(*tie, (id.clone(), now.plus(ttl)));
        }
    }

    pub fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn tie(kind: &str, group: &str, what: &str) -> Tie {
    let mut hasher = DefaultHasher::new();
    (kind, group, what).hash(&mut hasher);
    hasher.finish()
}

/// The tie of a response that its deployment holds.
pub fn of_response(id: &str) -> Tie {
    tie("response", "", id)
}

/// What ties a call to earlier ones, the strongest first.
pub fn ties(settings: &RouterSettings, group: &str, keywords: &Map) -> Vec<Tie> {
    let mut ties = Vec::new();
    if let Some(id) = str_at(keywords, "previous_response_id") {
        ties.push(of_response(id));
    }
    if settings.prompt_cache_affinity {
        ties.extend(cached_prompts(group, keywords));
    }
    if settings.session_affinity
        && let Some(session) = session(keywords)
    {
        ties.push(tie("session", group, session));
    }
    ties
}

fn session(keywords: &Map) -> Option<&str> {
    let metadata = ["metadata", "litellm_metadata"].map(|name| keywords.get(name).and_then(Value::as_object));
    let noted = metadata.into_iter().flatten().find_map(|noted| str_at(noted, "session_id"));
    noted.or_else(|| str_at(keywords, "litellm_session_id")).or_else(|| str_at(keywords, "user"))
}

/// One tie for each message that ends with a mark of Anthropic's prompt cache: all messages up to there. The longest
/// prompt comes first.
fn cached_prompts(group: &str, keywords: &Map) -> Vec<Tie> {
    let Some(Value::Array(messages)) = keywords.get("messages") else { return Vec::new() };
    let mut hasher = DefaultHasher::new();
    ("prompt", group).hash(&mut hasher);
    keywords.get("tools").map(Value::to_string).hash(&mut hasher);
    let mut found = Vec::new();
    for message in messages {
        message.to_string().hash(&mut hasher);
        let parts = message.get("content").and_then(Value::as_array).into_iter().flatten();
        if std::iter::once(message).chain(parts).any(|part| part.get("cache_control").is_some()) {
            found.push(hasher.clone().finish());
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keywords(value: Value) -> Map {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    #[test]
    fn a_longer_conversation_is_tied_to_its_beginning() {
        let settings = RouterSettings { prompt_cache_affinity: true, ..RouterSettings::default() };
        let cached = json!({ "role": "system", "content": [{ "type": "text", "text": "long", "cache_control": { "type": "ephemeral" } }] });
        let user = json!({ "role": "user", "content": "hi" });
        let first = ties(&settings, "a", &keywords(json!({ "messages": [cached, user] })));
        let second = ties(&settings, "a", &keywords(json!({ "messages": [cached, user, user] })));
        assert_eq!((first.len(), &first), (1, &second));
        assert_ne!(first, ties(&settings, "b", &keywords(json!({ "messages": [cached] }))));
        assert!(ties(&settings, "a", &keywords(json!({ "messages": [user] }))).is_empty());
    }

    #[test]
    fn what_is_remembered_expires() {
        let (affinity, id, second) = (Affinity::default(), Arc::from("x"), Duration::from_secs(1));
        affinity.remember(&[1], &id, second, Moment(0));
        assert_eq!(affinity.of(&[2, 1], Moment(5)), Some(id));
        assert_eq!(affinity.of(&[1], Moment(0).plus(second)), None);
    }
}
