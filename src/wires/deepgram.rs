//! Deepgram: a recording is the body, everything else the query.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};

pub static TRANSCRIPTION: CallWire = CallWire {
    takes: |parameter, _| parameter == "language",
    encode,
    decode,
    next: None,
    errors: openai::ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("model", &target.model);
    for (name, value) in request.params.iter().chain(&request.extra_body) {
        let values = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            query.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    let url = format!("{}?{}", target.url("/listen"), query.finish());
    Ok(calls::bytes_call(url, calls::file(request)?, Memo::default()))
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_value(reply)?;
    let channel = answer.pointer("/results/channels/0").ok_or_else(|| calls::unreadable(reply))?;
    let heard = channel.pointer("/alternatives/0").ok_or_else(|| calls::unreadable(reply))?;
    let plain = heard.get("transcript").and_then(Value::as_str).ok_or_else(|| calls::unreadable(reply))?;
    let mut made = json!({ "text": plain, "task": "transcribe" });
    // By speakers, when they were told apart.
    if let Some(Value::String(text)) = heard.pointer("/paragraphs/transcript") {
        made["text"] = text.as_str().into();
    }
    made["language"] = channel.get("detected_language").cloned().unwrap_or_else(|| "en".into());
    if let Some(duration) = answer.pointer("/metadata/duration") {
        made["duration"] = duration.clone();
    }
    if let Some(words) = heard.get("words").and_then(Value::as_array) {
        let word = |word: &Value| json!({ "word": word.get("word"), "start": word.get("start"), "end": word.get("end") });
        made["words"] = words.iter().map(word).collect();
    }
    Ok(CallResponse::Json(made))
}
