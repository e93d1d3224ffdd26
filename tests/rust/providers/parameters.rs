//! What becomes of every parameter that was tried at a provider.

use ferrolite::error::{Kind, Result};
use serde_json::{Map, Value, json};

use crate::facts::{self, Chat, compare};
use crate::support::body;

/// A probe: the parameter it is about, and the keywords it passes.
fn probe(name: &str) -> (&str, Value) {
    let tool = json!({
        "type": "function",
        "function": {
            "name": "zqtool", "description": "d",
            "parameters": { "type": "object", "properties": { "x": { "type": "string" } }, "required": ["x"] },
        },
    });
    let schema = json!({
        "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"],
        "additionalProperties": false,
    });
    let choice = |choice: Value| json!({ "tools": [tool], "tool_choice": choice });
    match name {
        "stop_string" => ("stop", json!({ "stop": "zqstop" })),
        "response_format_json_object" => {
            ("response_format", json!({ "response_format": { "type": "json_object" } }))
        }
        "response_format_json_schema" => {
            let format = json!({
                "type": "json_schema", "json_schema": { "name": "zqschema", "strict": true, "schema": schema },
            });
            ("response_format", json!({ "response_format": format }))
        }
        "tools" => ("tools", json!({ "tools": [tool] })),
        "tool_choice_auto" => ("tool_choice", choice(json!("auto"))),
        "tool_choice_none" => ("tool_choice", choice(json!("none"))),
        "tool_choice_required" => ("tool_choice", choice(json!("required"))),
        "tool_choice_named" => {
            ("tool_choice", choice(json!({ "type": "function", "function": { "name": "zqtool" } })))
        }
        "parallel_tool_calls" => (name, json!({ "tools": [tool], "parallel_tool_calls": false })),
        "functions" => (name, json!({ "functions": [tool["function"]] })),
        "function_call" => (name, json!({ "functions": [tool["function"]], "function_call": "auto" })),
        "top_logprobs" => (name, json!({ "logprobs": true, "top_logprobs": 2 })),
        "thinking" => (name, json!({ "thinking": { "type": "enabled", "budget_tokens": 1024 } })),
        _ => {
            let value = match name {
                "temperature" => json!(0.31),
                "top_p" => json!(0.92),
                "n" | "seed" => json!(2),
                "stop" => json!(["zqstop"]),
                "max_tokens" => json!(77),
                "max_completion_tokens" => json!(78),
                "presence_penalty" | "frequency_penalty" => json!(0.32),
                "logit_bias" => json!({ "50256": -100 }),
                "logprobs" | "store" => json!(true),
                "reasoning_effort" | "verbosity" => json!("low"),
                "modalities" => json!(["text"]),
                "audio" => json!({ "voice": "alloy", "format": "wav" }),
                "prediction" => json!({ "type": "content", "content": "zq" }),
                "service_tier" => json!("flex"),
                "prompt_cache_retention" => json!("24h"),
                "web_search_options" => json!({ "search_context_size": "low" }),
                "top_k" => json!(5),
                _ => json!("zq"),
            };
            (name, Value::Object(Map::from_iter([(name.to_owned(), value)])))
        }
    }
}

pub const PROBES: &[&str] = &[
    "temperature",
    "top_p",
    "n",
    "stop",
    "stop_string",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "user",
    "response_format_json_object",
    "response_format_json_schema",
    "seed",
    "tools",
    "tool_choice_auto",
    "tool_choice_none",
    "tool_choice_required",
    "tool_choice_named",
    "parallel_tool_calls",
    "functions",
    "function_call",
    "logprobs",
    "top_logprobs",
    "reasoning_effort",
    "thinking",
    "modalities",
    "audio",
    "prediction",
    "service_tier",
    "store",
    "verbosity",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "web_search_options",
    "top_k",
    "unknown_param",
];

/// What a provider is known to make of a probe.
pub fn expected(chat: &Chat, name: &str) -> &'static str {
    let has = |list: &[String]| list.iter().any(|known| known == name);
    if has(&chat.rejected) {
        "refused"
    } else if has(&chat.dropped) {
        "dropped"
    } else if chat.renamed.contains_key(name) {
        "renamed"
    } else if chat.becomes.contains_key(name) {
        "becomes"
    } else {
        "same"
    }
}

/// What is different from what is known, if anything.
pub fn difference(
    body: impl Fn(Value) -> Result<Value>,
    chat: &Chat,
    expectation: &str,
    name: &str,
) -> Option<String> {
    let (parameter, keywords) = probe(name);
    let value = &keywords[parameter];
    let body = match body(keywords.clone()) {
        Ok(body) => body,
        Err(error) if error.kind() == Kind::UnsupportedParams => {
            return (expectation != "refused").then(|| "refused".to_owned());
        }
        Err(error) => return Some(error.to_string()),
    };
    match expectation {
        "refused" => Some("not refused".to_owned()),
        "dropped" => body.get(parameter).map(|sent| format!("sent as {sent}")),
        "renamed" => {
            let path = format!("/{}", chat.renamed[name].replace('.', "/"));
            (body.pointer(&path) != Some(value)).then(|| format!("not at {path}"))
        }
        "becomes" => differs(&chat.becomes[name], &body),
        _ => (body.get(parameter) != Some(value)).then(|| format!("sent as {:?}", body.get(parameter))),
    }
}

/// Whether the known part of a body is not in the body. Texts that were not kept are not compared.
fn differs(known: &Value, body: &Value) -> Option<String> {
    for (key, value) in known.as_object().into_iter().flatten() {
        if value.to_string().contains("(text inserted") {
            let count = |value: &Value| value.as_array().map_or(0, Vec::len);
            if count(&body[key]) != count(value) {
                return Some(format!("{key} has another length"));
            }
        } else if body.get(key) != Some(value) {
            return Some(format!("{key} is {}", body[key]));
        }
    }
    None
}

#[test]
fn parameters_fare_as_known() {
    let mut found = Vec::new();
    for (provider, facts) in facts::providers() {
        let chat = facts.chat();
        let model = format!("{provider}/{}", chat.model);
        for name in PROBES {
            if let Some(what) = difference(|more| body(&model, more), chat, expected(chat, name), name) {
                found.push(format!("{provider}: {name} {what}"));
            }
        }
        // A model that reasons: only what is said of it.
        let Some(reasoning) = &chat.reasoning_model else { continue };
        let model = format!("{provider}/{}", reasoning.model);
        let said = reasoning.same.iter().chain(reasoning.renamed.keys()).chain(reasoning.becomes.keys());
        for name in said.chain(&reasoning.rejected).chain(&reasoning.dropped) {
            if let Some(what) =
                difference(|more| body(&model, more), reasoning, expected(reasoning, name), name)
            {
                found.push(format!("{provider}: reasoning {name} {what}"));
            }
        }
    }
    compare(&found, DIFFERENCES);
}

const FORM: &str = "the reference sends a broken form, we send JSON";

/// What differs, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("aiohttp_openai", "", FORM),
    ("deepinfra", "tool_choice_none", "'none' is sent: without it the model may call tools"),
    ("gradient_ai", "user", "`user` is left out: losing it changes no answer"),
    ("meta_llama", "response_format_json_object", "a wish for JSON is not dropped in silence (GEN-01)"),
    ("mistral", "thinking", "taken for every model that reasons: a budget stands for an effort"),
    ("xai", "web_search_options", "the Responses API, which has the search, is not here yet"),
    ("zerogpu", "user", "`user` is left out: losing it changes no answer"),
];
