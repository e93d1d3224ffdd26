//! What a request asks for, in no provider's words. Each wire reads its own body into a [`Prompt`].

use std::borrow::Cow;

use serde_json::Value;

use super::text::tokens;

/// The most choices a request may ask for, as OpenAI has it.
const MAX_CHOICES: u64 = 128;

#[derive(Default)]
pub(super) struct Prompt {
    pub(super) model: String,
    /// The text of the last message of the user.
    pub(super) last_user: String,
    /// Set when the conversation ends with results of tools.
    pub(super) tool_result: Option<String>,
    pub(super) tools: Vec<Tool>,
    pub(super) tool_choice: ToolChoice,
    /// Several tools may be called in one answer.
    pub(super) parallel: bool,
    pub(super) format: Format,
    pub(super) thinking: bool,
    pub(super) max_tokens: Option<usize>,
    pub(super) stop: Vec<String>,
    pub(super) choices: usize,
    pub(super) tokens: usize,
}

pub(super) struct Tool {
    pub(super) name: String,
    pub(super) schema: Value,
}

#[derive(Default)]
pub(super) enum ToolChoice {
    #[default]
    Auto,
    Never,
    Required,
    Named(String),
}

#[derive(Default)]
pub(super) enum Format {
    #[default]
    Text,
    Object,
    Schema(Value),
}

impl Prompt {
    pub(super) fn new(model: &str) -> Self {
        Self { model: model.to_owned(), parallel: true, choices: 1, ..Self::default() }
    }

    /// The tokens to report; nothing costs nothing at no provider.
    pub(super) fn counted(&self) -> usize {
        self.tokens.max(1)
    }

    /// Counts a message and remembers it when it is the user's.
    pub(super) fn hear(&mut self, by_user: bool, text: &str) {
        self.tokens += tokens(text);
        if by_user && !text.is_empty() {
            self.last_user.clear();
            self.last_user.push_str(text);
        }
    }

    /// Adds a tool's result; a later message of another kind takes it back with [`Prompt::tool_result`] = `None`.
    pub(super) fn hear_result(&mut self, text: &str) {
        self.tokens += tokens(text);
        match &mut self.tool_result {
            Some(result) => {
                result.push_str("; ");
                result.push_str(text);
            }
            None => self.tool_result = Some(text.to_owned()),
        }
    }

    /// Adds a tool; without a name it is a provider's own tool, which the mock does not call.
    pub(super) fn offer(&mut self, name: &Value, schema: Option<&Value>) {
        if let Some(name) = name.as_str() {
            self.tools.push(Tool { name: name.to_owned(), schema: schema.cloned().unwrap_or(Value::Null) });
        }
    }

    pub(super) fn set_choices(&mut self, field: &str, value: &Value) -> Result<(), String> {
        match value {
            Value::Null => Ok(()),
            value => match value.as_u64() {
                Some(count @ 1..=MAX_CHOICES) => {
                    self.choices = usize::try_from(count).unwrap_or(1);
                    Ok(())
                }
                _ => Err(format!("'{field}' must be a whole number from 1 to {MAX_CHOICES}")),
            },
        }
    }

    /// Accepts a string or a list of strings, as OpenAI does.
    pub(super) fn set_stop(&mut self, value: &Value) {
        self.stop = match value {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        self.stop.retain(|stop| !stop.is_empty());
    }
}

/// The string at `field`, or the sentence of a 400.
pub(super) fn required_text<'a>(body: &'a Value, field: &str) -> Result<&'a str, String> {
    match &body[field] {
        Value::Null => Err(format!("Missing required parameter: '{field}'.")),
        Value::String(text) => Ok(text),
        _ => Err(format!("Invalid type for '{field}': expected a string.")),
    }
}

/// The list at `field`, which must not be empty, or the sentence of a 400.
pub(super) fn required_list<'a>(body: &'a Value, field: &str) -> Result<&'a [Value], String> {
    match &body[field] {
        Value::Null => Err(format!("Missing required parameter: '{field}'.")),
        Value::Array(list) if list.is_empty() => Err(format!("Invalid '{field}': the list is empty.")),
        Value::Array(list) => Ok(list),
        _ => Err(format!("Invalid type for '{field}': expected a list.")),
    }
}

/// The list at a field, or nothing.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn count(value: &Value) -> Option<usize> {
    value.as_u64().and_then(|count| usize::try_from(count).ok())
}

/// The text of a content field: a string, or a list of parts of which those with a `text` count.
pub(super) fn text_of(content: &Value) -> Cow<'_, str> {
    match content {
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(parts) => {
            let mut texts = parts.iter().filter_map(|part| part["text"].as_str());
            match (texts.next(), texts.next()) {
                (None, _) => Cow::Borrowed(""),
                (Some(only), None) => Cow::Borrowed(only),
                (Some(first), Some(second)) => {
                    let mut joined = format!("{first}\n{second}");
                    texts.for_each(|text| {
                        joined.push('\n');
                        joined.push_str(text);
                    });
                    Cow::Owned(joined)
                }
            }
        }
        _ => Cow::Borrowed(""),
    }
}
