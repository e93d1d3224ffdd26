//! Files that prompts refer to: an upload in two steps, and OpenAI's object for what is kept. And the list of models.

use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::ERRORS;
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target};
use crate::json::{Map, str_at};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Next, Prepared};

pub static FILES: CallWire = CallWire {
    takes: |parameter, _| !matches!(parameter, "expires_after" | "order"),
    encode,
    decode,
    next: Some(next),
    errors: ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let all = format!("{}/files", target.base);
    match target.call_type {
        CallType::CreateFile => begin(request, target),
        CallType::FileContent => {
            Err(Error::bad_request(format!("{} does not hand out what was uploaded.", target.provider))
                .with_param("file_id"))
        }
        CallType::ListFiles => {
            let names = [("after", "pageToken"), ("limit", "pageSize"), ("purpose", "")];
            Ok(calls::bare_call(Method::GET, calls::listed(&all, request, &names)))
        }
        CallType::ListModels => {
            let mut asked = request.clone();
            asked.params.entry("limit").or_insert_with(|| 1000.into());
            let names = [("after", "pageToken"), ("limit", "pageSize")];
            let url = calls::listed(&format!("{}/models", target.base), &asked, &names);
            Ok(calls::bare_call(Method::GET, url))
        }
        call_type => {
            // By its name, with or without the folder, or by its whole address.
            let id = calls::id(request, target)?;
            let name = id.rsplit_once("files/").map_or(id, |(_, name)| name);
            let method = if call_type == CallType::DeleteFile { Method::DELETE } else { Method::GET };
            let mut prepared = calls::bare_call(method, format!("{all}/{}", calls::segment(name)));
            prepared.memo.notes.insert("id".into(), format!("files/{name}").into());
            Ok(prepared)
        }
    }
}

/// Announces the file; the answer says where it goes.
fn begin(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let file = calls::file(request)?;
    // The version is the last part of the address, and uploads are beside it.
    let (root, version) = target.base.rsplit_once('/').unwrap_or((&target.base, ""));
    let body = Map::from_iter([("file".to_owned(), json!({ "display_name": file.name }))]);
    let mut prepared =
        calls::json_call(format!("{root}/upload/{version}/files"), body, request, Memo::default())?;
    let headers = &mut prepared.call.headers;
    let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
    for (name, value) in [
        ("x-goog-upload-protocol", "resumable"),
        ("x-goog-upload-command", "start"),
        ("x-goog-upload-header-content-length", file.data.len().to_string().as_str()),
        ("x-goog-upload-header-content-type", kind),
    ] {
        let value = HeaderValue::try_from(value)
            .map_err(|_| Error::bad_request("Invalid content type of the file.").with_param("file"))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(prepared)
}

fn next(request: &CallRequest, reply: &HttpReply, memo: &mut Memo, target: &Target) -> Result<Option<Next>> {
    if target.call_type != CallType::CreateFile || memo.notes.contains_key("sent") {
        return Ok(None);
    }
    let url = reply.headers.get("x-goog-upload-url").and_then(|url| url.to_str().ok());
    let url = url.ok_or_else(|| calls::unreadable(reply))?.to_owned();
    memo.notes.insert("sent".into(), Value::Bool(true));
    let mut call = calls::bare(Method::POST, url);
    call.body = calls::file(request)?.data.clone();
    call.headers.insert("x-goog-upload-offset", HeaderValue::from_static("0"));
    call.headers.insert("x-goog-upload-command", HeaderValue::from_static("upload, finalize"));
    Ok(Some(Next::now(call)))
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    match target.call_type {
        CallType::DeleteFile => Some(calls::deleted(str_at(&memo.notes, "id").unwrap_or_default())),
        CallType::ListFiles | CallType::ListModels => {
            let (list, read): (_, fn(&Map) -> Option<Value>) =
                if target.call_type == CallType::ListFiles { ("files", file) } else { ("models", model) };
            let found = answer.get(list).and_then(Value::as_array);
            let data: Vec<Value> =
                found.into_iter().flatten().filter_map(|one| read(one.as_object()?)).collect();
            Some(calls::page_by_token(&data, &answer, "nextPageToken"))
        }
        _ => file(answer.get("file").and_then(Value::as_object).unwrap_or(&answer)).map(CallResponse::Json),
    }
    .ok_or_else(|| calls::unreadable(reply))
}

fn model(said: &Map) -> Option<Value> {
    let name = str_at(said, "name")?;
    Some(json!({ "id": name.strip_prefix("models/").unwrap_or(name), "object": "model" }))
}

/// A file is named by its address, under which prompts refer to it.
fn file(said: &Map) -> Option<Value> {
    let name = str_at(said, "name")?;
    let (status, details) = match str_at(said, "state") {
        Some("ACTIVE") => ("processed", Value::Null),
        Some("FAILED") => ("error", said.get("error").map_or_else(String::new, Value::to_string).into()),
        _ => ("uploaded", Value::Null),
    };
    Some(json!({
        "id": str_at(said, "uri").unwrap_or(name),
        "object": "file",
        "bytes": calls::count(said.get("sizeBytes")),
        "created_at": calls::moment(said, "createTime"),
        "filename": str_at(said, "displayName").unwrap_or(name),
        "purpose": "user_data",
        "status": status,
        "status_details": details,
        "expires_at": calls::moment(said, "expirationTime"),
    }))
}
