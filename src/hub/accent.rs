//! How a provider's use of its wire differs from the wire's own default: the verbs a row of the registry may say.
//!
//! Only the schema is here. Each verb is applied by one function of the wire that knows it (`wires/openai/accent.rs`);
//! a verb is named after what it does, never after who says it. What only OpenAI's format has means nothing
//! elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{ModelFacts, Target};
use crate::json::Map;

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a verb that takes no words is a switch")]
pub struct Accent {
    // Which parameters are taken, by OpenAI's names.
    /// The only parameters that are taken; empty when the provider takes what the format has.
    pub takes: Vec<String>,
    /// Parameters that are taken although the wire would refuse them.
    pub allow: Vec<String>,
    /// Parameters that are refused although the wire has them.
    pub reject: Vec<String>,
    /// Parameters that are taken from the caller and not sent.
    pub ignore: Vec<String>,
    /// Parameters that only models with an ability take: (parameter, ability). `tools` speaks for what goes with it.
    pub needs: BTreeMap<String, String>,
    /// Parameters that a listed model takes only with an ability: (parameter, ability).
    pub needs_if_listed: BTreeMap<String, String>,
    /// Parameters that only a model that is said to lack an ability does not take: (parameter, ability).
    pub unless_lacking: BTreeMap<String, String>,
    /// Parameters that are not sent to models with an ability: (parameter, ability).
    pub ignore_if: BTreeMap<String, String>,
    /// Parameters that models refuse, where no ability tells: (a part of the model's name, parameters, or `*` for
    /// all).
    pub models_reject: BTreeMap<String, Vec<String>>,
    /// The models are OpenAI's own, whose families differ (OAI-02 … OAI-07).
    pub openai_models: bool,

    // How parameters are written.
    /// Parameters under another name: (OpenAI's, the provider's); a dot leads into an object.
    pub rename: BTreeMap<String, String>,
    /// Models with one of these in their names take `max_completion_tokens` only (AZ-02).
    pub limit_renamed: Vec<String>,
    /// Keys of the body that are sent unless the caller sets them.
    pub defaults: Map,
    /// Numbers are moved into a range: (parameter, [least, most]).
    pub clamp: BTreeMap<String, [f64; 2]>,
    /// What becomes of a `tool_choice`: by `auto`, `none`, `required` or `named`.
    pub tool_choice: BTreeMap<String, ToolChoiceRule>,
    /// Words of `reasoning_effort` that the provider calls otherwise.
    pub effort: BTreeMap<String, String>,
    /// Efforts that only models take which are listed with them (OAI-06).
    pub listed_efforts: Vec<String>,
    /// How `reasoning_effort` and `thinking` are asked for: `switch`, `switch_only`, `effort_only`, `listed` or `budget`.
    pub reasoning: ReasoningRule,
    /// What stands for a JSON schema of the answer: a forced `tool`, or `words` (GEN-29).
    pub json_schema: SchemaRule,
    /// An answer that has to fit a `response_format` is never streamed; the whole answer is (GRQ-02, STR-30).
    pub whole_formatted: bool,
    /// `web_search_options` becomes a tool of this type (GRQ-04).
    pub search_tool: Option<String>,
    /// Keys that are taken out of tool definitions, schemas included; `additionalProperties` only when false.
    pub drop_from_tools: Vec<String>,
    /// Tools that are no functions are left out, and what only makes sense with tools goes with them (RSN-03).
    pub only_functions: bool,
    /// A usage chunk is asked for on every stream to the provider's own address (STR-20).
    pub always_stream_usage: bool,
    /// A request is an instance of a prediction, and the answer is what is predicted; neither names the model, and
    /// nothing is streamed (STR-30).
    pub instances: bool,
    /// The address says which model it is; the body names none.
    pub nameless: bool,
    /// A usage chunk is asked for on every stream, whatever the address.
    pub asks_usage_everywhere: bool,

