//! Stability: forms in, an image in JSON out.

use http::header::{ACCEPT, HeaderValue};
use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target};

pub static IMAGE: CallWire = CallWire {
    takes: |parameter, target| match parameter {
        "mask" => target.call_type == CallType::ImageEdit,
        _ => matches!(parameter, "output_format" | "size"),
    },
    encode,
    decode,
    next: None,
    errors: openai::ERRORS,
};

const RATIOS: [&str; 9] = ["1:1", "16:9", "9:16", "3:2", "2:3", "5:4", "4:5", "21:9", "9:21"];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut fields = request.params.clone();
    fields.shift_remove("size");
    fields.extend(request.extra_body.clone());
    fields.entry("output_format").or_insert_with(|| "png".into());
    if let Some(ratio) = calls::aspect_ratio(request, &RATIOS) {
        fields.entry("aspect_ratio").or_insert_with(|| ratio.into());
    }
    let model = target.model.as_str();
    let path = match target.call_type {
        CallType::ImageEdit => {
            calls::file(request)?;
            edit_path(model)
        }
        _ => match model {
            _ if model.contains("ultra") => "generate/ultra".to_owned(),
            _ if model.contains("core") && !model.starts_with("sd3") => "generate/core".to_owned(),
            _ => {
                if model.starts_with("sd3.") || model.starts_with("sd3-") {
                    fields.entry("model").or_insert_with(|| model.into());
                }
                "generate/sd3".to_owned()
            }
        },
    };
    let url = format!("{}/v2beta/stable-image/{path}", target.base);
    let mut prepared = calls::form_call(url, &fields, &request.files, Memo::default());
    prepared.call.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(prepared)
}

fn edit_path(model: &str) -> String {
    match model {
        "sketch" | "structure" | "style" => format!("control/{model}"),
        "style-transfer" => "control/style-transfer".to_owned(),
        "fast" | "conservative" | "creative" => format!("upscale/{model}"),
        other => format!("edit/{other}"),
    }
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    if answer.get("finish_reason").and_then(Value::as_str) == Some("CONTENT_FILTERED") {
        return Err(Error::new(Kind::ContentPolicy, "The image was filtered (CONTENT_FILTERED)."));
    }
    let image = answer.get("image").filter(|image| image.is_string());
    Ok(calls::images(vec![json!({ "b64_json": image.ok_or_else(|| calls::unreadable(reply))? })], None))
}
