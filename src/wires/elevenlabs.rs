//! `ElevenLabs`: speech, and recordings as texts.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "response_format" | "speed" | "voice"),
    encode: speech,
    decode: |reply, _, _| Ok(calls::bytes(reply)),
    next: None,
    errors: openai::ERRORS,
};

pub static TRANSCRIPTION: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "language" | "temperature"),
    encode: transcription,
    decode: transcript,
    next: None,
    errors: openai::ERRORS,
};

/// OpenAI's voices that have one like them here; any other name is taken for the id of a voice.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "21m00Tcm4TlvDq8ikWAM"),
    ("ash", "AZnzlk1XvdvUeBnXmlld"),
    ("coral", "9BWtsMINqrJLrRacOk9x"),
    ("onyx", "29vD33N1CtxCmqQRPOHJ"),
    ("sage", "CwhRBWXzGAHq8TQ4Fs17"),
    ("verse", "CYw3kZ02Hs0563khs1Fj"),
];

fn speech(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let text = calls::text(request, "input")?;
    let voice = calls::text(request, "voice").map_err(|_| {
        Error::bad_request("'voice' is missing: the id of one of ElevenLabs' voices.").with_param("voice")
    })?;
    let voice = VOICES.iter().find(|(openai, _)| *openai == voice).map_or(voice, |(_, id)| id);
    let mut given = request.params.clone();
    for name in ["input", "voice"] {
        given.shift_remove(name);
    }
    let mut url = format!("{}/{}", target.url("/text-to-speech"), calls::segment(voice));
    let format = given.shift_remove("response_format").or_else(|| given.shift_remove("output_format"));
    if let Some(format) = format.as_ref().and_then(Value::as_str) {
        let format = match format {
            "mp3" => "mp3_44100_128",
            "opus" => "opus_48000_128",
            "pcm" => "pcm_24000",
            "wav" => "wav_24000",
            other => other,
        };
        url = format!("{url}?output_format={}", calls::segment(format));
    }
    let mut body = Map::new();
    body.insert("text".to_owned(), text.into());
    body.insert("model_id".to_owned(), target.model.as_str().into());
    if let Some(speed) = given.shift_remove("speed") {
        let settings = given.entry("voice_settings").or_insert_with(|| json!({}));
        if let Value::Object(settings) = settings {
            settings.entry("speed").or_insert(speed);
        }
    }
    body.extend(given);
    calls::json_call(url, body, request, Memo::default())
}

fn transcription(request: &CallRequest, target: &Target) -> Result<Prepared> {
    calls::file(request)?;
    let mut fields = calls::form_fields(request, target);
    for (name, other) in [("model", "model_id"), ("language", "language_code")] {
        if let Some(value) = fields.shift_remove(name) {
            fields.entry(other).or_insert(value);
        }
    }
    Ok(calls::form_call(target.url("/speech-to-text"), &fields, &request.files, Memo::default()))
}

fn transcript(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let text = answer.get("text").filter(|text| text.is_string()).ok_or_else(|| calls::unreadable(reply))?;
    let mut made = json!({ "text": text, "task": "transcribe" });
    if let Some(language) = answer.get("language_code") {
        made["language"] = language.clone();
    }
    if let Some(words) = answer.get("words").and_then(Value::as_array) {
        let spoken = words.iter().filter(|word| word.get("type").and_then(Value::as_str) == Some("word"));
        let word = |word: &Value| json!({ "word": word.get("text"), "start": word.get("start"), "end": word.get("end") });
        made["words"] = spoken.map(word).collect();
    }
    Ok(CallResponse::Json(made))
}
