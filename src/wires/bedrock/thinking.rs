//! `reasoning_effort` and `thinking`: each family has its own way (BED-15).

use serde_json::{Value, json};

use super::model::Family;
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Target};
use crate::json::Map;
use crate::wires::anthropic::{self, Thinking};

/// What a request says of thinking.
#[derive(Debug, Default)]
pub struct Plan {
    /// For `additionalModelRequestFields`.
    pub fields: Map,
    /// A limit above the budget, when the caller set none.
    pub max_tokens: Option<u64>,
    /// Thinking is on: no forced tool then (BED-05).
    pub is_on: bool,
    /// The answer is asked to count the thinking.
    pub counted: bool,
}

pub fn plan(request: &ChatRequest, target: &Target, family: Family) -> Result<Plan> {
    match family {
        Family::Nova | Family::Nova2 => nova(request),
        Family::Openai | Family::Deepseek => plain(request),
        _ => claude(request, target),
    }
}

fn nova(request: &ChatRequest) -> Result<Plan> {
    let mut plan = Plan::default();
    match request.params.reasoning_effort()?.and_then(|effort| effort.effort) {
        None => {}
        Some(effort @ ("low" | "medium" | "high")) => {
            let config = json!({"type": "enabled", "maxReasoningEffort": effort});
            plan.fields.insert("reasoningConfig".to_owned(), config);
        }
        Some(other) => {
            return Err(Error::bad_request(format!(
                "Invalid reasoning_effort value '{other}' for Nova 2 models. Supported values: ['low', 'medium', 'high']"
            ))
            .with_param("reasoning_effort"));
        }
    }
    Ok(plan)
}

fn plain(request: &ChatRequest) -> Result<Plan> {
    let mut plan = Plan::default();
    if let Some(effort) = request.params.reasoning_effort()?.and_then(|effort| effort.effort) {
        plan.fields.insert("reasoning_effort".to_owned(), effort.into());
    }
    Ok(plan)
}

fn claude(request: &ChatRequest, target: &Target) -> Result<Plan> {
    let limit = request.params.output_limit().and_then(Value::as_i64);
    let thinking: Thinking = anthropic::plan_thinking(request, target, limit)?;
    let mut plan = Plan { is_on: thinking.is_on(), max_tokens: thinking.max_tokens, ..Plan::default() };
    let config = anthropic::output_config(request, target, &thinking)?;
    plan.counted = thinking.param.is_some();
    if let Some(param) = thinking.param {
        plan.fields.insert("thinking".to_owned(), param);
    }
    if let Some(config) = config {
        plan.fields.insert("output_config".to_owned(), config.into());
    }
    Ok(plan)
}