    // How messages are written.
    /// Which content lists become one string: `text`, `single_text`, `assistant` or `tool_results`.
    pub flatten: Flatten,
    /// `cache_control` marks are sent; elsewhere they are removed.
    pub keeps_cache_control: bool,
    /// `cache_control` marks are sent to models with one of these in their names (ORT-03).
    pub cache_control_models: Vec<String>,
    /// A mark on a message moves to its last part (ORT-03).
    pub cache_control_in_parts: bool,
    /// `developer` stays what it is; elsewhere it becomes `system` (GEN-11).
    pub keeps_developer: bool,
    /// The roles whose messages keep their `name`; all of them when it is not said (GEN-22).
    pub keeps_names: Option<Vec<String>>,
    /// Messages of users and assistants that say nothing are left out (MIS-04).
    pub drops_empty: bool,
    /// A file part is its id, without the `file` object around (MIS-06).
    pub bare_file_ids: bool,
    /// System messages that follow each other are one.
    pub joins_systems: bool,
    /// A message has one tool call at most, and no empty text beside it; its result follows.
    pub splits_calls: bool,
    /// What becomes of the reasoning of earlier turns: `drop`, `chunks` or `required`; elsewhere it is sent.
    pub past_reasoning: PastReasoning,
    /// Tool-call ids of other providers become this many letters and digits where conversations may be repaired
    /// (MIS-02, GEN-14).
    pub tool_id_length: Option<usize>,

    // Where Anthropic's and Gemini's formats are spoken by someone else, too.
    /// Anthropic's format with the model in the address.
    pub hosted: Option<Hosted>,
    /// Labels of the call are sent: the caller's own, and what the metadata says of who asks.
    pub labels: bool,
    /// Media of the web whose type is known are sent by their address; elsewhere they are sent inline (GEM-21).
    pub takes_web_media: bool,

    // What answers say.
    /// How answers name the model: with the provider in front, or as the `reply` or as the caller (`requested`) does.
    pub model: ModelName,
    /// Chunks of a stream name the model as the provider does; elsewhere as the caller does.
    pub streams_name_model: bool,
    /// `<think>` in an answer is text like any other (RSN-10).
    pub keeps_think_tags: bool,
    /// A separate `reasoning` field is passed on under its own name.
    pub keeps_reasoning_field: bool,
    /// The service tiers that OpenAI's clients know; any other is reported as `auto`. Empty: all are passed on.
    pub known_service_tiers: Vec<String>,
    /// Which table tells the class of an error with a status: `typed` or `status`; elsewhere OpenAI's.
    pub errors: ErrorTable,
    /// The status tells the class, and words only what a bad request is about (AZ-09).
    pub status_first: bool,
    /// Statuses with a meaning of their own here: (status, class).
    pub error_statuses: BTreeMap<String, ErrorClass>,
    /// Failures that name another provider, as callers of the reference know them: (provider, the statuses of the
    /// replies, `connection`, `timeout`).
    pub errors_as: BTreeMap<String, Vec<String>>,
    /// Errors in mid-stream name this provider, as callers of the reference know them.
    pub stream_errors_as: Option<String>,
}

/// Anthropic's format with the model in the address and the version in the body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hosted {
    /// What is said as `anthropic_version`.
    pub version: String,
    /// The features that can be turned on: (Anthropic's name, the name here). Others are not asked for (ANT-28).
    pub betas: BTreeMap<String, String>,
    /// Hosted tools that have to be turned on: (how their types begin, the feature).
    pub tools: BTreeMap<String, String>,
}

/// What becomes of one kind of `tool_choice`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum ToolChoiceRule {
    /// It is not sent.
    Omit,
    /// It is refused, or dropped when the caller said so (GEN-01).
    Refuse,
    /// It is said in words, in a message at the end.
    Ask,
    /// Another word is sent.
    Word(String),
}

impl From<String> for ToolChoiceRule {
    fn from(word: String) -> Self {
        match word.as_str() {
            "omit" => Self::Omit,
            "refuse" => Self::Refuse,
            "ask" => Self::Ask,
            _ => Self::Word(word),
        }
    }
}

/// How `reasoning_effort` and `thinking` are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningRule {
    /// Both are sent as they are.
    #[default]
    Plain,
    /// `thinking` is a switch without a budget, and an effort turns it on; the effort is sent, too (RSN-01).
    Switch,
    /// The same, but the effort itself is not sent.
    SwitchOnly,
    /// A `thinking` budget becomes the effort it stands for.
    EffortOnly,
    /// The effort is the nearest that the model lists; a model that lists none is told to think by the system
    /// message (MIS-08).
    Listed,
    /// An effort becomes a `thinking` budget for Claude models, and room for the answer is added to the budget.
    Budget,
}

