//! What a model can do, as far as a request's shape depends on it.

use crate::hub::Target;

/// Read from the model's facts; for a model nobody has listed, from the usual shape of Claude names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Abilities {
    /// Takes `thinking` at all.
    pub reasoning: bool,
    /// Takes `thinking: {type: adaptive}` and effort levels (ANT-14).
    pub adaptive: bool,
    /// Takes a thinking budget.
    pub budget: bool,
    /// Cannot be told not to think.
    pub always_thinks: bool,
    /// Takes temperature, top_p and top_k (ANT-22).
    pub sampling: bool,
    /// Takes system messages within the conversation (ANT-02).
    pub late_system: bool,
    /// Takes a JSON schema for its answer (ANT-29).
    pub native_schema: bool,
    /// Can be forced to call a tool.
    pub forced_tools: bool,
    pub speed: bool,
    pub effort_xhigh: bool,
    pub effort_max: bool,
}

impl Abilities {
    pub fn of(target: &Target) -> Self {
        let facts = &target.facts;
        let guess = if facts.key.is_none() { Guess::of(&target.model) } else { Guess::default() };
        let adaptive = facts.can("adaptive_thinking") || guess.since(4, 6);
        Self {
            reasoning: facts.can("reasoning") || guess.reasoning,
            adaptive,
            budget: !adaptive || facts.can("legacy_thinking") || guess.version == Some((4, 6)),
            always_thinks: facts.extra.get("thinking_always_on").is_some_and(|value| value == true),
            sampling: !facts.lacks("sampling_params"),
            late_system: facts.can("mid_conversation_system") || guess.since(4, 8),
            native_schema: facts.can("native_structured_output"),
            forced_tools: !facts.lacks("forced_tool_use"),
            speed: facts.can("speed"),
            effort_xhigh: facts.can("xhigh_reasoning_effort"),
            effort_max: facts.can("max_reasoning_effort") || guess.since(4, 6),
        }
    }
}

/// What the name of an unlisted model says: `claude-<family>-<major>[-<minor>]`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Guess {
    reasoning: bool,
    version: Option<(u32, u32)>,
}

impl Guess {
    fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        let version = version(&name);
        Self { reasoning: version.is_some() || name.contains("claude-3-7-sonnet"), version }
    }

    fn since(&self, major: u32, minor: u32) -> bool {
        self.version.is_some_and(|version| version >= (major, minor))
    }
}

pub fn version(name: &str) -> Option<(u32, u32)> {
    let (_, rest) = name.split_once("claude-")?;
    let (family, rest) = rest.split_once('-')?;
    if family.is_empty() || !family.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let mut parts = rest.split(['-', '.', '@', ':']);
    // Longer numbers are dates.
    let mut number = || parts.next().filter(|part| part.len() <= 2).and_then(|part| part.parse().ok());
    let major = number()?;
    Some((major, number().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unlisted_models_tell_the_version() {
        assert_eq!(version("claude-sonnet-9-9"), Some((9, 9)));
        assert_eq!(version("claude-opus-4-20250514"), Some((4, 0)));
        assert_eq!(version("claude-sonnet-4.6"), Some((4, 6)));
        assert_eq!(version("us.claude-opus-5"), Some((5, 0)));
        assert_eq!(version("claude-3-5-haiku-20241022"), None);
        assert_eq!(version("my-model"), None);
        assert!(Guess::of("claude-3-7-sonnet-latest").reasoning);
        assert!(!Guess::of("claude-2.1").reasoning);
    }
}
