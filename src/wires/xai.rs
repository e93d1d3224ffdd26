//! xAI's files and batches: OpenAI's files but for their pages, and batches of its own.

use http::Method;
use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Next, Prepared, REPLY_LIMIT, Wire};
use crate::error::{Error, Result};
use crate::hub::{Call, CallRequest, CallResponse, CallType, Resource, Target};
use crate::json::{Map, str_at};

/// Its side for a call of a type.
pub fn call(call_type: CallType) -> Option<&'static dyn Wire<Call>> {
    (matches!(call_type.resource(), Some(Resource::Batch | Resource::File))).then_some(&RESOURCES)
}

static RESOURCES: CallWire = CallWire {
    takes: |parameter, _| !matches!(parameter, "expires_after" | "order" | "output_expires_after"),
    encode,
    decode,
    next: Some(next),
    errors: openai::ERRORS,
};

/// The most results of one page.
const RESULTS: usize = 1000;
/// The most pages of results, so that a server that never ends them is not asked for ever.
const PAGES: usize = 1000;
const TOKEN: &str = "pagination_token";
const LISTS: [(&str, &str); 2] = [("after", TOKEN), ("purpose", "")];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let batches = format!("{}/batches", target.base);
    let one = || calls::id_segment(request, target).map(|id| format!("{batches}/{id}"));
    match target.call_type {
        CallType::CreateBatch => {
            let metadata = request.params.get("metadata");
            let name = metadata.and_then(|notes| notes.get("name")).cloned();
            let mut body = Map::new();
            body.insert("name".into(), name.unwrap_or_else(|| "ferrolite-batch".into()));
            body.insert("input_file_id".into(), calls::text(request, "input_file_id")?.into());
            let mut memo = Memo::default();
            memo.notes
                .extend(request.params.get("endpoint").map(|endpoint| ("endpoint".into(), endpoint.clone())));
            calls::json_call(batches, body, request, memo)
        }
        CallType::ListBatches => Ok(calls::bare_call(Method::GET, calls::listed(&batches, request, &LISTS))),
        CallType::CancelBatch => Ok(calls::action(format!("{}:cancel", one()?))),
        CallType::RetrieveBatch => Ok(calls::bare_call(Method::GET, one()?)),
        CallType::ListFiles => {
            let url = calls::listed(&format!("{}/files", target.base), request, &LISTS);
            let mut prepared = calls::bare_call(Method::GET, url);
            let purpose = request.params.get("purpose");
            prepared.memo.notes.extend(purpose.map(|purpose| ("purpose".into(), purpose.clone())));
            Ok(prepared)
        }
        // The output of a batch has the batch's id.
        CallType::FileContent if calls::id(request, target)?.starts_with("batch_") => {
            let url = format!("{}/results", one()?);
            let mut prepared = calls::bare_call(Method::GET, format!("{url}?limit={RESULTS}"));
            prepared.memo.notes.insert("results".into(), url.into());
            Ok(prepared)
        }
        _ => openai::resources::encode(request, target),
    }
}

