//! Black Forest Labs: an image is ordered and waited for.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Next, Prepared};
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target};

pub static IMAGE: CallWire = CallWire {
    takes: |parameter, target| match target.call_type {
        CallType::ImageEdit => matches!(parameter, "mask" | "output_format"),
        _ => parameter == "size",
    },
    encode,
    decode,
    next: Some(next),
    errors: openai::ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = request.params.clone();
    body.shift_remove("size");
    for (index, file) in (1..).zip(request.files.iter().filter(|file| file.field != "mask")) {
        let name = if index == 1 { "input_image".to_owned() } else { format!("input_image_{index}") };
        body.insert(name, calls::base64(file).into());
    }
    if let Some(mask) = request.files.iter().find(|file| file.field == "mask") {
        body.insert("mask".to_owned(), calls::base64(mask).into());
    }
    if target.call_type == CallType::ImageEdit {
        body.entry("output_format").or_insert_with(|| "png".into());
    } else if let Some((width, height)) = calls::size(request) {
        // Some are told the ratio, the others the pixels.
        if target.model.contains("ultra") || target.model.contains("kontext") {
            let ratio = calls::aspect_ratio(request, &calls::RATIOS);
            body.entry("aspect_ratio").or_insert_with(|| ratio.into());
        } else {
            body.entry("width").or_insert_with(|| width.into());
            body.entry("height").or_insert_with(|| height.into());
        }
    }
    let url = format!("{}/{}", target.base, target.model);
    calls::json_call(url, body, request, Memo::default())
}

fn next(
    _request: &CallRequest,
    reply: &HttpReply,
    memo: &mut Memo,
    _target: &Target,
) -> Result<Option<Next>> {
    const ADDRESS: &str = "polling_url";
    let answer = calls::json_object(reply)?;
    if let Some(address) = answer.get(ADDRESS) {
        memo.notes.insert(ADDRESS.to_owned(), address.clone());
    }
    let said = || answer.get("details").map_or_else(String::new, Value::to_string);
    match answer.get("status").and_then(Value::as_str) {
        Some("Ready") => Ok(None),
        Some(status @ ("Request Moderated" | "Content Moderated")) => {
            Err(Error::new(Kind::ContentPolicy, format!("{status} {}", said())))
        }
        Some(status @ ("Error" | "Failed" | "Task not found")) => {
            Err(Error::new(Kind::InternalServer, format!("{status} {}", said())))
        }
        status => {
            let address =
                memo.notes.get(ADDRESS).and_then(Value::as_str).ok_or_else(|| calls::unreadable(reply))?;
            let call = calls::get(address.to_owned());
            Ok(Some(if status.is_none() { Next::now(call) } else { Next::after(calls::POLL, call) }))
        }
    }
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_value(reply)?;
    let address = answer.pointer("/result/sample").filter(|address| address.is_string());
    Ok(calls::images(vec![json!({ "url": address.ok_or_else(|| calls::unreadable(reply))? })], None))
}
