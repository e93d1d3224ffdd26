//! Why a choice ended: the closed set towards callers, and every provider's words for it (GEN-35).

use serde::{Deserialize, Serialize};

/// The reasons OpenAI clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    FunctionCall,
    ContentFilter,
}

impl FinishReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::FunctionCall => "function_call",
            Self::ContentFilter => "content_filter",
        }
    }

    /// `stop` becomes `tool_calls` when the turn holds a tool call (GEN-36).
    pub fn with_tool_calls(self, any: bool) -> Self {
        if any && self == Self::Stop { Self::ToolCalls } else { self }
    }
}

/// The reason a provider's word stands for, and whether it is OpenAI's own word for it; otherwise the caller
/// keeps the word as `native_finish_reason` (GEN-37). Unknown words mean `stop` (GEN-35).
pub fn map_finish_reason(native: &str) -> (FinishReason, bool) {
    let reason = match native {
        "stop" => return (FinishReason::Stop, true),
        "length" => return (FinishReason::Length, true),
        "tool_calls" => return (FinishReason::ToolCalls, true),
        "function_call" => return (FinishReason::FunctionCall, true),
        "content_filter" => return (FinishReason::ContentFilter, true),
        "max_tokens"
        | "MAX_TOKENS"
        | "pause_turn"
        | "compaction"
        | "model_context_window_exceeded"
        | "CONTINUATION" => FinishReason::Length,
        "tool_use" | "TOOL_CALL" | "TOOL_CALLS" => FinishReason::ToolCalls,
        "refusal"
        | "sensitive"
        | "content_filtered"
        | "guardrail_intervened"
        | "ERROR_TOXIC"
        | "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "OTHER"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "IMAGE_OTHER"
        | "NO_IMAGE"
        | "ESCALATION" => FinishReason::ContentFilter,
        _ => {
            if !is_known_stop(native) {
                tracing::warn!(native, "unknown finish reason, reported as stop");
            }
            FinishReason::Stop
        }
    };
    (reason, false)
}

/// Other words for `stop` that say no more than it does.
const STOPS: [&str; 7] =
    ["end_turn", "stop_sequence", "eos", "eos_token", "COMPLETE", "STOP_SEQUENCE", "STOP"];

/// Whether a provider's word says no more than OpenAI's does; other words are worth keeping (GEN-37).
pub fn is_synonym(native: &str) -> bool {
    STOPS.contains(&native)
        || matches!(native, "max_tokens" | "MAX_TOKENS" | "tool_use" | "TOOL_CALL" | "TOOL_CALLS")
}

fn is_known_stop(native: &str) -> bool {
    STOPS.contains(&native)
        || matches!(
            native,
            "" | "MALFORMED_FUNCTION_CALL"
                | "UNEXPECTED_TOOL_CALL"
                | "TOO_MANY_TOOL_CALLS"
                | "MISSING_THOUGHT_SIGNATURE"
                | "MALFORMED_RESPONSE"
                | "FINISH_REASON_UNSPECIFIED"
        )
}