/// What becomes of a JSON schema for the answer (GEN-29).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaRule {
    #[default]
    Plain,
    /// A forced tool stands for it, unless the model is known to have it (GEN-30).
    Tool,
    /// The same, whatever is known of the model: the interface has no schemas (AZ-05).
    ToolAlways,
    /// The schema is put into words, and any JSON is asked for.
    Words,
}

/// Which content lists become one string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flatten {
    #[default]
    None,
    /// Lists of nothing but text.
    Text,
    /// The same, but only lists with a single part.
    SingleText,
    /// The same, but only in answers of earlier turns.
    Assistant,
    /// Lists in tool results.
    ToolResults,
}

/// What becomes of the reasoning of earlier turns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PastReasoning {
    /// `reasoning_content` is sent as it is.
    #[default]
    Plain,
    /// It is not sent.
    Drop,
    /// It is sent as thinking chunks of the content to models that reason, and to no others (MIS-09).
    Chunks,
    /// While the model reasons, messages with tool calls need it: a space where there is none (RSN-02).
    Required,
}

/// How an answer names its model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelName {
    /// As the provider does, with the provider in front.
    #[default]
    Prefixed,
    /// As the provider does.
    Reply,
    /// As the caller did.
    Requested,
}

/// Which of the status tables holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorTable {
    /// Client errors without a class of their own are plain API errors.
    #[default]
    Openai,
    /// The same, but those of the type `invalid_request_error` are bad requests.
    Typed,
    /// They are bad requests, and a missing payment has a class of its own.
    Status,
}

/// Classes that a row may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    Api,
    Connection,
    ServiceUnavailable,
}

impl Accent {
    /// Whether a model takes a parameter, as far as the row says; `None` when it does not say.
    pub fn takes(&self, parameter: &str, model: &str, facts: &ModelFacts) -> Option<bool> {
        let named = |list: &[String]| list.iter().any(|known| known == parameter);
        let all = |list: &[String]| list.iter().any(|known| known == "*");
        let refuses = |(part, names): (&String, &Vec<String>)| {
            model.contains(part.as_str()) && (named(names) || all(names))
        };
        if self.models_reject.iter().any(refuses) {
            return Some(false);
        }
        if named(&self.ignore) {
            return Some(true);
        }
        if named(&self.reject) {
            return Some(false);
        }
        if let Some(ability) = needed(&self.needs, parameter) {
            return Some(facts.can(ability));
        }
        if let Some(ability) = needed(&self.needs_if_listed, parameter) {
            return Some(facts.key.is_none() || facts.can(ability));
        }
        if let Some(ability) = needed(&self.unless_lacking, parameter) {
            return Some(!facts.lacks(ability));
        }
        if named(&self.allow) {
            return Some(true);
        }
        (!self.takes.is_empty()).then(|| named(&self.takes))
    }

    /// Whether `cache_control` marks are sent to a model.
    pub fn sends_cache_control(&self, model: &str) -> bool {
        self.keeps_cache_control || self.cache_control_models.iter().any(|part| model.contains(part.as_str()))
    }

    /// Whether a parameter of the caller is left out for a model.
    pub fn leaves_out(&self, parameter: &str, facts: &ModelFacts) -> bool {
        self.ignore.iter().any(|known| known == parameter)
            || self.ignore_if.get(parameter).is_some_and(|ability| facts.can(ability))
    }

    /// How an answer names its model.
    pub fn model_name(&self, reply: String, target: &Target) -> String {
        match self.model {
            ModelName::Prefixed => format!("{}/{reply}", target.provider),
            ModelName::Reply => reply,
            ModelName::Requested => format!("{}/{}", target.provider, target.model),
        }
    }
}

/// The ability that a parameter needs, said of itself or of the tools it goes with.
fn needed<'a>(needs: &'a BTreeMap<String, String>, parameter: &str) -> Option<&'a String> {
    needs.get(parameter).or_else(|| match parameter {
        "function_call" | "functions" | "parallel_tool_calls" | "tool_choice" => needs.get("tools"),
        _ => None,
    })
}
