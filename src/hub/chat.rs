//! A chat completion: what is asked, what is answered.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{
    FinishReason, Message, ReasoningEffort, ResponseFormat, Tool, ToolCall, ToolChoice, Usage, parse_messages,
};
use crate::error::Result;
use crate::json::Map;

/// OpenAI's chat parameters, by name. Any other keyword is the provider's own.
pub const CHAT_PARAMS: &[&str] = &[
    "audio",
    "cache_control",
    "context_management",
    "frequency_penalty",
    "function_call",
    "functions",
    "include_server_side_tool_invocations",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "speed",
    "stop",
    "store",
    "stream_options",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
];

/// What of a caller's own notes may be sent, where a provider's format has a place for it (ANT-24).
pub const SENT_METADATA: [&str; 2] = ["requester_metadata", "user_id"];

/// What a caller asks for. Model, address and credentials are the target's business.
#[derive(Debug, Clone, Default)]
pub struct ChatRequest {
    pub messages: Vec<Message>,
    /// OpenAI's parameters by name, without nulls (GEN-05), in the caller's order.
    pub params: Params,
    /// Keywords that are no OpenAI parameters: passed to the provider as they are.
    pub extra: Map,
    /// Merged last into the provider's body (GEN-06).
    pub extra_body: Map,
    pub stream: bool,
    /// The caller's own bookkeeping. It is not sent, but for what a provider's format has a place for (ANT-24).
    pub metadata: Option<Value>,
    /// The schema of a class given as `response_format`, before it was made strict; for wires that take any schema.
    pub plain_schema: Option<Value>,
    /// Remote media that the wire asked for before encoding, by address.
    pub media: HashMap<String, InlineMedia>,
}

/// Media fetched for a provider that takes it only inline.
#[derive(Debug, Clone)]
pub struct InlineMedia {
    pub mime: String,
    pub data: Bytes,
}

impl ChatRequest {
    /// Splits a flat request into messages, OpenAI's parameters and the provider's own keywords. Nulls count as
    /// absent (GEN-05).
    pub fn from_map(mut map: Map) -> Result<Self> {
        let messages = parse_messages(map.shift_remove("messages").unwrap_or(Value::Null))?;
        let stream = matches!(map.shift_remove("stream"), Some(Value::Bool(true)));
        let extra_body = match map.shift_remove("extra_body") {
            Some(Value::Object(body)) => body,
            _ => Map::new(),
        };
        let metadata = map.shift_remove("metadata").filter(|value| !value.is_null());
        let mut request = Self { messages, extra_body, stream, metadata, ..Self::default() };
        for (name, mut value) in map {
            if value.is_null() {
                continue;
            }
            if name == "response_format"
                && let Value::Object(format) = &mut value
            {
                request.plain_schema = format.shift_remove("plain_schema");
            }
            let named =
                if CHAT_PARAMS.contains(&name.as_str()) { &mut request.params.0 } else { &mut request.extra };
            named.insert(name, value);
        }
        Ok(request)
    }

    /// The parameters, and those among the keywords that the caller wants sent although the model is not said to take
    /// them; for wires where they mean the same (GEN-01).
    pub fn asked_params(&self) -> Cow<'_, Params> {
        let mut params = Cow::Borrowed(&self.params);
        for (name, value) in &self.extra {
            if CHAT_PARAMS.contains(&name.as_str()) {
                params.to_mut().0.insert(name.clone(), value.clone());
            }
        }
        params
    }
}

/// Parameters by OpenAI's name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(pub Map);

impl Params {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn str(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    pub fn bool(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    pub fn tools(&self) -> Result<Vec<Tool<'_>>> {
        self.get("tools").map_or(Ok(Vec::new()), Tool::parse_all)
    }

    pub fn tool_choice(&self) -> Result<Option<ToolChoice<'_>>> {
        self.get("tool_choice").map(ToolChoice::parse).transpose()
    }

    pub fn response_format(&self) -> Result<Option<ResponseFormat<'_>>> {
        self.get("response_format").map(ResponseFormat::parse).transpose()
    }

    pub fn reasoning_effort(&self) -> Result<Option<ReasoningEffort<'_>>> {
        self.get("reasoning_effort").map(ReasoningEffort::parse).transpose()
    }

    /// The output limit: `max_completion_tokens` wins over `max_tokens` (GEN-03).
    pub fn output_limit(&self) -> Option<&Value> {
        self.get("max_completion_tokens").or_else(|| self.get("max_tokens"))
    }

    /// `stop` as a list (GEN-04).
    pub fn stop(&self) -> Option<Vec<Value>> {
        match self.get("stop")? {
            Value::Array(items) => Some(items.clone()),
            other => Some(vec![other.clone()]),
        }
    }
}

/// What the caller gets. The response classes are filled from this.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatResponse {
    /// The provider's id; a fresh one is made when it is empty (OSS-02).
    pub id: String,
    /// Seconds since the epoch; 0 means now.
    pub created: u64,
    pub model: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    pub choices: Vec<Choice>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Other top-level fields: `service_tier`, `citations` …
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    pub index: u64,
    pub message: AssistantMessage,
    pub finish_reason: FinishReason,
    /// The provider's own word when it is none of OpenAI's (GEN-37).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_finish_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub logprobs: Option<Value>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map,
}

/// The answer's message. `None` and empty mean "not there", except where noted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssistantMessage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thinking_blocks: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub function_call: Option<Value>,
    /// `Some(Null)` when the provider sent null: it then counts as given.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub refusal: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub annotations: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub audio: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub images: Option<Value>,
    /// Becomes `provider_specific_fields`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub provider_fields: Map,
    /// Further message fields with a public name of their own (`reasoning_items` …).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map,
}

impl Choice {
    pub fn new(message: AssistantMessage, finish_reason: FinishReason) -> Self {
        Self {
            index: 0,
            message,
            finish_reason,
            native_finish_reason: None,
            logprobs: None,
            extra: Map::new(),
        }
    }
}

/// Null is a value here: it was given.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
