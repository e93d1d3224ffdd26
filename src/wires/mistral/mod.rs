//! Mistral beside OpenAI's format: its batches, and speech, which differs by the voice's name and the sound in JSON.

mod batches;

use serde_json::Value;

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared, Wire};
use crate::error::Result;
use crate::hub::{Call, CallRequest, CallResponse, CallType, Resource, Target};

/// Its side for a call of a type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Speech => Some(&SPEECH),
        _ if call_type.resource() == Some(Resource::Batch) => Some(&batches::BATCHES),
        _ => None,
    }
}

static SPEECH: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "response_format" | "voice"),
    encode,
    decode,
    next: None,
    errors: openai::ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut body = calls::named_body(request, target);
    if let Some(voice) = body.shift_remove("voice") {
        body.entry("voice_id").or_insert(voice);
    }
    let mut memo = Memo::default();
    if let Some(format) = request.params.get("response_format") {
        memo.notes.insert("format".to_owned(), format.clone());
    }
    calls::json_call(target.url("/audio/speech"), body, request, memo)
}

fn decode(reply: &HttpReply, memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let data = answer.get("audio_data").and_then(Value::as_str).ok_or_else(|| calls::unreadable(reply))?;
    let kind = match memo.notes.get("format").and_then(Value::as_str) {
        None | Some("mp3") => "audio/mpeg".to_owned(),
        Some(format) => format!("audio/{format}"),
    };
    Ok(calls::sound(calls::decoded(data, reply)?, &kind))
}
