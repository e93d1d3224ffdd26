//! Files in Google's storage: batches in the format of their model, everything else as it is.

use std::time::UNIX_EPOCH;

use bytes::Bytes;
use http::header::{DATE, LAST_MODIFIED};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::labels;
use crate::dates;
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, CallType, ChatResponse, Target, Upload};
use crate::json::{Map, str_at};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared, Wire as _, WireId, anthropic, gemini};

pub static FILES: CallWire = CallWire {
    takes: |parameter, _| parameter != "expires_after",
    encode,
    decode,
    next: None,
    errors: gemini::ERRORS,
};

/// Where uploads lie in a bucket. Others who read this storage look for it.
const FOLDER: &str = "litellm-vertex-files";

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    if target.call_type == CallType::CreateFile {
        return upload(request, target);
    }
    if target.call_type == CallType::ListFiles {
        let (bucket, prefix) = place(target)?;
        let url = format!("{}/storage/v1/b/{}/o", target.base, calls::segment(bucket));
        let mut asked = request.clone();
        asked.params.insert("prefix".into(), format!("{prefix}{FOLDER}/").into());
        let names = [("after", "pageToken"), ("limit", "maxResults"), ("purpose", ""), ("order", "")];
        return Ok(calls::bare_call(Method::GET, calls::listed(&url, &asked, &names)));
    }
    let id = calls::id(request, target)?;
    let decoded = percent_decoded(id);
    let (bucket, object) =
        decoded.strip_prefix("gs://").and_then(|rest| rest.split_once('/')).ok_or_else(|| {
            Error::bad_request(format!("Invalid 'file_id': '{id}' is no name like 'gs://bucket/object'."))
                .with_param("file_id")
        })?;
    let url = format!("{}/storage/v1/b/{}/o/{}", target.base, calls::segment(bucket), calls::segment(object));
    let mut prepared = match target.call_type {
        CallType::DeleteFile => calls::bare_call(Method::DELETE, url),
        CallType::FileContent => calls::bare_call(Method::GET, format!("{url}?alt=media")),
        _ => calls::bare_call(Method::GET, url),
    };
    prepared.memo.notes.insert("id".into(), decoded.as_str().into());
    Ok(prepared)
}

/// The bucket, and the folder in it with its slash.
fn place(target: &Target) -> Result<(&str, String)> {
    let bucket = target.vars.get("bucket").map(|bucket| bucket.trim_start_matches("gs://").trim_matches('/'));
    let bucket = bucket.filter(|bucket| !bucket.is_empty()).ok_or_else(|| {
        Error::bad_request(
            "The bucket is missing: pass `gcs_bucket_name`, or set the environment variable GCS_BUCKET_NAME.",
        )
        .with_param("gcs_bucket_name")
    })?;
    Ok(match bucket.split_once('/') {
        Some((bucket, folder)) => (bucket, format!("{folder}/")),
        None => (bucket, String::new()),
    })
}

fn upload(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let file = calls::file(request)?;
    let purpose = calls::text(request, "purpose")?;
    let (bucket, folder) = place(target)?;
    let (name, data, kind) = match &request.lines {
        Some(model) => {
            let resource = resource(model)?;
            let name = format!("{resource}/{}", request.fresh_name);
            (name, translated(file, model)?, Some("application/json".to_owned()))
        }
        None => {
            let name = format!("uploads/{}-{}", request.fresh_name.replace('-', ""), file.name);
            (name, file.data.clone(), file.content_type.clone())
        }
    };
    let object: String =
        url::form_urlencoded::byte_serialize(format!("{folder}{FOLDER}/{name}").as_bytes()).collect();
    let url = format!(
        "{}/upload/storage/v1/b/{}/o?uploadType=media&name={object}",
        target.base,
        calls::segment(bucket)
    );
    let mut memo = Memo::default();
    memo.notes.insert("purpose".into(), purpose.into());
    Ok(calls::bytes_call(url, &Upload { data, content_type: kind, ..file.clone() }, memo))
}

/// What batches of a model are made with: its publisher's name for it, or the endpoint it is deployed at. It is the part
/// of its address that says so, and later tells the model of the file.
fn resource(model: &Target) -> Result<&str> {
    let path = model.path.as_deref().unwrap_or_default();
    let start = path.find("publishers/").or_else(|| path.find("endpoints/"));
    let found = start.and_then(|start| path[start..].rsplit_once(':')).map(|(resource, _)| resource);
    found.filter(|_| matches!(model.wire, WireId::Gemini | WireId::Anthropic)).ok_or_else(|| {
        Error::bad_request(format!("{} has no batches of '{}'.", model.provider, model.model))
            .with_param("file")
    })
}

