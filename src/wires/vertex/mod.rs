//! Google's cloud beside Gemini: Vertex AI's embeddings, and the services for ranking, speaking and hearing.

mod files;
mod jobs;
mod labels;

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::{HttpReply, Memo, Prepared, Wire, gemini};
use crate::error::{Error, Result};
use crate::hub::{Call, CallRequest, CallResponse, CallType, Resource, Target};
use crate::json::Map;

/// Its side for a call of a type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    match call_type {
        CallType::Embedding => Some(&EMBEDDING),
        CallType::Rerank => Some(&RERANK),
        CallType::Speech => Some(&SPEECH),
        CallType::Transcription => Some(&TRANSCRIPTION),
        _ => match call_type.resource()? {
            Resource::File => Some(&files::FILES),
            Resource::Batch | Resource::FineTuningJob => Some(&jobs::JOBS),
            Resource::Model => None,
        },
    }
}

pub static EMBEDDING: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "dimensions" | "encoding_format"),
    encode,
    decode,
    next: None,
    errors: gemini::ERRORS,
};

/// What is said of each text; everything else is said once.
const OF_INSTANCES: [&str; 2] = ["task_type", "title"];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut parameters = request.params.clone();
    parameters.shift_remove("input");
    // Floats it always answers with.
    parameters.shift_remove("encoding_format");
    if let Some(length) = parameters.shift_remove("dimensions") {
        parameters.entry("outputDimensionality").or_insert(length);
    }
    if let Some(kind) = parameters.shift_remove("input_type") {
        parameters.entry("task_type").or_insert(kind);
    }
    let said: Vec<(String, Value)> = OF_INSTANCES
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), parameters.shift_remove(name)?)))
        .collect();
    let instances: Vec<Value> = calls::inputs(request)
        .into_iter()
        .map(|input| {
            let mut instance = match input {
                Value::Object(instance) => instance,
                text => Map::from_iter([("content".to_owned(), text)]),
            };
            instance.extend(said.iter().cloned());
            Value::Object(instance)
        })
        .collect();
    let mut body = Map::new();
    body.insert("instances".to_owned(), instances.into());
    body.insert("parameters".to_owned(), parameters.into());
    calls::json_call(target.url(""), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(found)) = answer.get("predictions") else { return Err(calls::unreadable(reply)) };
    let mut tokens = 0;
    let vectors = found
        .iter()
        .map(|one| {
            let count = one.pointer("/embeddings/statistics/token_count").and_then(Value::as_f64);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
            let count = count.unwrap_or_default().max(0.0) as u64;
            tokens += count;
            // Of an image, or of a text among images.
            let many = ["textEmbedding", "imageEmbedding"].into_iter().find_map(|name| one.get(name));
            one.pointer("/embeddings/values").or(many).cloned().unwrap_or_default()
        })
        .collect();
    Ok(calls::embeddings(vectors, target, Some(tokens)))
}

pub static RERANK: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "return_documents" | "top_n"),
    encode: rank,
    decode: ranking,
    next: None,
    errors: gemini::ERRORS,
};

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "response_format" | "speed" | "voice"),
    encode: speak,
    decode: spoken,
    next: None,
    errors: gemini::ERRORS,
};

pub static TRANSCRIPTION: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "language" | "response_format"),
    encode: hear,
    decode: |reply, _, _| heard(reply),
    next: None,
    errors: gemini::ERRORS,
};

/// Records are known by their place.
fn rank(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let documents = request.params.get("documents").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let records: Vec<Value> = documents
        .iter()
        .zip(calls::documents(request))
        .enumerate()
        .map(|(place, (document, text))| {
            let mut record = json!({ "id": place.to_string(), "content": text });
            if let Some(title) = document.get("title").filter(|title| title.is_string()) {
                record["title"] = title.clone();
            }
            record
        })
        .collect();
    let returned = request.params.get("return_documents").and_then(Value::as_bool).unwrap_or(true);
    let mut body = request.params.clone();
    for name in ["documents", "return_documents"] {
        body.shift_remove(name);
    }
    if let Some(count) = body.shift_remove("top_n") {
        body.entry("topN").or_insert(count);
    }
    body.insert("model".to_owned(), target.model.as_str().into());
    body.insert("records".to_owned(), records.into());
    body.entry("ignoreRecordDetailsInResponse").or_insert_with(|| (!returned).into());
    calls::json_call(target.url(""), body, request, Memo::default())
}