/// The next page of results; those of this one are kept. A part of them is not handed out as the whole.
fn next(
    _request: &CallRequest,
    reply: &HttpReply,
    memo: &mut Memo,
    _target: &Target,
) -> Result<Option<Next>> {
    let Some(url) = str_at(&memo.notes, "results").map(str::to_owned) else { return Ok(None) };
    let mut page = calls::json_object(reply)?;
    let found = match page.shift_remove("results") {
        Some(Value::Array(found)) => found,
        Some(Value::Null) | None => Vec::new(),
        Some(_) => return Err(calls::unreadable(reply)),
    };
    if let Value::Array(kept) = memo.notes.entry("found").or_insert_with(|| json!([])) {
        kept.extend(found);
    }
    let pages = calls::count(memo.notes.get("pages")) + 1;
    let size = calls::count(memo.notes.get("size")).saturating_add(reply.body.len() as u64);
    if size > REPLY_LIMIT as u64 {
        return Err(Error::unreadable(format!(
            "the results of the batch are larger than {REPLY_LIMIT} bytes"
        )));
    }
    memo.notes.insert("pages".into(), pages.into());
    memo.notes.insert("size".into(), size.into());
    let token = str_at(&page, TOKEN).filter(|token| !token.is_empty());
    let Some(token) = token else { return Ok(None) };
    if pages >= PAGES as u64 {
        return Err(Error::unreadable(format!("the results of the batch have more than {PAGES} pages")));
    }
    let token: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let url = format!("{url}?limit={RESULTS}&pagination_token={token}");
    Ok(Some(Next::now(calls::get(url))))
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    match target.call_type {
        CallType::FileContent if memo.notes.contains_key("results") => {
            let found = memo.notes.get("found").and_then(Value::as_array);
            let lines = found
                .into_iter()
                .flatten()
                .filter_map(|one| Some(result(one.as_object()?).to_string() + "\n"));
            Ok(calls::sound(lines.collect::<String>(), "application/jsonl"))
        }
        CallType::CreateBatch | CallType::RetrieveBatch | CallType::CancelBatch => {
            let answer = calls::json_object(reply)?;
            let made = batch(&answer, memo.notes.get("endpoint"));
            made.map(CallResponse::Json).ok_or_else(|| calls::unreadable(reply))
        }
        CallType::ListBatches => {
            let answer = calls::json_object(reply)?;
            let found = answer.get("batches").and_then(Value::as_array);
            let data: Vec<Value> =
                found.into_iter().flatten().filter_map(|one| batch(one.as_object()?, None)).collect();
            Ok(calls::page_by_token(&data, &answer, TOKEN))
        }
        CallType::ListFiles => {
            let CallResponse::Json(Value::Object(mut answer)) =
                openai::resources::decode(reply, memo, target)?
            else {
                return Err(calls::unreadable(reply));
            };
            let data = answer.get_mut("data").and_then(Value::as_array_mut);
            let mut data = data.map(std::mem::take).unwrap_or_default();
            // Its list knows no purposes.
            if let Some(wanted) = memo.notes.get("purpose") {
                data.retain(|file| file.get("purpose").is_none_or(|purpose| purpose == wanted));
            }
            Ok(calls::page_by_token(&data, &answer, TOKEN))
        }
        _ => openai::resources::decode(reply, memo, target),
    }
}

fn batch(said: &Map, endpoint: Option<&Value>) -> Option<Value> {
    let id = str_at(said, "batch_id")?;
    let state = said.get("state").and_then(Value::as_object);
    let counted = |name: &str| calls::count(state.and_then(|state| state.get(name)));
    let (total, pending) = (counted("num_requests"), counted("num_pending"));
    let (done, failed) = (counted("num_success"), counted("num_error") + counted("num_cancelled"));
    let cancelled = calls::moment(said, "cancel_time");
    let status = match () {
        () if !cancelled.is_null() => "cancelled",
        () if total == 0 => "validating",
        () if pending == 0 => "completed",
        () => "in_progress",
    };
    let why = said.get("cancel_by_xai_message").filter(|why| !why.is_null());
    let fields = [
        ("id", id.into()),
        ("endpoint", endpoint.cloned().unwrap_or_else(|| "/v1/chat/completions".into())),
        ("errors", calls::batch_errors(why.map(|why| json!({ "message": why })).as_slice())),
        ("input_file_id", said.get("input_file_id").cloned().unwrap_or_else(|| "".into())),
        ("status", status.into()),
        ("output_file_id", if status == "completed" { id.into() } else { Value::Null }),
        ("created_at", calls::moment(said, "create_time")),
        ("expires_at", calls::moment(said, "expire_time")),
        ("cancelled_at", cancelled),
        ("request_counts", json!({ "total": total, "completed": done, "failed": failed })),
        ("metadata", json!({ "name": said.get("name").cloned().unwrap_or_else(|| "".into()) })),
    ];
    Some(calls::batch(fields))
}

/// One result as a line of a batch's output. The answer stands under the name of what was asked.
fn result(said: &Map) -> Value {
    let id = str_at(said, "batch_request_id").unwrap_or_default();
    let result = said.get("batch_result");
    let answer = result.and_then(|result| result.get("response")?.as_object()?.values().next());
    let answer = answer.cloned().ok_or_else(|| {
        let error = result.and_then(|result| result.get("error")?.as_object());
        let text = |name: &str| {
            let value = error?.get(name)?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        let said = || str_at(said, "error_message").map(str::to_owned);
        let message = text("message").or_else(said).unwrap_or_else(|| "There is no answer.".to_owned());
        (text("code").unwrap_or_else(|| "request_failed".to_owned()), message)
    });
    calls::output(id, answer)
}
