//! Replies and chunks in today's form: a called function is a tool call.

use serde_json::{Value, json};

use crate::json::count_of;
use crate::wires::Memo;

const CACHED: &str = "precached_prompt_tokens";

/// `part` is where a choice has what was said: `message`, or `delta`.
pub fn rewrite(body: &mut Value, part: &str, memo: &Memo) {
    if let Some(usage) = body.get_mut("usage") {
        count_cached(usage);
    }
    if memo.legacy_functions {
        legacy_arguments(body, part);
        return;
    }
    for choice in body.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        if choice.get("finish_reason").and_then(Value::as_str) == Some("function_call") {
            choice["finish_reason"] = "tool_calls".into();
        }
        let Some(Value::Object(said)) = choice.get_mut(part) else { continue };
        let Some(Value::Object(mut call)) = said.shift_remove("function_call") else { continue };
        if let Some(arguments) = call.get_mut("arguments") {
            as_text(arguments);
        }
        said.insert("tool_calls".to_owned(), json!([{ "index": 0, "type": "function", "function": call }]));
    }
}

/// For callers who gave `functions` themselves, only the arguments are made a text.
fn legacy_arguments(body: &mut Value, part: &str) {
    for choice in body.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        let arguments =
            choice.get_mut(part).and_then(|said| said.get_mut("function_call")?.get_mut("arguments"));
        if let Some(arguments) = arguments {
            as_text(arguments);
        }
    }
}

fn as_text(arguments: &mut Value) {
    if !arguments.is_string() {
        *arguments = arguments.to_string().into();
    }
}

/// What was read from the cache is counted apart, and is no part of the prompt's count.
fn count_cached(usage: &mut Value) {
    let Some(cached) = usage.get(CACHED).map(count_of).filter(|cached| *cached > 0) else { return };
    let Value::Object(usage) = usage else { return };
    usage.shift_remove(CACHED);
    for name in ["prompt_tokens", "total_tokens"] {
        if let Some(count) = usage.get(name).map(count_of) {
            usage.insert(name.to_owned(), (count + cached).into());
        }
    }
    usage.insert("prompt_tokens_details".to_owned(), json!({ "cached_tokens": cached }));
}
