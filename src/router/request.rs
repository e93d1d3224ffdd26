//! What a call asks of a router, read from its keywords.

use serde_json::Value;

use super::deployment::texts;
use super::fallback::Fallbacks;
use super::limits::PromptLength;
use crate::engine::Keywords;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallType, Upload};
use crate::json::str_at;

/// One call, with what steers its routing apart.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub model: String,
    /// `None` for a chat completion.
    pub call_type: Option<CallType>,
    pub keywords: Keywords,
    /// Of these keywords.
    pub prompt: PromptLength,
    pub files: Vec<Upload>,
    pub streams: bool,
    pub tags: Vec<String>,
    pub region: Option<String>,
    pub priority: Option<i64>,
    pub retries: Option<u32>,
    pub max_fallbacks: Option<u32>,
    pub disable_fallbacks: bool,
    /// In place of the router's.
    pub fallbacks: Option<Fallbacks>,
    pub context_window_fallbacks: Option<Fallbacks>,
    pub content_policy_fallbacks: Option<Fallbacks>,
    /// Fails the first group without a request, to try fallbacks out.
    pub mock_failure: Option<Kind>,
}

/// Keywords that fail the first group, and how.
const MOCK_FAILURES: [(&str, Kind); 3] = [
    ("mock_testing_fallbacks", Kind::InternalServer),
    ("mock_testing_context_fallbacks", Kind::ContextWindowExceeded),
    ("mock_testing_content_policy_fallbacks", Kind::ContentPolicy),
];

impl Asked {
    /// Reads the keywords of a call to a router. Nulls in them count as given.
    pub fn read(call_type: Option<CallType>, mut keywords: Keywords, files: Vec<Upload>) -> Result<Self> {
        let mut asked = Self { model: model_of(&mut keywords)?, call_type, files, ..Self::default() };
        asked.tags = texts(keywords.get("tags"));
        if asked.tags.is_empty() {
            let noted = |name: &str| keywords.get(name).and_then(|noted| noted.get("tags"));
            asked.tags = texts(noted("metadata").or_else(|| noted("litellm_metadata")));
        }
        asked.region = str_at(&keywords, "allowed_model_region").map(str::to_owned);
        asked.streams = keywords.get("stream") == Some(&Value::Bool(true));
        asked.read_fallbacks(&mut keywords)?;
        let mut count = |name: &str| match keywords.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
                Some(count) => Ok(Some(count)),
                None => Err(Error::invalid(name, "expected a whole number from 0")),
            },
        };
        asked.retries = count("num_retries")?;
        asked.max_fallbacks = count("max_fallbacks")?;
        asked.priority = keywords.shift_remove("priority").and_then(|value| value.as_i64());
        keywords.shift_remove("specific_deployment");
        for (name, kind) in MOCK_FAILURES {
            if keywords.shift_remove(name) == Some(Value::Bool(true)) {
                asked.mock_failure = Some(kind);
            }
        }
        asked.keywords = keywords;
        Ok(asked)
    }

    /// The same with other keywords.
    pub fn with_keywords(self, keywords: Keywords) -> Self {
        Self { keywords, prompt: PromptLength::default(), ..self }
    }

    /// Whether a call without a router says itself where it goes on when it fails.
    pub fn has_fallbacks(keywords: &Keywords) -> bool {
        keywords.get("fallbacks").and_then(Value::as_array).is_some_and(|hops| !hops.is_empty())
            || !Fallbacks::of_dict(keywords.get("context_window_fallback_dict")).is_empty()
    }

    /// Reads such a call. Its retries stay the engine's.
    pub fn read_bare(
        call_type: Option<CallType>,
        mut keywords: Keywords,
        files: Vec<Upload>,
    ) -> Result<Self> {
        let mut asked = Self { model: model_of(&mut keywords)?, call_type, files, ..Self::default() };
        asked.streams = keywords.get("stream") == Some(&Value::Bool(true));
        let dict = Fallbacks::of_dict(keywords.shift_remove("context_window_fallback_dict").as_ref());
        asked.context_window_fallbacks = Some(dict).filter(|dict| !dict.is_empty());
        if let Some(value @ Value::Array(_)) = keywords.shift_remove("fallbacks") {
            asked.fallbacks = Some(Fallbacks::of_call(Some(&value), "fallbacks", &asked.model)?);
        }
        asked.keywords = keywords;
        Ok(asked)
    }

    fn read_fallbacks(&mut self, keywords: &mut Keywords) -> Result<()> {
        let model = self.model.clone();
        let mut take = |name: &str| match keywords.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => Fallbacks::of_call(Some(&value), name, &model).map(Some),
        };
        self.fallbacks = take("fallbacks")?;
        self.context_window_fallbacks = take("context_window_fallbacks")?;
        self.content_policy_fallbacks = take("content_policy_fallbacks")?;
        self.disable_fallbacks = keywords.shift_remove("disable_fallbacks") == Some(Value::Bool(true));
        Ok(())
    }
}

fn model_of(keywords: &mut Keywords) -> Result<String> {
    let Some(Value::String(model)) = keywords.shift_remove("model") else {
        return Err(Error::bad_request("'model' is missing.").with_param("model"));
    };
    Ok(model)
}
