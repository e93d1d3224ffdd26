//! `reasoning_effort` and `thinking`: which of the provider's two ways a model thinks (ANT-13 … ANT-19).

use serde_json::{Value, json};

use super::abilities::Abilities;
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Message, Role, Target, ThinkingBudgets};
use crate::json::{Map, kind_of, str_at};

/// The least budget the provider takes; no thinking fits below (ANT-15).
const MIN_BUDGET: u64 = 1024;
/// Room for the answer beside the budget, when the caller set no limit.
const ANSWER_TOKENS: u64 = 4096;

const LEVELS: &str = "'minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'none'";

/// What the body says of thinking.
#[derive(Debug, Default, PartialEq)]
pub struct Thinking {
    /// The body's `thinking`.
    pub param: Option<Value>,
    /// Level for `output_config.effort`.
    pub effort: Option<&'static str>,
    /// A limit above the budget, when the caller set none.
    pub max_tokens: Option<u64>,
}

impl Thinking {
    /// No forced tool then (ANT-13).
    pub fn is_on(&self) -> bool {
        let kind = self.param.as_ref().and_then(|param| param.get("type")).and_then(Value::as_str);
        kind.is_some_and(|kind| kind != "disabled")
    }
}

pub fn plan(
    request: &ChatRequest,
    target: &Target,
    abilities: Abilities,
    max_tokens: Option<i64>,
) -> Result<Thinking> {
    let mut plan = Thinking::default();
    let budgets = &target.options.thinking_budgets;
    if let Some(level) = effort(request, target, abilities)? {
        if abilities.adaptive {
            plan.param = Some(json!({"type": "adaptive", "display": "summarized"}));
            plan.effort = Some(level.name());
        } else {
            plan.param = Some(enabled(level.budget(budgets)));
        }
    }
    if let Some(thinking) = request.params.get("thinking") {
        let Value::Object(thinking) = thinking else {
            return Err(Error::bad_request(format!(
                "Invalid 'thinking': expected an object with a 'type', got {}.",
                kind_of(thinking)
            ))
            .with_param("thinking"));
        };
        plan.param = explicit(thinking, abilities, budgets, &mut plan.effort)?;
    }
    if target.options.modify_params && plan.is_on() && lost_its_thinking(&request.messages) {
        tracing::warn!(model = %target.model, "thinking dropped: the last tool call came without its thinking block");
        plan.param = None;
    }
    fit_budget(&mut plan, max_tokens);
    Ok(plan)
}

/// A level of `reasoning_effort`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Level {
    /// The provider's word for it.
    fn name(self) -> &'static str {
        match self {
            Self::Minimal | Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    fn budget(self, budgets: &ThinkingBudgets) -> u64 {
        let budget = match self {
            Self::Minimal => budgets.minimal.unwrap_or(MIN_BUDGET),
            Self::Low => budgets.low,
            Self::Medium => budgets.medium,
            Self::High => budgets.high,
            Self::Xhigh => budgets.xhigh,
            Self::Max => budgets.max,
        };
        budget.max(MIN_BUDGET)
    }
}

fn effort(request: &ChatRequest, target: &Target, abilities: Abilities) -> Result<Option<Level>> {
    let Some(word) = request.params.reasoning_effort()?.and_then(|effort| effort.effort) else {
        return Ok(None);
    };
    let level = match word {
        "none" => return Ok(None),
        "minimal" => Level::Minimal,
        "low" => Level::Low,
        "medium" => Level::Medium,
        "high" => Level::High,
        "xhigh" => Level::Xhigh,
        "max" => Level::Max,
        other => {
            return Err(Error::bad_request(format!(
                "Invalid reasoning_effort: '{other}'. Must be one of: {LEVELS}."
            ))
            .with_param("reasoning_effort"));
        }
    };
    if abilities.adaptive && !takes_effort(level.name(), abilities) {
        if target.options.drop_params {
            tracing::debug!(model = %target.model, effort = word, "reasoning_effort dropped");
            return Ok(None);
        }
        return Err(unsupported_effort(word, target).with_param("reasoning_effort"));
    }
    Ok(Some(level))
}

fn takes_effort(name: &str, abilities: Abilities) -> bool {
    match name {
        "xhigh" => abilities.effort_xhigh,
        "max" => abilities.effort_max,
        _ => true,
    }
}

fn unsupported_effort(word: &str, target: &Target) -> Error {
    Error::bad_request(format!("effort='{word}' is not supported by this model. Got model: {}", target.model))
}

