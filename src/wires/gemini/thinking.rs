//! How much the model thinks: effort levels, thinking budgets, thinking levels (GEM-17).

use serde_json::Value;

use super::model;
use crate::error::{Error, Result};
use crate::hub::{Params, Target};
use crate::json::{Map, kind_of, str_at};

const LEVELS: &str = "'minimal', 'low', 'medium', 'high', 'none', 'disable'";

/// The `thinkingConfig` that the parameters ask for.
pub fn config(params: &Params, target: &Target) -> Result<Option<Map>> {
    let effort = params.reasoning_effort()?.and_then(|effort| effort.effort);
    let modern = model::is_modern(target);
    let from_effort = match effort {
        Some(effort) => from_effort(effort, modern, target)?,
        None => None,
    };
    let from_thinking = match params.get("thinking") {
        Some(Value::Object(thinking)) => Some(from_thinking(thinking, modern)),
        Some(other) => {
            let what = format!(
                "Invalid 'thinking': expected an object like {{\"type\": \"enabled\", \"budget_tokens\": 1024}}, got {}.",
                kind_of(other)
            );
            return Err(Error::bad_request(what).with_param("thinking"));
        }
        None => None,
    };
    match (from_thinking, from_effort) {
        (Some(_), Some(_)) if modern => Err(Error::unsupported(
            "'thinking' (a budget) and 'reasoning_effort' (a thinking level) exclude each other on this model. \
             Leave one of them out; from Gemini 3 on, 'reasoning_effort' is the one to use.",
        )
        .with_param("thinking")),
        (Some(thinking), _) => Ok(Some(thinking)),
        (None, effort) => Ok(effort),
    }
}

fn from_effort(effort: &str, modern: bool, target: &Target) -> Result<Option<Map>> {
    let hidden = matches!(effort, "none" | "disable");
    let (key, value): (&str, Value) = if modern {
        let level = match effort {
            "none" | "disable" | "minimal" => model::lowest_level(target),
            "low" => "low",
            "medium" => "medium",
            "high" => "high",
            _ => return invalid(effort, target),
        };
        ("thinkingLevel", level.into())
    } else {
        let budgets = &target.options.thinking_budgets;
        let budget = match effort {
            "none" | "disable" => 0,
            "minimal" => budgets.minimal.unwrap_or_else(|| model::smallest_budget(target)),
            "low" => budgets.low,
            "medium" => budgets.medium,
            "high" => budgets.high,
            _ => return invalid(effort, target),
        };
        ("thinkingBudget", budget.into())
    };
    let mut config = Map::new();
    config.insert(key.into(), value);
    config.insert("includeThoughts".into(), (!hidden).into());
    Ok(Some(config))
}

fn invalid(effort: &str, target: &Target) -> Result<Option<Map>> {
    if target.options.drop_params {
        return Ok(None);
    }
    let what = format!(
        "Invalid 'reasoning_effort': '{effort}'. This model takes {LEVELS}. To leave such values out, set \
         drop_params."
    );
    Err(Error::unsupported(what).with_param("reasoning_effort"))
}

/// Anthropic's form. From Gemini 3 on there is no budget to set, only whether thoughts are shown.
fn from_thinking(thinking: &Map, modern: bool) -> Map {
    let budget = thinking.get("budget_tokens").filter(|budget| !budget.is_null());
    let shown = str_at(thinking, "type") == Some("enabled") && budget.and_then(Value::as_u64) != Some(0);
    let mut config = Map::new();
    if modern || shown {
        config.insert("includeThoughts".into(), shown.into());
    }
    if let (false, Some(budget)) = (modern, budget) {
        config.insert("thinkingBudget".into(), budget.clone());
    }
    config
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{params, target};
    use super::*;

    fn configured(model: &str, asked: Value) -> Value {
        config(&params(asked), &target(model)).unwrap().map_or(Value::Null, Value::Object)
    }

    #[test]
    fn gem_17_budgets_before_gemini_3() {
        for (model, effort, budget) in [
            ("gemini-2.5-flash", "minimal", 1),
            ("gemini-2.5-pro", "minimal", 128),
            ("gemini-2.5-flash-lite", "minimal", 512),
            ("gemini-2.5-flash", "low", 1024),
            ("gemini-2.5-flash", "medium", 2048),
            ("gemini-2.5-flash", "high", 4096),
        ] {
            assert_eq!(
                configured(model, json!({"reasoning_effort": effort})),
                json!({"thinkingBudget": budget, "includeThoughts": true}),
                "{model} {effort}"
            );
        }
        assert_eq!(
            configured("gemini-2.5-flash", json!({"reasoning_effort": "none"})),
            json!({"thinkingBudget": 0, "includeThoughts": false})
        );
    }

    #[test]
    fn gem_17_levels_from_gemini_3_on() {
        for (model, effort, level, shown) in [
            ("gemini-3-pro-preview", "minimal", "low", true),
            ("gemini-3.5-flash", "minimal", "minimal", true),
            ("gemini-3.7-flash", "minimal", "low", true),
            ("gemini-3-pro-preview", "none", "low", false),
            ("gemini-3.5-flash", "disable", "minimal", false),
            ("gemini-3-pro-preview", "high", "high", true),
        ] {
            assert_eq!(
                configured(model, json!({"reasoning_effort": effort})),
                json!({"thinkingLevel": level, "includeThoughts": shown}),
                "{model} {effort}"
            );
        }
    }

    #[test]
    fn gem_17_level_and_budget_together_are_an_error() {
        let asked = json!({"reasoning_effort": "low", "thinking": {"type": "enabled", "budget_tokens": 9}});
        let error = config(&params(asked.clone()), &target("gemini-3-pro-preview")).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::UnsupportedParams);
        assert_eq!(
            configured("gemini-2.5-flash", asked),
            json!({"includeThoughts": true, "thinkingBudget": 9})
        );
    }

    #[test]
    fn gen_07_an_effort_may_be_an_object() {
        let asked = json!({"reasoning_effort": {"effort": "low", "summary": "auto"}});
        assert_eq!(configured("gemini-2.5-flash", asked)["thinkingBudget"], 1024);
    }

    #[test]
    fn gen_01_an_unknown_effort_is_refused_or_dropped() {
        let asked = params(json!({"reasoning_effort": "xhigh"}));
        let mut target = target("gemini-2.5-flash");
        let error = config(&asked, &target).unwrap_err();
        assert_eq!(error.facts().param.as_deref(), Some("reasoning_effort"));
        target.options.drop_params = true;
        assert!(config(&asked, &target).unwrap().is_none());
    }
}
