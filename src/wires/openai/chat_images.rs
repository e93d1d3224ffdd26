//! Images out of a chat, for models that are asked for them there.

use serde_json::{Value, json};

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, CallType, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static IMAGE: CallWire = CallWire {
    takes: |parameter, target| match parameter {
        "n" | "quality" | "size" => true,
        // It chooses the format by itself.
        "output_format" => target.call_type == CallType::ImageEdit,
        _ => false,
    },
    encode,
    decode,
    next: None,
    errors: ERRORS,
};

const RATIOS: [&str; 10] = ["1:1", "16:9", "9:16", "3:2", "2:3", "4:3", "3:4", "5:4", "4:5", "21:9"];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.as_str().into());
    let prompt = request.params.get("prompt").cloned().unwrap_or_else(|| "".into());
    let content = if request.files.is_empty() {
        prompt
    } else {
        let image = |file| json!({ "type": "image_url", "image_url": { "url": calls::data_address(file) } });
        let images = request.files.iter().map(image);
        images.chain([json!({ "type": "text", "text": prompt })]).collect()
    };
    body.insert("messages".to_owned(), json!([{ "role": "user", "content": content }]));
    body.insert("modalities".to_owned(), json!(["image", "text"]));
    let mut config = Map::new();
    if let Some(quality) = request.params.get("quality").and_then(Value::as_str) {
        let size = match quality {
            "high" | "hd" => "4K",
            "medium" => "2K",
            _ => "1K",
        };
        config.insert("image_size".to_owned(), size.into());
    }
    if let Some(ratio) = calls::aspect_ratio(request, &RATIOS) {
        config.insert("aspect_ratio".to_owned(), ratio.into());
    }
    if !config.is_empty() {
        body.insert("image_config".to_owned(), config.into());
    }
    let named = ["prompt", "quality", "size", "output_format"];
    for (name, value) in request.params.iter().filter(|(name, _)| !named.contains(&name.as_str())) {
        body.insert(name.clone(), value.clone());
    }
    calls::json_call(target.url("/chat/completions"), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(choices)) = answer.get("choices") else { return Err(calls::unreadable(reply)) };
    let images = choices.iter().filter_map(|choice| choice.pointer("/message/images")?.as_array()).flatten();
    let data = images
        .filter_map(|image| image.pointer("/image_url/url")?.as_str())
        .map(|address| match address.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
            Some((_, data)) => json!({ "b64_json": data }),
            None => json!({ "url": address }),
        })
        .collect();
    let usage = answer.get("usage").map(|usage| {
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
        let images = usage.pointer("/completion_tokens_details/image_tokens").and_then(Value::as_u64);
        json!({
            "input_tokens": count("prompt_tokens"),
            "input_tokens_details": { "image_tokens": 0, "text_tokens": count("prompt_tokens") },
            "output_tokens": images.unwrap_or_else(|| count("completion_tokens")),
            "total_tokens": count("total_tokens"),
        })
    });
    Ok(calls::images(data, usage))
}