fn translated(file: &Upload, target: &Target) -> Result<Bytes> {
    let model = calls::batch_model(&file.data)?;
    let mut out = Vec::with_capacity(file.data.len());
    for line in calls::lines(&file.data) {
        let line = line?;
        let custom_id = line.custom_id.clone();
        let mut request = line.in_language_of(target, &model)?;
        let mut made = Map::new();
        if let Some(id) = custom_id {
            if target.wire == WireId::Gemini {
                // What the answers repeat of a request, labels are all there is for the caller.
                labels::put(&mut request, &id);
            } else {
                made.insert("custom_id".into(), id.into());
            }
        }
        made.insert("request".into(), request.into());
        if !out.is_empty() {
            out.push(b'\n');
        }
        serde_json::to_writer(&mut out, &made)
            .map_err(|error| Error::bad_request("the batch cannot be written as JSON").with_source(error))?;
    }
    Ok(out.into())
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let id = str_at(&memo.notes, "id").unwrap_or_default();
    match target.call_type {
        CallType::DeleteFile => Ok(calls::deleted(id)),
        CallType::FileContent => Ok(content(reply, target)),
        CallType::ListFiles => {
            let answer = calls::json_object(reply)?;
            let items = answer.get("items").and_then(Value::as_array);
            let data: Vec<Value> = items
                .into_iter()
                .flatten()
                .filter_map(|one| file(one.as_object()?, None, "processed"))
                .collect();
            Ok(calls::page_by_token(&data, &answer, "nextPageToken"))
        }
        call_type => {
            let status = if call_type == CallType::CreateFile { "uploaded" } else { "processed" };
            let purpose = str_at(&memo.notes, "purpose");
            let answer = calls::json_object(reply)?;
            file(&answer, purpose, status).map(CallResponse::Json).ok_or_else(|| calls::unreadable(reply))
        }
    }
}

fn file(said: &Map, purpose: Option<&str>, status: &str) -> Option<Value> {
    let (bucket, name) = (str_at(said, "bucket")?, str_at(said, "name")?);
    let noted = said.get("metadata").and_then(|notes| notes.get("purpose")).and_then(Value::as_str);
    Some(json!({
        "id": format!("gs://{bucket}/{name}"),
        "object": "file",
        "bytes": calls::count(said.get("size")),
        "created_at": calls::moment(said, "timeCreated"),
        "filename": name,
        "purpose": purpose.or(noted).unwrap_or("batch"),
        "status": status,
    }))
}

/// A file of predictions as the output of a batch; any other as it is.
fn content(reply: &HttpReply, target: &Target) -> CallResponse {
    let lines = || reply.body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let written = written_at(&reply.headers);
    let first = lines().next().and_then(|line| prediction(line, written, target));
    if first.is_none() {
        return calls::bytes(reply);
    }
    let mut out = Vec::with_capacity(reply.body.len());
    for line in lines() {
        match prediction(line, written, target) {
            Some(made) => out.extend_from_slice(made.to_string().as_bytes()),
            None => out.extend_from_slice(line),
        }
        out.push(b'\n');
    }
    calls::sound(out, "application/jsonl")
}

/// When a file was written, else sent, in seconds since 1970.
fn written_at(headers: &HeaderMap) -> u64 {
    let moment = |name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok();
    let found = moment(LAST_MODIFIED).or_else(|| moment(DATE));
    found.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// One line, when it has what predictions have: the request, and an answer or why there is none. The file was written at
/// `written`, in seconds since 1970.
fn prediction(line: &[u8], written: u64, target: &Target) -> Option<Value> {
    let Ok(Value::Object(line)) = serde_json::from_slice(line) else { return None };
    let request = line.get("request")?.as_object()?;
    let custom_id = str_at(&line, "custom_id").map(str::to_owned).or_else(|| labels::get(request))?;
    let status = str_at(&line, "status").unwrap_or_default();
    let answer = line.get("response").and_then(Value::as_object).filter(|answer| !answer.is_empty());
    let Some(answer) = answer.filter(|_| status.is_empty()) else {
        let message = if status.is_empty() { "There is no answer." } else { status };
        return Some(calls::output(&custom_id, Err(("vertex_ai_error".to_owned(), message.to_owned()))));
    };
    let body = serde_json::to_vec(answer).ok()?;
    let reply = HttpReply { status: 200, headers: HeaderMap::new(), body: body.into() };
    let memo = Memo::default();
    let decoded = if str_at(answer, "type") == Some("message") {
        anthropic::Anthropic.decode(&reply, &memo, target)
    } else {
        gemini::Gemini.decode(&reply, &memo, target)
    };
    // Only the batch knows when most answers were made.
    let moment = str_at(&line, "processed_time").or_else(|| str_at(answer, "createTime"));
    let made = moment.and_then(dates::seconds).unwrap_or(written);
    let dated = |mut answer: ChatResponse| {
        if answer.created == 0 {
            answer.created = made;
        }
        calls::completion(answer)
    };
    Some(calls::output(
        &custom_id,
        decoded.map(dated).map_err(|error| ("unreadable".to_owned(), error.message().to_owned())),
    ))
}

/// Names of files travel in paths, too.
fn percent_decoded(id: &str) -> String {
    if !id.starts_with("gs%3A") && !id.starts_with("gs%3a") {
        return id.to_owned();
    }
    // A plus sign is itself in a path.
    let id = id.replace('+', "%2B");
    url::form_urlencoded::parse(id.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}
