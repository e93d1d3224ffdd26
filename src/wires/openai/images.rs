//! Images: made (`/images/generations`), changed (`/images/edits`) and varied (`/images/variations`).

use serde_json::Value;

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, CallType, Target, Upload};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static GENERATION: CallWire = CallWire { takes, encode: generation, decode, next: None, errors: ERRORS };
pub static EDIT: CallWire = CallWire { takes, encode: edit, decode, next: None, errors: ERRORS };
pub static VARIATION: CallWire = CallWire { takes, encode: variation, decode, next: None, errors: ERRORS };

/// OpenAI's models answer in their own format and style; other servers' may be told.
fn takes(parameter: &str, target: &Target) -> bool {
    let is_generation = target.call_type == CallType::ImageGeneration;
    !(is_generation && target.accent.openai_models && matches!(parameter, "response_format" | "style"))
}

fn generation(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = calls::named_body(request, target);
    if request.stream {
        body.insert("stream".to_owned(), Value::Bool(true));
    }
    calls::json_call(target.url("/images/generations"), body, request, Memo::default())
}

/// The images are a list, even a single one.
fn edit(request: &CallRequest, target: &Target) -> Result<Prepared> {
    calls::file(request)?;
    let named = |file: &Upload| {
        let field = match file.field.as_str() {
            "image" if !target.call_accent.one_image => "image[]".to_owned(),
            "image[]" if target.call_accent.one_image => "image".to_owned(),
            other => other.to_owned(),
        };
        Upload { field, ..file.clone() }
    };
    let files: Vec<Upload> = request.files.iter().map(named).collect();
    Ok(form("/images/edits", request, &files, target))
}

fn variation(request: &CallRequest, target: &Target) -> Result<Prepared> {
    calls::file(request)?;
    Ok(form("/images/variations", request, &request.files, target))
}

fn form(path: &str, request: &CallRequest, files: &[Upload], target: &Target) -> Prepared {
    calls::form_call(target.url(path), &calls::form_fields(request, target), files, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    if !answer.get("data").is_some_and(Value::is_array) {
        return Err(calls::unreadable(reply));
    }
    Ok(CallResponse::Json(answer.into()))
}
