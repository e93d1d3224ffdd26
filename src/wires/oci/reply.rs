//! Replies and chunks in OpenAI's form.

use serde_json::{Value, json};

use crate::json::{Map, str_at};

/// Tool calls of a stream by their ids, in order (STR-04): a piece without one belongs to the last.
#[derive(Debug, Default)]
pub struct Calls(Vec<String>);

impl Calls {
    fn index(&mut self, id: Option<&str>) -> usize {
        let Some(id) = id.filter(|id| !id.is_empty()) else { return self.0.len().saturating_sub(1) };
        match self.0.iter().position(|known| known == id) {
            Some(at) => at,
            None => {
                self.0.push(id.to_owned());
                self.0.len() - 1
            }
        }
    }
}

/// `None` for what is no answer.
pub fn whole(body: &[u8]) -> Option<Value> {
    let body = serde_json::from_slice::<Value>(body).ok()?;
    let answer = body.get("chatResponse")?.as_object()?;
    let mut calls = Calls::default();
    let choices: Vec<Value> = match answer.get("choices") {
        Some(Value::Array(choices)) => choices
            .iter()
            .filter_map(Value::as_object)
            .map(|choice| {
                let said =
                    choice.get("message").and_then(Value::as_object).map(|said| message(said, &mut calls));
                json!({ "index": choice.get("index"), "message": said, "finish_reason": reason(choice) })
            })
            .collect(),
        // Cohere's has one text.
        _ => {
            let text = str_at(answer, "text")?;
            vec![json!({
                "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": reason(answer),
            })]
        }
    };
    Some(json!({ "model": body.get("modelId"), "choices": choices, "usage": usage(answer) }))
}

pub fn chunk(data: &[u8], calls: &mut Calls) -> Option<Value> {
    let Ok(Value::Object(chunk)) = serde_json::from_slice::<Value>(data) else { return None };
    let reason = reason(&chunk);
    let delta = match chunk.get("message") {
        Some(Value::Object(said)) => message(said, calls),
        // The last of Cohere's repeats the whole text.
        _ => match str_at(&chunk, "text").filter(|_| reason.is_null()) {
            Some(text) => json!({ "content": text }),
            None => json!({}),
        },
    };
    let usage = usage(&chunk);
    let is_known = ["message", "text", "finishReason"].iter().any(|name| chunk.contains_key(*name));
    if !is_known && usage.is_null() {
        return None;
    }
    let choices = if is_known {
        json!([{ "index": chunk.get("index").cloned().unwrap_or_else(|| 0.into()), "delta": delta, "finish_reason": reason }])
    } else {
        json!([])
    };
    Some(json!({ "choices": choices, "usage": usage }))
}

fn message(said: &Map, calls: &mut Calls) -> Value {
    let text = match said.get("content") {
        Some(Value::Array(parts)) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            Some(texts.collect::<String>())
        }
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    let mut message = json!({ "role": "assistant", "content": text });
    if let Some(thought) = str_at(said, "reasoningContent") {
        message["reasoning_content"] = thought.into();
    }
    let called = said.get("toolCalls").and_then(Value::as_array).into_iter().flatten();
    let tool_calls: Vec<Value> = called
        .filter_map(Value::as_object)
        .map(|call| {
            let id = str_at(call, "id").filter(|id| !id.is_empty());
            let function = json!({ "name": call.get("name"), "arguments": call.get("arguments") });
            json!({ "index": calls.index(id), "id": id, "type": "function", "function": function })
        })
        .collect();
    if !tool_calls.is_empty() {
        message["tool_calls"] = tool_calls.into();
    }
    message
}

/// In small letters, as OpenAI has them; Cohere's words are known as they are.
fn reason(map: &Map) -> Value {
    match str_at(map, "finishReason") {
        Some(native) if native.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => native.into(),
        Some(native) => match native {
            "STOP" | "LENGTH" | "TOOL_CALLS" | "CONTENT_FILTER" => native.to_ascii_lowercase().into(),
            "ERROR_LIMIT" => "length".into(),
            native => native.into(),
        },
        None => Value::Null,
    }
}

fn usage(map: &Map) -> Value {
    let Some(Value::Object(usage)) = map.get("usage") else { return Value::Null };
    let mut counts = json!({
        "prompt_tokens": usage.get("promptTokens"),
        "completion_tokens": usage.get("completionTokens"),
        "total_tokens": usage.get("totalTokens"),
    });
    let detail =
        |outer: &str, inner: &str| usage.get(outer)?.get(inner).filter(|count| count.is_u64()).cloned();
    if let Some(count) = detail("promptTokensDetails", "cachedTokens") {
        counts["prompt_tokens_details"] = json!({ "cached_tokens": count });
    }
    if let Some(count) = detail("completionTokensDetails", "reasoningTokens") {
        counts["completion_tokens_details"] = json!({ "reasoning_tokens": count });
    }
    counts
}
