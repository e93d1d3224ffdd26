//! Which parameters a model takes, and the values it refuses (OAI-02 … OAI-06).
//!
//! OpenAI's own model families differ; a model that is not in the table is some compatible server's and takes
//! what the format has.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::hub::{Params, ReasoningEffort, Target};

/// A family of models with rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// No reasoning, or a model nobody has heard of.
    Plain,
    /// o1, o3, o4 …
    OSeries,
    /// gpt-5 and later, but for the chat and search lines (OAI-05).
    Gpt5,
    /// gpt-5-search: a short list of its own (OAI-05).
    Gpt5Search,
}

pub fn family(target: &Target) -> Family {
    if !target.accent.openai_models {
        return Family::Plain;
    }
    let model = target.known_as().rsplit('/').next().unwrap_or_default();
    if let Some(rest) = model.strip_prefix("gpt-")
        && rest.bytes().next().is_some_and(|digit| (b'5'..=b'9').contains(&digit))
    {
        return if rest.starts_with("5-chat") {
            Family::Plain
        } else if rest.starts_with("5-search") {
            Family::Gpt5Search
        } else {
            Family::Gpt5
        };
    }
    let digits = model.strip_prefix('o').and_then(|rest| rest.bytes().next());
    if digits.is_some_and(|digit| digit.is_ascii_digit()) && target.facts.can("reasoning") {
        return Family::OSeries;
    }
    Family::Plain
}

/// Whether the model takes sampling parameters when it does not reason (OAI-04).
fn can_skip_reasoning(target: &Target) -> bool {
    target.facts.can("none_reasoning_effort")
}

/// Whether the target takes a parameter: as its row says, else as OpenAI's models do.
pub fn supports(parameter: &str, target: &Target) -> bool {
    if let Some(said) = target.accent.takes(parameter, target.known_as(), &target.facts) {
        return said;
    }
    if target.accent.openai_models {
        return openai_supports(parameter, target);
    }
    // What few compatible servers know. `user` is refused by some; nobody's answer depends on it.
    !matches!(parameter, "reasoning_effort" | "thinking" | "user" | "verbosity")
}

fn openai_supports(parameter: &str, target: &Target) -> bool {
    let family = family(target);
    match parameter {
        "thinking"
        | "cache_control"
        | "context_management"
        | "speed"
        | "include_server_side_tool_invocations" => false,
        "verbosity" => matches!(family, Family::Gpt5 | Family::Gpt5Search),
        "reasoning_effort" => match family {
            Family::OSeries | Family::Gpt5 => true,
            Family::Gpt5Search => false,
            Family::Plain => target.facts.key.is_none(),
        },
        // Some compatible servers refuse it, so only OpenAI's own models get it.
        "user" => target.facts.key.is_some(),
        "frequency_penalty" | "presence_penalty" => family == Family::Plain,
        "logprobs" | "top_logprobs" | "top_p" => {
            family == Family::Plain || (family == Family::Gpt5 && can_skip_reasoning(target))
        }
        "parallel_tool_calls" => match family {
            Family::Plain | Family::Gpt5 => true,
            Family::OSeries => target.facts.can("parallel_function_calling"),
            Family::Gpt5Search => false,
        },
        "audio" | "logit_bias" | "modalities" | "prediction" | "stop" => {
            matches!(family, Family::Plain | Family::OSeries)
        }
        "web_search_options" => family != Family::Gpt5,
        "tools" | "functions" | "function_call" => match family {
            Family::OSeries => target.facts.can("function_calling"),
            Family::Plain | Family::Gpt5 => true,
            Family::Gpt5Search => false,
        },
        "tool_choice" => match family {
            Family::OSeries => target.facts.can("function_calling"),
            Family::Gpt5 => target.facts.key.is_none() || target.facts.can("tool_choice"),
            Family::Plain => true,
            Family::Gpt5Search => false,
        },
        "response_format" => match family {
            Family::OSeries => target.facts.can("response_schema"),
            _ => !matches!(target.model.as_str(), "gpt-4" | "gpt-3.5-turbo-16k"),
        },
        "n" | "seed" | "temperature" | "prompt_cache_key" | "prompt_cache_retention" => {
            family != Family::Gpt5Search
        }
        _ => true,
    }
}

/// Refuses or drops values that the model's family does not take.
pub fn check_values(params: &mut Params, target: &Target) -> Result<()> {
    match family(target) {
        Family::Plain | Family::Gpt5Search => Ok(()),
        Family::OSeries => check_temperature(params, target, "o-series models"),
        Family::Gpt5 => check_gpt5(params, target),
    }
}

fn check_temperature(params: &mut Params, target: &Target, who: &str) -> Result<()> {
    let Some(temperature) = params.get("temperature") else { return Ok(()) };
    if temperature.as_f64() == Some(1.0) {
        return Ok(());
    }
    if target.options.drop_params {
        params.remove("temperature");
        return Ok(());
    }
    let what = format!(
        "{} ({who}) doesn't support temperature={temperature}. Only temperature=1 is supported",
        target.model
    );
    Err(refused("temperature", &what, target))
}

fn check_gpt5(params: &mut Params, target: &Target) -> Result<()> {
    let effort = match params.reasoning_effort()? {
        Some(ReasoningEffort { effort, .. }) => effort.map(str::to_owned),
        None => None,
    };
    let drop = target.options.drop_params;
    if let Some(level) = &effort
        && !takes_effort(level, target)
    {
        if !drop {
            let what = format!("reasoning_effort={level} is not supported for {}", target.model);
            return Err(refused("reasoning_effort", &what, target));
        }
        params.remove("reasoning_effort");
    } else if let (Some(level), Some(Value::Object(_))) = (&effort, params.get("reasoning_effort")) {
        // Chat takes the word alone; a summary can only be asked for on the Responses API (GEN-07).
        params.0.insert("reasoning_effort".into(), level.as_str().into());
    }
    let resolved = effort.as_deref().or(target.facts.default_effort.as_deref());
    if resolved == Some("none") {
        return Ok(());
    }
    let sampling: Vec<&str> =
        ["logprobs", "top_p", "top_logprobs"].into_iter().filter(|name| params.has(name)).collect();
    if let Some(first) = sampling.first() {
        if !drop {
            let what = format!(
                "{} only supports logprobs, top_p, top_logprobs when reasoning_effort resolves to 'none'",
                target.model
            );
            return Err(refused(first, &what, target));
        }
        for name in sampling {
            params.remove(name);
        }
    }
    check_temperature(params, target, "while reasoning is active, unless reasoning_effort resolves to 'none'")
}

/// Levels are gated by the model's facts: one said to be lacking is refused, `xhigh` (and what the row says) unless it
/// is listed, `max` never (OAI-06).
fn takes_effort(level: &str, target: &Target) -> bool {
    let ability = format!("{level}_reasoning_effort");
    match level {
        "max" => true,
        "xhigh" => target.facts.can(&ability),
        _ if target.accent.listed_efforts.iter().any(|known| known == level) => target.facts.can(&ability),
        _ => !target.facts.lacks(&ability),
    }
}

fn refused(param: &str, what: &str, target: &Target) -> Error {
    let text =
        format!("{}: {what}. To drop unsupported parameters instead, set drop_params=True.", target.provider);
    Error::unsupported(text).with_param(param)
}
