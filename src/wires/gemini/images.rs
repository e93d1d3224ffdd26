//! Images: by Imagen (`predict`), and by Gemini's own image models (`generateContent`).

use serde_json::{Value, json};

use super::ERRORS;
use super::calls_url;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static GENERATION: CallWire = CallWire { takes, encode: generation, decode, next: None, errors: ERRORS };
pub static EDIT: CallWire = CallWire { takes, encode: edit, decode, next: None, errors: ERRORS };

/// What Imagen can draw.
const IMAGEN_RATIOS: [&str; 5] = ["1:1", "3:4", "4:3", "9:16", "16:9"];

fn is_imagen(target: &Target) -> bool {
    target.model.contains("imagen")
}

fn takes(parameter: &str, target: &Target) -> bool {
    match parameter {
        "n" | "size" => true,
        // It chooses the format by itself.
        "output_format" => target.call_type == CallType::ImageEdit,
        _ => false,
    }
}

fn generation(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let prompt = calls::text(request, "prompt")?;
    if !is_imagen(target) {
        return content(&[json!({ "text": prompt })], request, target);
    }
    let mut parameters = rest(request);
    if let Some(count) = request.params.get("n") {
        parameters.insert("sampleCount".to_owned(), count.clone());
    }
    if let Some(ratio) = calls::aspect_ratio(request, &IMAGEN_RATIOS) {
        parameters.entry("aspectRatio").or_insert_with(|| ratio.into());
    }
    if let Some((width, height)) = calls::size(request) {
        let size = if width.max(height) < 2048 { "1K" } else { "2K" };
        parameters.entry("imageSize").or_insert_with(|| size.into());
    }
    let mut body = Map::new();
    body.insert("instances".to_owned(), json!([{ "prompt": prompt }]));
    body.insert("parameters".to_owned(), parameters.into());
    calls::json_call(calls_url(target, "predict"), body, request, Memo::default())
}

fn edit(request: &CallRequest, target: &Target) -> Result<Prepared> {
    if is_imagen(target) {
        return Err(Error::bad_request("Imagen changes no images here: Gemini's image models do.")
            .with_param("model"));
    }
    let mut parts: Vec<Value> = request
        .files
        .iter()
        .map(|file| {
            let kind = file.content_type.as_deref().unwrap_or("image/png");
            json!({ "inlineData": { "mimeType": kind, "data": calls::base64(file) } })
        })
        .collect();
    parts.extend(request.params.get("prompt").map(|prompt| json!({ "text": prompt })));
    content(&parts, request, target)
}

/// The provider's own parameters.
fn rest(request: &CallRequest) -> Map {
    let named = ["prompt", "n", "size", "output_format"];
    request
        .params
        .iter()
        .filter(|(name, _)| !named.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn content(parts: &[Value], request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut config = Map::new();
    config.insert("responseModalities".to_owned(), json!(["IMAGE", "TEXT"]));
    config.extend(rest(request));
    if let Some(count) = request.params.get("n") {
        config.insert("candidateCount".to_owned(), count.clone());
    }
    if let Some(ratio) = calls::aspect_ratio(request, &calls::RATIOS) {
        config.entry("imageConfig").or_insert_with(|| json!({ "aspectRatio": ratio }));
    }
    let mut body = Map::new();
    body.insert("contents".to_owned(), json!([{ "parts": parts }]));
    body.insert("generationConfig".to_owned(), config.into());
    calls::json_call(calls_url(target, "generateContent"), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    if let Some(predictions) = answer.get("predictions").and_then(Value::as_array) {
        let data = predictions
            .iter()
            .filter_map(|one| one.get("bytesBase64Encoded"))
            .map(|data| json!({ "b64_json": data }))
            .collect();
        return Ok(calls::images(data, None));
    }
    let Some(candidates) = answer.get("candidates").and_then(Value::as_array) else {
        return match answer.get("promptFeedback").and_then(|feedback| feedback.get("blockReason")) {
            Some(reason) => Err(Error::new(Kind::ContentPolicy, format!("The prompt was blocked: {reason}"))),
            // Imagen's way to say that everything was filtered.
            None if answer.is_empty() => Ok(calls::images(Vec::new(), None)),
            None => Err(calls::unreadable(reply)),
        };
    };
    let parts = candidates.iter().filter_map(|candidate| candidate.get("content")?.get("parts")?.as_array());
    let data = parts
        .flatten()
        .filter_map(|part| part.get("inlineData").or_else(|| part.get("inline_data"))?.get("data"))
        .map(|data| json!({ "b64_json": data }))
        .collect();
    Ok(calls::images(data, answer.get("usageMetadata").map(usage)))
}

fn usage(found: &Value) -> Value {
    let count = |name: &str| found.get(name).and_then(Value::as_u64).unwrap_or_default();
    let of = |modality: &str| {
        let details = found.get("promptTokensDetails").and_then(Value::as_array).into_iter().flatten();
        let of_it = details.filter(|one| one.get("modality").and_then(Value::as_str) == Some(modality));
        of_it.filter_map(|one| one.get("tokenCount")?.as_u64()).sum::<u64>()
    };
    json!({
        "input_tokens": count("promptTokenCount"),
        "input_tokens_details": { "image_tokens": of("IMAGE"), "text_tokens": of("TEXT") },
        "output_tokens": count("candidatesTokenCount"),
        "total_tokens": count("totalTokenCount"),
    })
}
