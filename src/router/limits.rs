//! Which deployments may take a call at all.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use super::clock::Moment;
use super::deployment::Deployment;
use super::groups::Group;
use super::request::Asked;
use super::settings::RouterSettings;
use crate::json::Map;
use crate::tokens;

/// Why a deployment may not take a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is left alone for so long.
    Cooling(Duration),
    /// Its requests or tokens of this minute are used up.
    Minute,
    /// As many calls are under way as may be.
    Full,
    /// The prompt is longer than its model takes.
    Context,
    Region,
    Tags,
}

/// How a request's tags decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagRule {
    /// They do not.
    Off,
    /// The deployment must have them.
    Matching,
    /// None has them: those that are for any other request.
    Default,
}

/// The tag of deployments that take requests which no other does.
const DEFAULT_TAG: &str = "default";

/// The checks of one request in one group.
pub struct Checks<'c> {
    pub settings: &'c RouterSettings,
    pub asked: &'c Asked,
    pub tags: TagRule,
    pub now: Moment,
}

/// A prompt's length, found out when it is first asked for.
#[derive(Debug, Clone, Default)]
pub struct PromptLength {
    bytes: OnceLock<u64>,
    tokens: OnceLock<u64>,
}

impl PromptLength {
    /// Whether the prompt of these keywords fits. A token is a byte at least: short prompts are not counted.
    fn fits(&self, keywords: &Map, limit: u64) -> bool {
        let sum = |each: fn(&str) -> u64| {
            let mut sum = 0;
            for value in ["messages", "input", "prompt"].iter().filter_map(|name| keywords.get(*name)) {
                texts_in(value, &mut |text| sum += each(text));
            }
            sum
        };
        *self.bytes.get_or_init(|| sum(|text| text.len() as u64)) <= limit
            || *self.tokens.get_or_init(|| sum(tokens::count)) <= limit
    }
}

/// All texts of a prompt, but for what is encoded media.
fn texts_in(value: &Value, each: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => each(text),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, each)),
        Value::Object(fields) => {
            for (name, field) in fields {
                if !matches!(name.as_str(), "image_url" | "input_audio" | "file" | "role" | "type") {
                    texts_in(field, each);
                }
            }
        }
        _ => {}
    }
}

impl TagRule {
    /// What holds in a group: the request's tags where any deployment has them, else those for any other request.
    pub fn of(settings: &RouterSettings, asked: &Asked, group: &Group) -> Self {
        if !settings.tag_filtering {
            return Self::Off;
        }
        let has = |rule: Self| group.members().any(|one| rule.admits(settings, asked, one));
        if !asked.tags.is_empty() {
            return if has(Self::Matching) { Self::Matching } else { Self::Default };
        }
        if has(Self::Default) { Self::Default } else { Self::Off }
    }

    fn admits(self, settings: &RouterSettings, asked: &Asked, deployment: &Deployment) -> bool {
        let has = |tag: &String| deployment.tags.contains(tag);
        match self {
            Self::Off => true,
            Self::Matching if settings.tags_match_any => asked.tags.iter().any(has),
            Self::Matching => asked.tags.iter().all(has),
            Self::Default => deployment.tags.iter().any(|tag| tag == DEFAULT_TAG),
        }
    }
}

impl Checks<'_> {
    pub fn refusal(&self, one: &Deployment) -> Option<Refusal> {
        let Self { settings, asked, now, .. } = self;
        if let Some(left) = one.live.cooldown(*now) {
            return Some(Refusal::Cooling(left));
        }
        if !self.tags.admits(settings, asked, one) {
            return Some(Refusal::Tags);
        }
        if let Some(limit) = one.max_parallel.or(settings.max_parallel)
            && one.live.in_flight() >= limit
        {
            return Some(Refusal::Full);
        }
        if settings.limits_hold() {
            let minute = now.minute();
            if one.rpm.is_some_and(|limit| one.live.requests.get(minute) >= limit)
                || one.tpm.is_some_and(|limit| one.live.tokens.get(minute) >= limit)
            {
                return Some(Refusal::Minute);
            }
        }
        if settings.pre_call_checks {
            if one.max_input_tokens().is_some_and(|limit| !asked.prompt.fits(&asked.keywords, limit)) {
                return Some(Refusal::Context);
            }
            if let Some(wanted) = &asked.region
                && one.region.as_deref().is_none_or(|region| !is_in(region, wanted))
            {
                return Some(Refusal::Region);
            }
        }
        None
    }

    /// Counts the call as begun, unless another call was faster.
    pub fn take(&self, one: &Deployment) -> bool {
        let Self { settings, now, .. } = self;
        let minute = now.minute();
        let counts = match one.rpm.filter(|_| settings.limits_hold()) {
            Some(limit) => one.live.requests.take(minute, limit),
            None => {
                one.live.requests.add(minute, 1);
                true
            }
        };
        if !counts {
            return false;
        }
        match one.max_parallel.or(settings.max_parallel) {
            Some(limit) if !one.live.begin_below(limit) => {
                one.live.requests.subtract(minute, 1);
                false
            }
            Some(_) => true,
            None => {
                one.live.begin();
                true
            }
        }
    }
}

/// "eu" is in "eu-west-1", "europe-west4" and any other region of that name's beginning.
fn is_in(region: &str, wanted: &str) -> bool {
    region.to_ascii_lowercase().starts_with(&wanted.to_ascii_lowercase())
}
