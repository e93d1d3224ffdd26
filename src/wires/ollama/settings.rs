//! Parameters and keywords as options and fields (OLL-01 … OLL-03).

use std::borrow::Cow;

use serde_json::{Value, json};

use super::Endpoint;
use crate::error::Result;
use crate::hub::{ChatRequest, ReasoningEffort, ResponseFormat, Target, tools_without_cache_control};
use crate::json::Map;

/// OpenAI's parameters that have a place here, and those that are left out without harm.
pub const SUPPORTED: &[&str] = &[
    "frequency_penalty",
    "functions",
    "max_completion_tokens",
    "max_tokens",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];

/// Keywords that are fields of the request; every other keyword is an option of the model.
const FIELDS: &[&str] = &["format", "keep_alive", "think"];
/// Further ones where there is a prompt instead of messages.
const PROMPT_FIELDS: &[&str] = &["context", "raw", "suffix", "system", "template"];

/// What goes with the conversation.
#[derive(Debug, Default)]
pub struct Settings {
    pub options: Map,
    pub fields: Map,
    /// The caller's tools, old `functions` among them, in today's form.
    pub tools: Vec<Value>,
}

pub fn read(endpoint: Endpoint, request: &ChatRequest, target: &Target) -> Result<Settings> {
    let mut settings = Settings { tools: tools(endpoint, request), ..Settings::default() };
    let params = &request.params;
    for (name, value) in &params.0 {
        let option = match name.as_str() {
            "max_tokens" if params.has("max_completion_tokens") => continue,
            "max_tokens" | "max_completion_tokens" => "num_predict",
            "frequency_penalty" if endpoint == Endpoint::Chat => "repeat_penalty",
            "response_format" => {
                settings.set_format(&ResponseFormat::parse(value)?);
                continue;
            }
            "reasoning_effort" => {
                settings.set_think(ReasoningEffort::parse(value)?, target);
                continue;
            }
            "stop" => {
                // Ollama takes a list only (GEN-04).
                settings.options.insert(name.clone(), params.stop().unwrap_or_default().into());
                continue;
            }
            // The first two went into `tools`; a choice among them hangs the server (OLL-02); counts always come.
            "functions" | "tools" | "tool_choice" | "stream_options" => continue,
            name => name,
        };
        settings.options.insert(option.to_owned(), value.clone());
    }
    for (name, value) in &request.extra {
        let is_field = FIELDS.contains(&name.as_str())
            || endpoint == Endpoint::Generate && PROMPT_FIELDS.contains(&name.as_str());
        match value {
            Value::Object(options) if name == "options" => settings.options.extend(options.clone()),
            _ if is_field => {
                settings.fields.insert(name.clone(), value.clone());
            }
            _ => {
                settings.options.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(settings)
}

/// Tools as they are, without marks that are other providers'. An old function becomes a tool, but not in a prompt,
/// where it reads well as it is.
fn tools(endpoint: Endpoint, request: &ChatRequest) -> Vec<Value> {
    let tools = match request.params.get("tools").map(tools_without_cache_control).map(Cow::into_owned) {
        Some(Value::Array(tools)) => tools,
        _ => Vec::new(),
    };
    let functions = request.params.get("functions").and_then(Value::as_array).into_iter().flatten();
    let functions = functions.map(|function| match endpoint {
        Endpoint::Chat => json!({ "type": "function", "function": function }),
        Endpoint::Generate => function.clone(),
    });
    tools.into_iter().chain(functions).collect()
}

impl Settings {
    /// JSON of any kind, or of one schema (OLL-03).
    fn set_format(&mut self, format: &ResponseFormat<'_>) {
        let value = match format {
            ResponseFormat::JsonObject { .. } => "json".into(),
            ResponseFormat::JsonSchema { schema: Some(schema), .. } => (*schema).clone(),
            ResponseFormat::JsonSchema { schema: None, .. }
            | ResponseFormat::Text
            | ResponseFormat::Other(_) => return,
        };
        self.fields.insert("format".to_owned(), value);
    }

    /// Thinking is on or off; one family takes levels by name.
    fn set_think(&mut self, effort: ReasoningEffort<'_>, target: &Target) {
        let Some(effort) = effort.effort else { return };
        let think = if target.model.starts_with("gpt-oss") {
            effort.into()
        } else {
            let on = matches!(effort, "low" | "medium" | "high" | "xhigh" | "max");
            if !on && effort != "none" {
                tracing::warn!(model = %target.model, effort, "Ollama knows thinking as on or off: this level turns it off");
            }
            on.into()
        };
        self.fields.insert("think".to_owned(), think);
    }
}
