//! Sound: spoken by the models for it (`generateContent`), and heard (`interactions`).

use http::header::HeaderValue;
use serde_json::{Value, json};

use super::ERRORS;
use super::calls_url;
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "voice" | "response_format"),
    encode: speech,
    decode: spoken,
    next: None,
    errors: ERRORS,
};

pub static TRANSCRIPTION: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "language" | "response_format" | "timestamp_granularities"),
    encode: transcription,
    decode: transcript,
    next: None,
    errors: ERRORS,
};

/// The version of the interactions.
const REVISION: &str = "2026-05-20";

/// OpenAI's voices, as the nearest of Gemini's; any other name is taken for one of Gemini's.
const VOICES: [(&str, &str); 10] = [
    ("alloy", "Kore"),
    ("ash", "Iapetus"),
    ("ballad", "Algieba"),
    ("coral", "Sulafat"),
    ("echo", "Charon"),
    ("fable", "Umbriel"),
    ("onyx", "Orus"),
    ("sage", "Vindemiatrix"),
    ("shimmer", "Achernar"),
    ("verse", "Puck"),
];

fn speech(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let text = calls::text(request, "input")?;
    let mut memo = Memo::default();
    match request.params.get("response_format").and_then(Value::as_str) {
        None | Some("wav") => {}
        Some("pcm") => {
            memo.notes.insert("pcm".to_owned(), true.into());
        }
        Some(other) => {
            return Err(Error::bad_request(format!(
                "Gemini speaks 'wav' and 'pcm' only, not '{other}': set `response_format` to one of them."
            ))
            .with_param("response_format"));
        }
    }
    let mut config = Map::new();
    config.insert("responseModalities".to_owned(), json!(["AUDIO"]));
    if let Some(voice) = request.params.get("voice") {
        let name = voice.as_str().ok_or_else(|| {
            Error::bad_request("Invalid 'voice': expected the name of a voice.").with_param("voice")
        })?;
        let name = VOICES.iter().find(|(openai, _)| *openai == name).map_or(name, |(_, own)| own);
        let voice = json!({ "voiceConfig": { "prebuiltVoiceConfig": { "voiceName": name } } });
        config.insert("speechConfig".to_owned(), voice);
    }
    for (name, value) in &request.params {
        if !["input", "voice", "response_format"].contains(&name.as_str()) {
            config.insert(name.clone(), value.clone());
        }
    }
    let mut body = Map::new();
    body.insert("contents".to_owned(), json!([{ "role": "user", "parts": [{ "text": text }] }]));
    body.insert("generationConfig".to_owned(), config.into());
    calls::json_call(calls_url(target, "generateContent"), body, request, memo)
}

/// Samples come without a head; `wav` gets one.
fn spoken(reply: &HttpReply, memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_value(reply)?;
    let parts = answer.pointer("/candidates/0/content/parts").and_then(Value::as_array);
    let found = parts.into_iter().flatten().find_map(|part| part.get("inlineData"));
    let found = found.ok_or_else(|| calls::unreadable(reply))?;
    let data = found.get("data").and_then(Value::as_str).ok_or_else(|| calls::unreadable(reply))?;
    let samples = calls::decoded(data, reply)?;
    let kind = found.get("mimeType").and_then(Value::as_str).unwrap_or_default();
    if memo.notes.contains_key("pcm") || kind.starts_with("audio/wav") {
        return Ok(calls::sound(samples, if kind.is_empty() { "audio/pcm" } else { kind }));
    }
    let rate = kind.split("rate=").nth(1).and_then(|rest| rest.split(';').next()?.trim().parse().ok());
    Ok(calls::sound(wav(&samples, rate.unwrap_or(24_000)), "audio/wav"))
}

/// One channel of 16 bits.
fn wav(samples: &[u8], rate: u32) -> Vec<u8> {
    let length = u32::try_from(samples.len()).unwrap_or(u32::MAX - 36);
    let mut out = Vec::with_capacity(samples.len() + 44);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(length + 36).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16u32.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&1u16.to_le_bytes());
    out.extend_from_slice(&rate.to_le_bytes());
    out.extend_from_slice(&rate.saturating_mul(2).to_le_bytes());
    out.extend_from_slice(&2u16.to_le_bytes());
    out.extend_from_slice(&16u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(samples);
    out
}

/// Languages without a country, as the country that is meant.
const COUNTRIES: [(&str, &str); 12] = [
    ("ar", "ar-SA"),
    ("de", "de-DE"),
    ("en", "en-US"),
    ("es", "es-ES"),
    ("fr", "fr-FR"),
    ("hi", "hi-IN"),
    ("it", "it-IT"),
    ("ja", "ja-JP"),
    ("ko", "ko-KR"),
    ("pt", "pt-BR"),
    ("ru", "ru-RU"),
    ("zh", "zh-CN"),
];

fn transcription(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let file = calls::file(request)?;
    let kind = file.content_type.as_deref().unwrap_or("audio/wav");
    let kind = if kind == "audio/x-wav" { "audio/wav" } else { kind };
    let mut config = Map::new();
    if let Some(language) = request.params.get("language").and_then(Value::as_str) {
        let code = COUNTRIES.iter().find(|(bare, _)| *bare == language).map_or(language, |(_, whole)| whole);
        config.insert("language_codes".to_owned(), json!([code]));
    }
    if let Some(wanted) = request.params.get("timestamp_granularities") {
        let mode = json!({
            "type": "verbatim", "timestamp_granularities": wanted, "diarization_mode": "speaker",
        });
        config.insert("mode".to_owned(), mode);
    }
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.as_str().into());
    body.insert(
        "input".to_owned(),
        json!([{ "type": "audio", "data": calls::base64(file), "mime_type": kind }]),
    );
    if !config.is_empty() {
        body.insert("generation_config".to_owned(), json!({ "transcription_config": config }));
    }
    let base = target.base.strip_suffix("/v1beta").unwrap_or(&target.base);
    let mut prepared =
        calls::json_call(format!("{base}/v1beta/interactions"), body, request, Memo::default())?;
    prepared.call.headers.insert("api-revision", HeaderValue::from_static(REVISION));
    Ok(prepared)
}

fn transcript(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let steps = answer.get("steps").and_then(Value::as_array).into_iter().flatten();
    let content = steps.filter_map(|step| step.get("content")?.as_array()).flatten();
    let outputs = answer.get("outputs").and_then(Value::as_array).into_iter().flatten();
    let texts: Vec<&str> = content.chain(outputs).filter_map(|part| part.get("text")?.as_str()).collect();
    let is_complete = answer.get("status").and_then(Value::as_str) == Some("completed");
    if texts.is_empty() || !is_complete {
        return Err(calls::unreadable(reply));
    }
    let mut made = json!({ "text": texts.concat(), "task": "transcribe" });
    if let Some(usage) = answer.get("usage") {
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or_default();
        made["usage"] = json!({
            "type": "tokens",
            "input_tokens": count("total_input_tokens"),
            "output_tokens": count("total_output_tokens"),
            "total_tokens": count("total_tokens"),
        });
    }
    Ok(CallResponse::Json(made))
}
