//! Cache points: blocks of their own behind what is to be kept (BED-13).

use serde_json::{Value, json};

use super::model::{Family, Name};
use crate::hub::Target;
use crate::wires::anthropic::claude_version;

/// Whether a model keeps prompts, and for how long it can be told to.
#[derive(Debug, Clone, Copy)]
pub struct Caching {
    kept: bool,
    with_ttl: bool,
}

impl Caching {
    pub fn of(target: &Target) -> Self {
        // Nothing is known of a deployment under a name of its own: the caller does know.
        let kept = target.facts.can("prompt_caching") || target.facts.key.is_none();
        let name = Name::parse(&target.model);
        let with_ttl = name.family() == Family::Anthropic
            && claude_version(name.bare()).is_some_and(|version| version >= (4, 5));
        Self { kept, with_ttl }
    }

    /// The block behind a marked one.
    pub fn point(self, mark: Option<&Value>) -> Option<Value> {
        let mark = mark.filter(|_| self.kept)?;
        let mut point = json!({"type": "default"});
        if let (true, Some(ttl @ ("5m" | "1h")), Value::Object(point)) =
            (self.with_ttl, mark.get("ttl").and_then(Value::as_str), &mut point)
        {
            point.insert("ttl".to_owned(), ttl.into());
        }
        Some(json!({"cachePoint": point}))
    }
}
