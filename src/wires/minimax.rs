//! `MiniMax`'s speech: sound as hexadecimal digits.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "response_format" | "speed" | "voice"),
    encode,
    decode,
    next: None,
    errors: openai::ERRORS,
};

/// OpenAI's voices, as those that stand for them; any other name is taken for one of `MiniMax`'s.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "male-qn-qingse"),
    ("echo", "male-qn-jingying"),
    ("fable", "female-shaonv"),
    ("nova", "female-yujie"),
    ("onyx", "male-qn-badao"),
    ("shimmer", "female-tianmei"),
];

const FORMATS: [&str; 4] = ["mp3", "wav", "flac", "pcm"];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let text = calls::text(request, "input")?;
    let mut given = request.params.clone();
    given.shift_remove("input");
    let voice = given.shift_remove("voice");
    let voice = voice.as_ref().and_then(Value::as_str).unwrap_or("alloy");
    let voice = VOICES.iter().find(|(openai, _)| *openai == voice).map_or(voice, |(_, own)| own);
    let format = given.shift_remove("response_format");
    let format = format.as_ref().and_then(Value::as_str).unwrap_or("mp3");
    if !FORMATS.contains(&format) {
        return Err(Error::bad_request(format!("MiniMax speaks {}, not '{format}'.", FORMATS.join(", ")))
            .with_param("response_format"));
    }
    let speed = given.shift_remove("speed").unwrap_or_else(|| 1.0.into());
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.as_str().into());
    body.insert("text".to_owned(), text.into());
    body.insert("stream".to_owned(), false.into());
    body.insert("output_format".to_owned(), "hex".into());
    body.insert(
        "voice_setting".to_owned(),
        json!({ "voice_id": voice, "speed": speed, "vol": 1.0, "pitch": 0 }),
    );
    body.insert(
        "audio_setting".to_owned(),
        json!({ "sample_rate": 32000, "bitrate": 128_000, "format": format, "channel": 1 }),
    );
    body.extend(given);
    let mut memo = Memo::default();
    memo.notes.insert("format".to_owned(), format.into());
    calls::json_call(target.url("/t2a_v2"), body, request, memo)
}

fn decode(reply: &HttpReply, memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_value(reply)?;
    let status = answer.pointer("/base_resp/status_code").and_then(Value::as_i64).unwrap_or_default();
    if status != 0 {
        let said = answer.pointer("/base_resp/status_msg").and_then(Value::as_str).unwrap_or_default();
        return Err(Error::new(kind(status), format!("{said} ({status})")));
    }
    let digits = answer.pointer("/data/audio").and_then(Value::as_str);
    let sound = digits.and_then(bytes).ok_or_else(|| calls::unreadable(reply))?;
    let kind = match memo.notes.get("format").and_then(Value::as_str) {
        Some("wav") => "audio/wav",
        Some("flac") => "audio/flac",
        Some("pcm") => "audio/pcm",
        _ => "audio/mpeg",
    };
    Ok(calls::sound(sound, kind))
}

/// Failures come with a good status.
fn kind(status: i64) -> Kind {
    match status {
        1002 | 1039 => Kind::RateLimit,
        1004 | 2049 => Kind::Authentication,
        1008 => Kind::PaymentRequired,
        1026 | 1027 => Kind::ContentPolicy,
        1000 | 1001 | 1013 | 1024 => Kind::InternalServer,
        _ => Kind::BadRequest,
    }
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
