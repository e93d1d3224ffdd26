//! Effort and thinking, in the two ways models have.

use serde_json::{Value, json};

use super::{OLD, OPUS, SONNET, body, dropping, refused, repairing, target, user};
use crate::error::Kind;
use crate::hub::{Options, Target, ThinkingBudgets};

const LEGACY: &str = "claude-opus-4-6";

fn ask(target: &Target, keywords: Value) -> Value {
    let mut all = json!({"messages": [user("q")]});
    all.as_object_mut().unwrap().extend(keywords.as_object().unwrap().clone());
    body(target, all)
}

fn asked(model: &str, keywords: Value) -> Value {
    ask(&target(model), keywords)
}

fn budget(tokens: u64) -> Value {
    json!({"type": "enabled", "budget_tokens": tokens})
}

#[test]
fn ant_14_effort_as_a_budget() {
    let levels =
        [("minimal", 1024), ("low", 1024), ("medium", 2048), ("high", 4096), ("xhigh", 8192), ("max", 16384)];
    for (level, tokens) in levels {
        let body = asked(SONNET, json!({"reasoning_effort": level}));
        assert_eq!(body["thinking"], budget(tokens), "{level}");
        assert!(body.get("output_config").is_none());
    }
    assert!(asked(SONNET, json!({"reasoning_effort": "none"})).get("thinking").is_none());
    let budgets = ThinkingBudgets { low: 3000, minimal: Some(10), ..ThinkingBudgets::default() };
    let own =
        Target { options: Options { thinking_budgets: budgets, ..Options::default() }, ..target(SONNET) };
    assert_eq!(ask(&own, json!({"reasoning_effort": "low"}))["thinking"], budget(3000));
    assert_eq!(
        ask(&own, json!({"reasoning_effort": "minimal"}))["thinking"],
        budget(1024),
        "the provider's least"
    );
}

#[test]
fn ant_14_effort_as_a_level() {
    for (word, level) in
        [("minimal", "low"), ("low", "low"), ("high", "high"), ("xhigh", "xhigh"), ("max", "max")]
    {
        let body = asked(OPUS, json!({"reasoning_effort": word}));
        assert_eq!(body["thinking"], json!({"type": "adaptive", "display": "summarized"}));
        assert_eq!(body["output_config"], json!({"effort": level}));
        assert_eq!(body["max_tokens"], 128_000);
    }
    let none = asked(OPUS, json!({"reasoning_effort": "none"}));
    assert!(none.get("thinking").is_none() && none.get("output_config").is_none());
}

#[test]
fn ant_14_levels_a_model_lacks() {
    let xhigh = json!({"messages": [user("q")], "reasoning_effort": "xhigh"});
    let error = refused(&target(LEGACY), xhigh.clone());
    assert_eq!((error.kind(), error.facts().param.as_deref()), (Kind::BadRequest, Some("reasoning_effort")));
    assert!(body(&dropping(LEGACY), xhigh).get("output_config").is_none());
    let weird = json!({"messages": [user("q")], "reasoning_effort": "weird"});
    assert!(refused(&target(SONNET), weird).message().contains("'minimal', 'low'"));
    let own = json!({"messages": [user("q")], "output_config": {"effort": "max"}});
    assert_eq!(refused(&target(SONNET), own.clone()).kind(), Kind::BadRequest);
    assert!(body(&dropping(SONNET), own).get("output_config").is_none());
}

#[test]
fn gen_07_effort_as_an_object() {
    let effort = json!({"reasoning_effort": {"effort": "low", "summary": "auto"}});
    assert_eq!(asked(SONNET, effort)["thinking"], budget(1024));
}

#[test]
fn ant_14_the_callers_own_words_win() {
    let both = json!({"reasoning_effort": "high", "thinking": budget(1024)});
    assert_eq!(asked(SONNET, both)["thinking"], budget(1024));
    let both = json!({"reasoning_effort": "low", "output_config": {"effort": "max"}});
    assert_eq!(asked(OPUS, both)["output_config"], json!({"effort": "max"}));
}

#[test]
fn ant_15_the_limit_stays_above_the_budget() {
    let raised = asked(SONNET, json!({"thinking": budget(2000)}));
    assert_eq!(raised["max_tokens"], 6096);
    let capped = asked(SONNET, json!({"thinking": budget(2000), "max_tokens": 1500}));
    assert_eq!(capped["thinking"], budget(1499));
    let capped = asked(SONNET, json!({"reasoning_effort": "high", "max_tokens": 4096}));
    assert_eq!(capped["thinking"], budget(4095));
    let none = asked(SONNET, json!({"reasoning_effort": "low", "max_tokens": 1024}));
    assert!(none.get("thinking").is_none());
    assert_eq!(none["max_tokens"], 1024);
    let fits = asked(SONNET, json!({"thinking": budget(1024), "max_tokens": 4000}));
    assert_eq!((&fits["thinking"], &fits["max_tokens"]), (&budget(1024), &4000.into()));
}

#[test]
fn ant_16_adaptive_thinking_on_an_older_model() {
    for model in [SONNET, OLD] {
        let body = asked(model, json!({"thinking": {"type": "adaptive", "display": "omitted"}}));
        assert_eq!((&body["thinking"], &body["max_tokens"]), (&budget(2048), &6144.into()));
    }
}

#[test]
fn ant_16_a_budget_on_a_newer_model() {
    for (tokens, level) in [(0, "low"), (1024, "low"), (2048, "medium"), (4096, "high"), (8192, "xhigh")] {
        let body = asked(OPUS, json!({"thinking": budget(tokens)}));
        assert_eq!(body["thinking"], json!({"type": "adaptive"}));
        assert_eq!(body["output_config"], json!({"effort": level}));
    }
    assert_eq!(asked(LEGACY, json!({"thinking": budget(2000)}))["thinking"], budget(2000));
}

#[test]
fn a_model_that_always_thinks_is_not_told_otherwise() {
    let off = json!({"thinking": {"type": "disabled"}});
    assert!(asked("claude-sonnet-5-5", off.clone()).get("thinking").is_none());
    assert_eq!(asked(OPUS, off.clone())["thinking"], off["thinking"]);
}

#[test]
fn ant_19_thinking_is_dropped_where_its_blocks_are_gone() {
    let conversation = |blocks: Value| {
        json!({
            "messages": [
                user("q"),
                {"role": "assistant", "content": "x", "thinking_blocks": blocks},
                user("r"),
                {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": ""}}]},
                {"role": "tool", "tool_call_id": "1", "content": "r"},
            ],
            "thinking": budget(1024), "max_tokens": 5000,
        })
    };
    let some = json!([{"type": "thinking", "thinking": "t", "signature": "s"}]);
    assert!(body(&repairing(SONNET), conversation(json!([]))).get("thinking").is_none());
    assert_eq!(body(&repairing(SONNET), conversation(some))["thinking"], budget(1024));
    assert_eq!(body(&target(SONNET), conversation(json!([])))["thinking"], budget(1024));
}
