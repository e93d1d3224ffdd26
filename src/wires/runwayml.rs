//! Runway: a task is begun, waited for, and its output is where it says.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Next, Prepared};
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target};

pub static IMAGE: CallWire = CallWire {
    takes: |parameter, _| parameter == "size",
    encode: image,
    decode: image_answer,
    next: Some(next),
    errors: openai::ERRORS,
};

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| parameter == "voice",
    encode: speech,
    decode: |reply, _, _| Ok(calls::bytes(reply)),
    next: Some(next),
    errors: openai::ERRORS,
};

/// OpenAI's voices, as those that stand for them; any other name is taken for one of Runway's.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "Maya"),
    ("echo", "James"),
    ("fable", "Bernard"),
    ("nova", "Serene"),
    ("onyx", "Vincent"),
    ("shimmer", "Ella"),
];

const RATIO: &str = "1920:1080";
/// Noted while the output is fetched.
const FETCHED: &str = "fetched";

fn image(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = calls::named_body(request, target);
    body.shift_remove("prompt");
    body.shift_remove("size");
    body.insert("promptText".to_owned(), calls::text(request, "prompt")?.into());
    let ratio =
        calls::size(request).map_or_else(|| RATIO.to_owned(), |(width, height)| format!("{width}:{height}"));
    body.entry("ratio").or_insert_with(|| ratio.into());
    calls::json_call(target.url("/text_to_image"), body, request, Memo::default())
}

fn speech(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = calls::named_body(request, target);
    body.shift_remove("input");
    body.insert("promptText".to_owned(), calls::text(request, "input")?.into());
    let voice = match body.shift_remove("voice") {
        Some(Value::String(name)) => {
            let name =
                VOICES.iter().find(|(openai, _)| *openai == name).map_or(name.as_str(), |(_, own)| own);
            json!({ "type": "runway-preset", "presetId": name })
        }
        Some(voice) => voice,
        None => return Err(Error::bad_request("'voice' is missing: one of Runway's.").with_param("voice")),
    };
    body.insert("voice".to_owned(), voice);
    calls::json_call(target.url("/text_to_speech"), body, request, Memo::default())
}

fn next(_request: &CallRequest, reply: &HttpReply, memo: &mut Memo, target: &Target) -> Result<Option<Next>> {
    if memo.notes.contains_key(FETCHED) {
        return Ok(None);
    }
    let answer = calls::json_object(reply)?;
    match answer.get("status").and_then(Value::as_str) {
        Some("SUCCEEDED") if target.call_type == CallType::Speech => {
            let address = answer.get("output").and_then(|output| output.get(0)).and_then(Value::as_str);
            let address = address.ok_or_else(|| calls::unreadable(reply))?;
            memo.notes.insert(FETCHED.to_owned(), true.into());
            Ok(Some(Next::now(calls::get(address.to_owned()))))
        }
        Some("SUCCEEDED") => Ok(None),
        Some("FAILED" | "CANCELLED") => {
            let why = answer.get("failure").and_then(Value::as_str).unwrap_or("Runway does not say why");
            let code = answer.get("failureCode").and_then(Value::as_str).unwrap_or_default();
            let kind = if code.starts_with("SAFETY") { Kind::ContentPolicy } else { Kind::InternalServer };
            Err(Error::new(kind, format!("The task failed: {why}")))
        }
        status => {
            let id = answer.get("id").and_then(Value::as_str).ok_or_else(|| calls::unreadable(reply))?;
            let call = calls::get(format!("{}/tasks/{}", target.base, calls::segment(id)));
            // The first answer has an id only.
            Ok(Some(if status.is_none() { Next::now(call) } else { Next::after(calls::POLL, call) }))
        }
    }
}

fn image_answer(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let output = answer.get("output").and_then(Value::as_array).ok_or_else(|| calls::unreadable(reply))?;
    Ok(calls::images(output.iter().map(|address| json!({ "url": address })).collect(), None))
}