/// The caller's own `output_config` beside the effort that was asked for by OpenAI's name; its own effort wins.
pub fn output_config(
    own: Option<&Value>,
    effort: Option<&'static str>,
    target: &Target,
    abilities: Abilities,
) -> Result<Option<Map>> {
    let mut config = match own {
        None => return Ok(effort.map(|effort| Map::from_iter([("effort".to_owned(), effort.into())]))),
        Some(Value::Object(config)) => config.clone(),
        Some(other) => {
            return Err(Error::bad_request(format!(
                "Invalid 'output_config': expected an object, got {}.",
                kind_of(other)
            ))
            .with_param("output_config"));
        }
    };
    match str_at(&config, "effort") {
        None => {
            if let (Some(effort), None) = (effort, config.get("effort")) {
                config.insert("effort".to_owned(), effort.into());
            }
        }
        Some(word @ ("low" | "medium" | "high" | "xhigh" | "max")) => {
            if !takes_effort(word, abilities) {
                if !target.options.drop_params {
                    return Err(unsupported_effort(word, target).with_param("output_config.effort"));
                }
                config.shift_remove("effort");
                if config.is_empty() {
                    return Ok(None);
                }
            }
        }
        Some(word) => {
            return Err(Error::bad_request(format!(
                "Invalid effort value: '{word}'. Must be one of: 'high', 'medium', 'low', 'xhigh', 'max'"
            ))
            .with_param("output_config.effort"));
        }
    }
    Ok(Some(config))
}

/// The caller's own `thinking`, in the form the model takes.
fn explicit(
    thinking: &Map,
    abilities: Abilities,
    budgets: &ThinkingBudgets,
    effort: &mut Option<&'static str>,
) -> Result<Option<Value>> {
    match str_at(thinking, "type") {
        Some("enabled") => {
            let budget = thinking.get("budget_tokens").filter(|budget| !budget.is_null());
            if let Some(budget) = budget.filter(|budget| budget.as_u64().is_none()) {
                return Err(Error::bad_request(format!(
                    "Invalid 'thinking.budget_tokens': expected a positive whole number, got {budget}."
                ))
                .with_param("thinking.budget_tokens"));
            }
            if abilities.budget {
                return Ok(Some(Value::Object(thinking.clone())));
            }
            let budget = budget.and_then(Value::as_u64).unwrap_or(0);
            effort.get_or_insert(effort_of_budget(budget, budgets, abilities));
            let mut adaptive = Map::from_iter([("type".to_owned(), "adaptive".into())]);
            if let Some(display) = thinking.get("display") {
                adaptive.insert("display".to_owned(), display.clone());
            }
            Ok(Some(Value::Object(adaptive)))
        }
        // ANT-16
        Some("adaptive") if !abilities.adaptive && abilities.reasoning => {
            Ok(Some(enabled(Level::Medium.budget(budgets))))
        }
        Some("disabled") if abilities.always_thinks => Ok(None),
        _ => Ok(Some(Value::Object(thinking.clone()))),
    }
}

fn enabled(budget: u64) -> Value {
    json!({"type": "enabled", "budget_tokens": budget})
}

fn effort_of_budget(budget: u64, budgets: &ThinkingBudgets, abilities: Abilities) -> &'static str {
    if budget >= budgets.xhigh && abilities.effort_xhigh {
        "xhigh"
    } else if budget >= budgets.high {
        "high"
    } else if budget >= budgets.medium {
        "medium"
    } else {
        "low"
    }
}

/// The budget has to leave room for the answer (ANT-15).
fn fit_budget(plan: &mut Thinking, max_tokens: Option<i64>) {
    let Some(Value::Object(thinking)) = &mut plan.param else { return };
    if str_at(thinking, "type") != Some("enabled") {
        return;
    }
    let Some(budget) = thinking.get("budget_tokens").and_then(Value::as_u64) else { return };
    let Some(max_tokens) = max_tokens else {
        plan.max_tokens = Some(budget.saturating_add(ANSWER_TOKENS));
        return;
    };
    let room = u64::try_from(max_tokens).unwrap_or(0).saturating_sub(1);
    if room < MIN_BUDGET {
        tracing::warn!(max_tokens, "thinking dropped: max_tokens leaves no room for it");
        plan.param = None;
    } else if budget > room {
        thinking.insert("budget_tokens".to_owned(), room.into());
    }
}

/// A tool call of the last assistant turn lost its thinking block: the provider would refuse to go on (ANT-19).
fn lost_its_thinking(messages: &[Message]) -> bool {
    let mut assistant = messages.iter().rev().filter(|message| message.role == Role::Assistant);
    assistant.next().is_some_and(|last| !last.tool_calls.is_empty())
        && !messages.iter().any(|message| !message.thinking_blocks.is_empty())
}
