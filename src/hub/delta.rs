//! A stream in its smallest meaningful steps. Chunks are made of these by one encoder per caller format.

use serde_json::Value;

use super::{FinishReason, Usage};
use crate::json::Map;

/// One step of a streamed answer. `choice` is OpenAI's choice index; `index` the ordinal of a tool call within
/// its message, contiguous from 0 (STR-04).
#[derive(Debug, Clone, PartialEq)]
pub enum Delta {
    /// What the provider says of the whole stream; the first one counts (STR-02).
    Open {
        id: Option<String>,
        model: Option<String>,
        system_fingerprint: Option<String>,
    },
    /// Visible text.
    Text {
        choice: u64,
        text: String,
    },
    /// Thinking text (STR-27).
    Reasoning {
        choice: u64,
        text: String,
    },
    /// A piece of a thinking block: its text, or its signature, or a whole redacted block. Carried in
    /// `thinking_blocks`; the readable text comes as [`Delta::Reasoning`] too.
    ThinkingBlock {
        choice: u64,
        block: Map,
    },
    /// The first step of a tool call (STR-06).
    ToolStart {
        choice: u64,
        index: u64,
        id: Option<String>,
        name: String,
        provider_fields: Option<Map>,
    },
    /// A fragment of a tool call's JSON arguments.
    ToolArguments {
        choice: u64,
        index: u64,
        json: String,
    },
    /// The old way: `delta.function_call`, as sent.
    FunctionCall {
        choice: u64,
        value: Value,
    },
    Refusal {
        choice: u64,
        text: String,
    },
    Annotations {
        choice: u64,
        annotations: Vec<Value>,
    },
    Audio {
        choice: u64,
        audio: Value,
    },
    Images {
        choice: u64,
        images: Vec<Value>,
    },
    Logprobs {
        choice: u64,
        logprobs: Value,
    },
    /// Goes into `delta.provider_specific_fields` of its chunk.
    ProviderFields {
        choice: u64,
        fields: Map,
    },
    /// Any other field of a delta.
    Field {
        choice: u64,
        name: String,
        value: Value,
    },
    /// Any other field of a choice, for example `content_filter_results`.
    ChoiceField {
        choice: u64,
        name: String,
        value: Value,
    },
    /// Any other field of a chunk, for example `citations` or `service_tier`.
    ChunkField {
        name: String,
        value: Value,
    },
    /// Counts so far; the last one stands for the whole stream (USG-19).
    Usage(Usage),
    /// At most once per choice. `native` is the provider's word when it is none of OpenAI's (GEN-37).
    Finish {
        choice: u64,
        reason: FinishReason,
        native: Option<String>,
    },
}

/// What all chunks of a stream share (STR-02).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamHead {
    pub id: String,
    pub created: u64,
    pub model: String,
    pub system_fingerprint: Option<String>,
}

/// Where a decoder puts its steps: those of one frame stay together.
#[derive(Debug, Default)]
pub struct Deltas(pub Vec<Delta>);

impl Deltas {
    pub fn push(&mut self, delta: Delta) {
        self.0.push(delta);
    }

    pub fn text(&mut self, choice: u64, text: impl Into<String>) {
        self.push(Delta::Text { choice, text: text.into() });
    }

    pub fn reasoning(&mut self, choice: u64, text: impl Into<String>) {
        self.push(Delta::Reasoning { choice, text: text.into() });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Delta {
    /// True for what an answer consists of; false for lifecycle and bookkeeping (STR-22, STR-31).
    pub fn is_content(&self) -> bool {
        match self {
            Self::Text { text, .. } | Self::Reasoning { text, .. } | Self::Refusal { text, .. } => {
                !text.is_empty()
            }
            Self::ThinkingBlock { .. }
            | Self::ToolStart { .. }
            | Self::ToolArguments { .. }
            | Self::FunctionCall { .. }
            | Self::Annotations { .. }
            | Self::Audio { .. }
            | Self::Images { .. }
            | Self::Finish { .. } => true,
            Self::Open { .. }
            | Self::Logprobs { .. }
            | Self::ProviderFields { .. }
            | Self::Field { .. }
            | Self::ChoiceField { .. }
            | Self::ChunkField { .. }
            | Self::Usage(_) => false,
        }
    }
}
