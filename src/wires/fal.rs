//! fal: each model has a path and, within bounds, parameters of its own.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;

pub static GENERATION: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "n" | "output_format" | "response_format" | "size"),
    encode: generation,
    decode,
    next: None,
    errors: openai::ERRORS,
};

pub static EDIT: CallWire = CallWire {
    takes: |parameter, _| {
        matches!(parameter, "background" | "mask" | "n" | "output_format" | "quality" | "size")
    },
    encode: edit,
    decode,
    next: None,
    errors: openai::ERRORS,
};

/// Models that are told a ratio in place of a size, by a part of their names.
const BY_RATIO: [&str; 4] = ["bria/", "imagen", "nano-banana", "ultra"];

/// Beginnings of names of its own models.
const OWN: [&str; 6] = ["flux", "ideogram", "imagen", "nano-banana", "recraft", "stable-diffusion"];

fn generation(request: &CallRequest, target: &Target) -> Result<Prepared> {
    calls::json_call(url(target, ""), body(request, target), request, Memo::default())
}

fn edit(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = body(request, target);
    let images = request.files.iter().filter(|file| file.field != "mask").map(calls::data_address);
    body.insert("image_urls".to_owned(), images.collect::<Vec<_>>().into());
    if let Some(mask) = request.files.iter().find(|file| file.field == "mask") {
        body.insert("mask_url".to_owned(), calls::data_address(mask).into());
    }
    let end = if target.model.ends_with("/edit") { "" } else { "/edit" };
    calls::json_call(url(target, end), body, request, Memo::default())
}

/// fal's own models may go without their owner's name.
fn url(target: &Target, end: &str) -> String {
    let model = &target.model;
    let is_own = !model.contains('/') || OWN.iter().any(|name| model.starts_with(name));
    let owner = if is_own { "fal-ai/" } else { "" };
    format!("{}/{owner}{model}{end}", target.base)
}

fn body(request: &CallRequest, target: &Target) -> Map {
    let mut body = request.params.clone();
    if let Some(count) = body.shift_remove("n") {
        body.entry("num_images").or_insert(count);
    }
    // Data in place of an address, in the same field.
    if body.shift_remove("response_format").is_some_and(|format| format == "b64_json") {
        body.entry("sync_mode").or_insert(Value::Bool(true));
    }
    body.shift_remove("size");
    if let Some((width, height)) = calls::size(request) {
        if BY_RATIO.iter().any(|part| target.model.contains(part)) {
            let ratio = calls::aspect_ratio(request, &calls::RATIOS);
            body.entry("aspect_ratio").or_insert_with(|| ratio.into());
        } else {
            body.entry("image_size").or_insert_with(|| json!({ "width": width, "height": height }));
        }
    }
    body
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let images = match (answer.get("images"), answer.get("image")) {
        (Some(Value::Array(images)), _) => images.iter().collect(),
        (_, Some(image)) => vec![image],
        _ => return Err(calls::unreadable(reply)),
    };
    Ok(calls::images(images.into_iter().filter_map(image).collect(), None))
}

fn image(found: &Value) -> Option<Value> {
    let address = found.get("url").unwrap_or(found).as_str()?;
    let mut image = match address.strip_prefix("data:").and_then(|data| data.split_once(";base64,")) {
        Some((_, data)) => json!({ "b64_json": data }),
        None => json!({ "url": address }),
    };
    let fields: Map = ["width", "height", "content_type"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), found.get(name).filter(|value| !value.is_null())?.clone())))
        .collect();
    if !fields.is_empty() {
        image["provider_specific_fields"] = fields.into();
    }
    Some(image)
}
