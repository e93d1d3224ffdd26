//! Soniox: a recording is uploaded, transcribed, waited for and fetched; then both are deleted.

use http::Method;
use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpCall, HttpReply, Memo, Next, Prepared};
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;

pub static TRANSCRIPTION: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "language" | "response_format"),
    encode,
    decode,
    next: Some(next),
    errors: openai::ERRORS,
};

/// Notes: the file's id, the transcription's, and what it says.
const FILE: &str = "file";
const WORK: &str = "transcription";
const TRANSCRIPT: &str = "transcript";
/// What was asked for last.
const STEP: &str = "step";

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let file = calls::file(request)?;
    let url = format!("{}/files", target.base);
    Ok(calls::form_call(url, &Map::new(), std::slice::from_ref(file), Memo::default()))
}

fn next(request: &CallRequest, reply: &HttpReply, memo: &mut Memo, target: &Target) -> Result<Option<Next>> {
    let step = memo.notes.get(STEP).and_then(Value::as_str).unwrap_or("upload").to_owned();
    let works = format!("{}/transcriptions", target.base);
    let note = |memo: &Memo, name: &str| {
        memo.notes.get(name).and_then(Value::as_str).map(calls::segment).unwrap_or_default()
    };
    let (step, next) = match step.as_str() {
        "upload" => {
            let file = id(reply)?;
            memo.notes.insert(FILE.to_owned(), file.clone());
            let mut body = work(request, target);
            body.insert("file_id".to_owned(), file);
            ("work", Next::now(calls::json_call(works, body, request, Memo::default())?.call))
        }
        "work" => {
            memo.notes.insert(WORK.to_owned(), id(reply)?);
            ("wait", Next::now(calls::get(format!("{works}/{}", note(memo, WORK)))))
        }
        "wait" => {
            let url = format!("{works}/{}", note(memo, WORK));
            let answer = calls::json_object(reply)?;
            match answer.get("status").and_then(Value::as_str) {
                Some("completed") => ("fetch", Next::now(calls::get(format!("{url}/transcript")))),
                Some("error") => {
                    let why = answer.get("error_message").and_then(Value::as_str).unwrap_or("it failed");
                    return Err(Error::bad_request(format!("The transcription failed: {why}")));
                }
                _ => ("wait", Next::after(calls::POLL, calls::get(url))),
            }
        }
        "fetch" => {
            memo.notes.insert(TRANSCRIPT.to_owned(), calls::json_value(reply)?);
            ("clean", delete(format!("{works}/{}", note(memo, WORK))))
        }
        "clean" => ("done", delete(format!("{}/files/{}", target.base, note(memo, FILE)))),
        _ => return Ok(None),
    };
    memo.notes.insert(STEP.to_owned(), step.into());
    Ok(Some(next))
}

fn delete(url: String) -> Next {
    let call = HttpCall { rest: Vec::new(), method: Method::DELETE, ..calls::get(url) };
    Next { may_fail: true, ..Next::now(call) }
}

fn id(reply: &HttpReply) -> Result<Value> {
    calls::json_object(reply)?.shift_remove("id").ok_or_else(|| calls::unreadable(reply))
}

fn work(request: &CallRequest, target: &Target) -> Map {
    let mut body = calls::named_body(request, target);
    body.shift_remove("response_format");
    if let Some(language) = body.shift_remove("language") {
        body.entry("language_hints").or_insert_with(|| json!([language]));
    }
    body
}

fn decode(reply: &HttpReply, memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let found = memo.notes.get(TRANSCRIPT).ok_or_else(|| calls::unreadable(reply))?;
    let tokens = found.get("tokens").and_then(Value::as_array);
    let text = match found.get("text").and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => tokens.into_iter().flatten().filter_map(|token| token.get("text")?.as_str()).collect(),
    };
    Ok(CallResponse::Json(json!({ "text": text, "task": "transcribe" })))
}
