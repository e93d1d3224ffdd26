//! The canonical forms: OpenAI chat completions plus the public extension fields, open for unknown fields.
//!
//! Everything a caller sends is translated into these types, everything a provider answers too. They hold data
//! and builders; which provider wants what is not known here.

mod accent;
mod call;
mod chat;
mod collect;
mod delta;
mod finish;
mod message;
mod options;
mod prompt_template;
mod target;
mod usage;

pub use accent::{
    Accent, ErrorClass, ErrorTable, Flatten, Hosted, ModelName, PastReasoning, ReasoningRule, SchemaRule,
    ToolChoiceRule,
};
pub use call::{Call, CallAccent, CallRequest, CallResponse, CallType, RankingTokens, Resource, Upload};
pub use chat::{
    AssistantMessage, CHAT_PARAMS, ChatRequest, ChatResponse, Choice, InlineMedia, Params, SENT_METADATA,
};
pub use collect::{Collector, ThinkingBlocks, replay};
pub use delta::{Delta, Deltas, StreamHead};
pub use finish::{FinishReason, is_synonym, map_finish_reason};
pub use message::{Content, FunctionCall, Message, Part, Role, ToolCall, check_messages, parse_messages};
pub use options::{ReasoningEffort, ResponseFormat, Tool, ToolChoice, tools_without_cache_control};
pub use prompt_template::{PromptTemplate, RoleMarks};
pub use target::{ModelFacts, Options, Target, ThinkingBudgets};
pub use usage::Usage;

/// A call type: what is asked and what is answered.
pub trait Operation {
    type Request;
    type Response;
    const NAME: &'static str;
}

/// Chat completions.
#[derive(Debug)]
pub enum Chat {}

impl Operation for Chat {
    type Request = ChatRequest;
    type Response = ChatResponse;
    const NAME: &'static str = "completion";
}
