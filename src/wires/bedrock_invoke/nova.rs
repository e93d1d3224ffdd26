//! Nova: Converse's format, less what only Converse itself understands; cache points have another place.

use serde_json::Value;

use crate::error::Result;
use crate::hub::{ChatRequest, Target};
use crate::json::Map;
use crate::wires::{Memo, bedrock};

const KEYS: [&str; 4] = ["messages", "system", "inferenceConfig", "toolConfig"];

pub fn body(request: &ChatRequest, target: &Target, memo: &mut Memo) -> Result<Map> {
    let mut plain = std::borrow::Cow::Borrowed(request);
    if request.extra.contains_key("guardrailConfig") {
        plain.to_mut().extra.shift_remove("guardrailConfig");
    }
    let (mut body, remembered, _) = bedrock::body(&plain, target)?;
    *memo = remembered;
    if let Some(Value::Object(own)) = body.shift_remove("additionalModelRequestFields") {
        put_own_parameters(own, &mut body);
    }
    body.retain(|key, _| KEYS.contains(&key.as_str()) || request.extra_body.contains_key(key));
    if let Some(Value::Array(messages)) = body.get_mut("messages") {
        messages.iter_mut().filter_map(|message| message.get_mut("content")).for_each(move_points);
    }
    if let Some(system) = body.get_mut("system") {
        move_points(system);
    }
    Ok(body)
}

/// The model's own parameters, where they belong: here all of them are in one object.
fn put_own_parameters(mut own: Map, body: &mut Map) {
    let mut config = match own.shift_remove("inferenceConfig") {
        Some(Value::Object(config)) => config,
        _ => Map::new(),
    };
    if let Some(reasoning) = own.shift_remove("reasoningConfig") {
        config.insert("reasoningConfig".to_owned(), reasoning);
    }
    if let Some(Value::Object(shared)) = body.get_mut("inferenceConfig") {
        shared.extend(config);
    }
}

/// BED-13: here a cache point is a field of the text before it, no block of its own. Behind anything else there is none.
fn move_points(blocks: &mut Value) {
    let Value::Array(blocks) = blocks else { return };
    let mut moved: Vec<Value> = Vec::with_capacity(blocks.len());
    for mut block in std::mem::take(blocks) {
        let Some(point) = block.get_mut("cachePoint").map(Value::take) else {
            moved.push(block);
            continue;
        };
        if let Some(Value::Object(text)) = moved.last_mut().filter(|before| before.get("text").is_some()) {
            text.insert("cachePoint".to_owned(), point);
        }
    }
    *blocks = moved;
}