fn ranking(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let Some(Value::Array(records)) = answer.get("records") else { return Err(calls::unreadable(reply)) };
    let results = records
        .iter()
        .map(|record| {
            let place = record.get("id").and_then(Value::as_str).and_then(|id| id.parse::<u64>().ok());
            let mut result = json!({ "index": place, "relevance_score": record.get("score") });
            if let Some(text) = record.get("content").filter(|text| text.is_string()) {
                result["document"] = json!({ "text": text });
            }
            result
        })
        .collect();
    Ok(calls::ranking(None, results, json!({ "billed_units": { "search_units": 1 } })))
}

/// The language and the name of a voice, as the name says them: `de-DE-Chirp3-HD-Kore`.
fn voice(said: Option<&Value>) -> Value {
    match said {
        Some(Value::String(name)) if name.matches('-').count() >= 2 => {
            let language: Vec<&str> = name.splitn(3, '-').take(2).collect();
            json!({ "languageCode": language.join("-"), "name": name })
        }
        Some(whole @ Value::Object(_)) => whole.clone(),
        // OpenAI's names stand for nobody here.
        _ => json!({ "languageCode": "en-US", "name": "en-US-Studio-O" }),
    }
}

fn speak(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let text = calls::text(request, "input")?;
    let mut given = request.params.clone();
    given.shift_remove("input");
    let voice = voice(given.shift_remove("voice").as_ref());
    let format = given.shift_remove("response_format");
    let encoding = match format.as_ref().and_then(Value::as_str) {
        None | Some("wav") => "LINEAR16",
        Some("mp3") => "MP3",
        Some("opus") => "OGG_OPUS",
        Some("pcm") => "PCM",
        Some(other) => {
            let what = format!("Google speaks 'wav', 'mp3', 'opus' and 'pcm', not '{other}'.");
            return Err(Error::bad_request(what).with_param("response_format"));
        }
    };
    let mut audio = match given.shift_remove("audioConfig") {
        Some(Value::Object(audio)) => audio,
        _ => Map::new(),
    };
    audio.entry("audioEncoding").or_insert_with(|| encoding.into());
    if let Some(speed) = given.shift_remove("speed") {
        audio.entry("speakingRate").or_insert(speed);
    }
    let kind = if text.trim_start().starts_with("<speak") { "ssml" } else { "text" };
    let mut memo = Memo::default();
    memo.notes.insert("encoding".to_owned(), encoding.into());
    let mut body = Map::new();
    body.insert("input".to_owned(), json!({ kind: text }));
    body.insert("voice".to_owned(), voice);
    body.insert("audioConfig".to_owned(), audio.into());
    body.extend(given);
    calls::json_call(target.url(""), body, request, memo)
}

fn spoken(reply: &HttpReply, memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let data = answer.get("audioContent").and_then(Value::as_str).ok_or_else(|| calls::unreadable(reply))?;
    let kind = match memo.notes.get("encoding").and_then(Value::as_str) {
        Some("MP3") => "audio/mpeg",
        Some("OGG_OPUS") => "audio/ogg",
        Some("PCM") => "audio/pcm",
        _ => "audio/wav",
    };
    Ok(calls::sound(calls::decoded(data, reply)?, kind))
}

fn hear(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut config = request.params.clone();
    config.shift_remove("response_format");
    let language = config.shift_remove("language").unwrap_or_else(|| "auto".into());
    config.insert("model".to_owned(), target.model.as_str().into());
    config.entry("languageCodes").or_insert_with(|| json!([language]));
    config.entry("autoDecodingConfig").or_insert_with(|| json!({}));
    let mut body = Map::new();
    body.insert("config".to_owned(), config.into());
    body.insert("content".to_owned(), calls::base64(calls::file(request)?).into());
    calls::json_call(target.url(""), body, request, Memo::default())
}

fn heard(reply: &HttpReply) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    // Silence has no results.
    let results = match answer.get("results") {
        Some(Value::Array(results)) => results.as_slice(),
        None if answer.contains_key("metadata") => &[],
        _ => return Err(calls::unreadable(reply)),
    };
    let texts = results.iter().filter_map(|result| result.pointer("/alternatives/0/transcript")?.as_str());
    let text: Vec<&str> = texts.map(str::trim).collect();
    let mut made = json!({ "text": text.join(" "), "task": "transcribe" });
    if let Some(language) = results.first().and_then(|result| result.get("languageCode")) {
        made["language"] = language.clone();
    }
    Ok(CallResponse::Json(made))
}
