//! At most four cache breakpoints (ANT-27).

use serde_json::Value;

use crate::json::Map;

const LIMIT: usize = 4;

/// Removes surplus marks, the earliest of system and messages first; those of tools and of the request stay.
pub fn trim(body: &mut Map) {
    let marked = |value: Option<&Value>| {
        value.and_then(Value::as_array).map_or(0, |items| items.iter().filter(|item| has_mark(item)).count())
    };
    let fixed = marked(body.get("tools")) + usize::from(body.contains_key("cache_control"));
    let in_messages = body
        .get("messages")
        .and_then(Value::as_array)
        .map_or(0, |messages| messages.iter().map(|message| marked(message.get("content"))).sum());
    let mut surplus = (fixed + marked(body.get("system")) + in_messages).saturating_sub(LIMIT);
    if surplus == 0 {
        return;
    }
    tracing::warn!(surplus, "cache_control marks dropped, four are the limit");
    if let Some(Value::Array(blocks)) = body.get_mut("system") {
        remove(blocks, &mut surplus);
    }
    if let Some(Value::Array(messages)) = body.get_mut("messages") {
        for message in messages {
            if let Some(Value::Array(blocks)) = message.get_mut("content") {
                remove(blocks, &mut surplus);
            }
        }
    }
}

fn has_mark(block: &Value) -> bool {
    block.get("cache_control").is_some()
}

fn remove(blocks: &mut [Value], surplus: &mut usize) {
    for block in blocks.iter_mut() {
        if *surplus == 0 {
            return;
        }
        if let Value::Object(block) = block
            && block.shift_remove("cache_control").is_some()
        {
            *surplus -= 1;
        }
    }
}
