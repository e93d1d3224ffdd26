//! Files (`/v1/files`), batches (`/v1/messages/batches`) and models (`/v1/models`), which have OpenAI's form here.

use http::Method;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{BETA_HEADER, VERSION, classify, error_facts};
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Resource, Target};
use crate::json::{Map, str_at};
use crate::wires::calls::{self, CallWire, Errors};
use crate::wires::{HttpReply, Memo, Prepared};

const FILES: &str = "files-api-2025-04-14";
const BATCHES: &str = "message-batches-2024-09-24";
const ERRORS: Errors = Errors { facts: error_facts, classify: |facts, _| classify(facts) };

pub static RESOURCES: CallWire = CallWire {
    takes: |parameter, _| parameter != "expires_after",
    encode,
    decode,
    next: None,
    errors: ERRORS,
};

/// How its lists are asked for; files are for messages, all of them.
const LISTS: [(&str, &str); 2] = [("after", "after_id"), ("purpose", "")];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let files = format!("{}/v1/files", target.base);
    let batches = format!("{}/v1/messages/batches", target.base);
    let one = |all: &str| calls::id_segment(request, target).map(|id| format!("{all}/{id}"));
    let mut prepared = match target.call_type {
        CallType::CreateFile => {
            calls::file(request)?;
            let mut fields = request.params.clone();
            fields.extend(request.extra_body.clone());
            calls::form_call(files, &fields, &request.files, Memo::default())
        }
        CallType::ListFiles => calls::bare_call(Method::GET, calls::listed(&files, request, &LISTS)),
        CallType::DeleteFile => calls::bare_call(Method::DELETE, one(&files)?),
        // The output of a batch has the batch's id.
        CallType::FileContent if calls::id(request, target)?.starts_with("msgbatch_") => {
            calls::bare_call(Method::GET, format!("{}/results", one(&batches)?))
        }
        CallType::FileContent => calls::bare_call(Method::GET, format!("{}/content", one(&files)?)),
        CallType::CreateBatch => {
            let Some(Value::Array(requests)) = request.params.get("requests") else {
                return Err(Error::bad_request(
                    "A batch of Anthropic takes its requests in the call: pass `requests`, a list of \
                     {\"custom_id\": …, \"params\": {…}} with the parameters of Messages.",
                )
                .with_param("requests"));
            };
            let body = Map::from_iter([("requests".to_owned(), requests.clone().into())]);
            calls::json_call(batches, body, request, Memo::default())?
        }
        CallType::ListBatches => calls::bare_call(Method::GET, calls::listed(&batches, request, &LISTS)),
        CallType::CancelBatch => calls::action(format!("{}/cancel", one(&batches)?)),
        CallType::ListModels => {
            let all = calls::listed(&format!("{}/v1/models", target.base), request, &LISTS);
            let mark = if all.contains('?') { '&' } else { '?' };
            let whole =
                if request.params.contains_key("limit") { all } else { format!("{all}{mark}limit=1000") };
            calls::bare_call(Method::GET, whole)
        }
        CallType::RetrieveBatch => calls::bare_call(Method::GET, one(&batches)?),
        _ => calls::bare_call(Method::GET, one(&files)?),
    };
    let headers = &mut prepared.call.headers;
    headers.insert(HeaderName::from_static("anthropic-version"), VERSION);
    let beta = match target.call_type.resource() {
        Some(Resource::File) => FILES,
        Some(Resource::Batch) => BATCHES,
        _ => return Ok(prepared),
    };
    headers.insert(HeaderName::from_static(BETA_HEADER), HeaderValue::from_static(beta));
    Ok(prepared)
}

fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    if target.call_type == CallType::FileContent {
        return Ok(calls::bytes(reply));
    }
    let answer = calls::json_object(reply)?;
    match target.call_type {
        CallType::ListFiles => list(&answer, file),
        CallType::ListBatches => list(&answer, batch),
        CallType::ListModels => list(&answer, |model| Some(model.clone().into())),
        CallType::DeleteFile => str_at(&answer, "id").map(calls::deleted),
        call_type if call_type.in_rows() == CallType::CreateBatch => batch(&answer).map(CallResponse::Json),
        _ => file(&answer).map(CallResponse::Json),
    }
    .ok_or_else(|| calls::unreadable(reply))
}

fn list(answer: &Map, read: fn(&Map) -> Option<Value>) -> Option<CallResponse> {
    let found = answer.get("data")?.as_array()?;
    let data: Vec<Value> = found.iter().filter_map(|item| read(item.as_object()?)).collect();
    Some(calls::page(&data, answer.get("has_more") == Some(&Value::Bool(true)), None))
}

fn file(said: &Map) -> Option<Value> {
    Some(json!({
        "id": str_at(said, "id")?,
        "object": "file",
        "bytes": calls::count(said.get("size_bytes")),
        "created_at": calls::moment(said, "created_at"),
        "filename": str_at(said, "filename").unwrap_or_default(),
        "purpose": "messages",
        "status": "uploaded",
    }))
}

/// Counts and moments are there under other names; a batch that has ended is complete, whatever became of its requests.
fn batch(said: &Map) -> Option<Value> {
    let id = str_at(said, "id")?;
    let status = match str_at(said, "processing_status") {
        Some("canceling") => "cancelling",
        Some("ended") => "completed",
        _ => "in_progress",
    };
    let when = |name: &str, is_so: bool| if is_so { calls::moment(said, name) } else { Value::Null };
    let counts = said.get("request_counts").and_then(Value::as_object);
    let counted = |name: &str| calls::count(counts.and_then(|counts| counts.get(name)));
    let total: u64 =
        ["processing", "succeeded", "errored", "canceled", "expired"].into_iter().map(counted).sum();
    let is_over = status == "completed";
    let fields = [
        ("id", id.into()),
        ("endpoint", "/v1/messages".into()),
        ("input_file_id", "".into()),
        ("status", status.into()),
        ("output_file_id", if is_over { id.into() } else { Value::Null }),
        ("created_at", calls::moment(said, "created_at")),
        ("in_progress_at", when("created_at", status == "in_progress")),
        ("expires_at", calls::moment(said, "expires_at")),
        ("completed_at", when("ended_at", is_over)),
        ("cancelling_at", calls::moment(said, "cancel_initiated_at")),
        (
            "request_counts",
            json!({ "total": total, "completed": counted("succeeded"), "failed": counted("errored") }),
        ),
        ("metadata", json!({})),
    ];
    Some(calls::batch(fields))
}
