//! Azure's speech service: a text is spoken in the marks of SSML, a recording is the body.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Method};
use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpCall, HttpReply, Memo, Prepared};
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target};

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "response_format" | "speed" | "voice"),
    encode: speak,
    decode: |reply, _, _| Ok(calls::bytes(reply)),
    next: None,
    errors: openai::ERRORS,
};

pub static TRANSCRIPTION: CallWire = CallWire {
    takes: |parameter, _| parameter == "language",
    encode: listen,
    decode: heard,
    next: None,
    errors: openai::ERRORS,
};

/// OpenAI's voices, as those that stand for them; any other name is taken for one of the service's.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "en-US-JennyNeural"),
    ("echo", "en-US-GuyNeural"),
    ("fable", "en-GB-RyanNeural"),
    ("nova", "en-US-AmberNeural"),
    ("onyx", "en-US-DavisNeural"),
    ("shimmer", "en-US-AriaNeural"),
];
const FORMATS: [(&str, &str); 5] = [
    ("mp3", "audio-24khz-48kbitrate-mono-mp3"),
    ("opus", "ogg-48khz-16bit-mono-opus"),
    ("wav", "riff-24khz-16bit-mono-pcm"),
    ("pcm", "raw-24khz-16bit-mono-pcm"),
    ("webm", "webm-24khz-16bit-mono-opus"),
];
const LANGUAGE: &str = "en-US";

/// The region's address, as the portal shows it, stands for a host of each service's own.
fn host(target: &Target, service: &str) -> String {
    match target.base.strip_suffix(".api.cognitive.microsoft.com") {
        Some(region) => format!("{region}.{service}.speech.microsoft.com"),
        None => target.base.clone(),
    }
}

fn speak(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let text = calls::text(request, "input")?;
    let given = |name: &str| request.params.get(name).and_then(Value::as_str);
    let voice = given("voice").unwrap_or("alloy");
    let voice = VOICES.iter().find(|(openai, _)| *openai == voice).map_or(voice, |(_, own)| own);
    let format = given("response_format").unwrap_or("mp3");
    let known = FORMATS.iter().find(|(openai, _)| *openai == format).map(|(_, own)| *own);
    // The service's own names go through.
    let format = known.or_else(|| Some(format).filter(|format| format.contains('-'))).ok_or_else(|| {
        let what = format!("Azure's speech service writes no '{format}': mp3, opus, wav, pcm or webm.");
        Error::bad_request(what).with_param("response_format")
    })?;
    let format = HeaderValue::try_from(format).map_err(|error| {
        Error::bad_request("Invalid 'response_format': it cannot stand in a header.").with_source(error)
    })?;
    let body =
        if text.trim_start().starts_with("<speak") { text.to_owned() } else { ssml(request, text, voice) };
    let mut headers = http::HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/ssml+xml"));
    headers.insert(HeaderName::from_static("x-microsoft-outputformat"), format);
    let url = format!("{}/cognitiveservices/v1", host(target, "tts"));
    let call = HttpCall { rest: Vec::new(), method: Method::POST, url, headers, body: body.into() };
    Ok(Prepared { call, memo: Memo::default() })
}

/// A text in the words that the service is asked in. The manner of speaking is a mark of Microsoft's own.
fn ssml(request: &CallRequest, text: &str, voice: &str) -> String {
    let given = |name: &str| request.params.get(name).and_then(Value::as_str).map(escaped);
    let speed = request.params.get("speed").and_then(Value::as_f64).unwrap_or(1.0);
    let change = ((speed - 1.0) * 100.0).round();
    let sign = if change > 0.0 { "+" } else { "" };
    let mut spoken = format!("<prosody rate='{sign}{change}%'>{}</prosody>", escaped(text));
    let mut more = String::new();
    let manner: Vec<String> = [("style", "style"), ("styledegree", "styledegree"), ("role", "role")]
        .into_iter()
        .filter_map(|(name, mark)| Some(format!(" {mark}='{}'", given(name)?)))
        .collect();
    if !manner.is_empty() {
        spoken = format!("<mstts:express-as{}>{spoken}</mstts:express-as>", manner.concat());
        more.push_str(" xmlns:mstts='https://www.w3.org/2001/mstts'");
    }
    let language = given("lang").map(|language| format!(" xml:lang='{language}'")).unwrap_or_default();
    format!(
        "<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis'{more} xml:lang='{LANGUAGE}'>\
         <voice name='{}'{language}>{spoken}</voice></speak>",
        escaped(voice)
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn listen(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let language = request.params.get("language").and_then(Value::as_str).unwrap_or(LANGUAGE);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("language", language).append_pair("format", "simple");
    for (name, value) in
        request.params.iter().chain(&request.extra_body).filter(|(name, _)| *name != "language")
    {
        query.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let path = "/speech/recognition/conversation/cognitiveservices/v1";
    let url = format!("{}{path}?{}", host(target, "stt"), query.finish());
    Ok(calls::bytes_call(url, calls::file(request)?, Memo::default()))
}

/// The durations count in steps of 100 nanoseconds.
const STEPS_PER_SECOND: f64 = 10_000_000.0;

fn heard(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let text = answer.get("DisplayText").and_then(Value::as_str);
    let status = answer.get("RecognitionStatus").and_then(Value::as_str);
    match (text, status) {
        (Some(text), None | Some("Success")) => {
            let mut made = json!({ "text": text });
            if let Some(steps) = answer.get("Duration").and_then(Value::as_f64) {
                made["duration"] = (steps / STEPS_PER_SECOND).into();
            }
            Ok(CallResponse::Json(made))
        }
        (_, Some(status)) if status != "Success" => {
            Err(Error::unreadable(format!("Azure's speech service recognized nothing: {status}")))
        }
        _ => Err(calls::unreadable(reply)),
    }
}
