//! Manus's files: announced first, then put where the answer says.

use http::Method;
use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Next, Prepared, Wire};
use crate::error::Result;
use crate::hub::{Call, CallRequest, CallResponse, CallType, Resource, Target};
use crate::json::{Map, str_at};

/// Its side for a call of a type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    (call_type.resource() == Some(Resource::File)).then_some(&FILES)
}

static FILES: CallWire = CallWire {
    takes: |parameter, _| parameter != "expires_after",
    encode,
    decode,
    next: Some(next),
    errors: openai::ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    if target.call_type != CallType::CreateFile {
        return openai::resources::encode(request, target);
    }
    let mut body = Map::new();
    body.insert("filename".into(), calls::file(request)?.name.as_str().into());
    calls::json_call(target.url("/files"), body, request, Memo::default())
}

fn next(request: &CallRequest, reply: &HttpReply, memo: &mut Memo, target: &Target) -> Result<Option<Next>> {
    if target.call_type != CallType::CreateFile || memo.notes.contains_key("file") {
        return Ok(None);
    }
    let answer = calls::json_object(reply)?;
    let url = str_at(&answer, "upload_url").ok_or_else(|| calls::unreadable(reply))?.to_owned();
    memo.notes.insert("file".into(), answer.into());
    let mut call = calls::bare(Method::PUT, url);
    call.body = calls::file(request)?.data.clone();
    Ok(Some(Next::now(call)))
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let unreadable = || calls::unreadable(reply);
    match target.call_type {
        CallType::CreateFile => {
            let said = memo.notes.get("file").and_then(Value::as_object).ok_or_else(unreadable)?;
            file(said).map(CallResponse::Json).ok_or_else(unreadable)
        }
        CallType::RetrieveFile => {
            file(&calls::json_object(reply)?).map(CallResponse::Json).ok_or_else(unreadable)
        }
        CallType::ListFiles => {
            let answer = calls::json_object(reply)?;
            let Some(Value::Array(found)) = answer.get("data") else { return Err(unreadable()) };
            let data: Vec<Value> = found.iter().filter_map(|one| file(one.as_object()?)).collect();
            Ok(calls::page(&data, answer.get("has_more") == Some(&Value::Bool(true)), None))
        }
        _ => openai::resources::decode(reply, memo, target),
    }
}

fn file(said: &Map) -> Option<Value> {
    let bytes = said.get("bytes").or_else(|| said.get("size"));
    Some(json!({
        "id": str_at(said, "id")?,
        "object": "file",
        "bytes": calls::count(bytes),
        "created_at": calls::moment(said, "created_at"),
        "filename": str_at(said, "filename").unwrap_or_default(),
        "purpose": "assistants",
        "status": "uploaded",
    }))
}
