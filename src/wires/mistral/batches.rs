//! Batches, which are jobs here (`/batch/jobs`).

use http::Method;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target};
use crate::json::{Map, str_at};
use crate::wires::calls::{self, CallWire};
use crate::wires::openai;
use crate::wires::{HttpReply, Memo, Prepared};

pub static BATCHES: CallWire = CallWire {
    takes: |parameter, _| parameter != "output_expires_after",
    encode,
    decode,
    next: None,
    errors: openai::ERRORS,
};

/// How many jobs a page has unless the caller says so.
const PAGE: u64 = 100;

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let all = format!("{}/batch/jobs", target.base);
    match target.call_type {
        CallType::CreateBatch => {
            let mut body = request.params.clone();
            let input = calls::text(request, "input_file_id")?.to_owned();
            for name in ["input_file_id", "completion_window"] {
                body.shift_remove(name);
            }
            // One model for all of it, which its lines do not name.
            body.insert("model".into(), calls::text(request, "model")?.into());
            body.insert("input_files".into(), json!([input]));
            calls::json_call(all, body, request, Memo::default())
        }
        CallType::ListBatches => {
            // Its pages are numbered from 0 on: that is all there is to go on after.
            let page: u64 = match request.params.get("after") {
                None => 0,
                Some(after) => after.as_str().and_then(|number| number.parse().ok()).ok_or_else(|| {
                    let what = "Invalid 'after': expected a page's `next_page_token`.";
                    Error::bad_request(what).with_param("after")
                })?,
            };
            let url = calls::listed(&all, request, &[("after", "page"), ("limit", "page_size")]);
            let mut prepared = calls::bare_call(Method::GET, url);
            let size = request.params.get("limit").map_or(PAGE, |limit| calls::count(Some(limit)));
            prepared.memo.notes.insert("page".into(), page.into());
            prepared.memo.notes.insert("before".into(), page.saturating_mul(size).into());
            Ok(prepared)
        }
        call_type => {
            let one = format!("{all}/{}", calls::id_segment(request, target)?);
            Ok(match call_type {
                CallType::CancelBatch => calls::action(format!("{one}/cancel")),
                _ => calls::bare_call(Method::GET, one),
            })
        }
    }
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    if target.call_type == CallType::ListBatches {
        let Some(Value::Array(found)) = answer.get("data") else { return Err(calls::unreadable(reply)) };
        let data: Vec<Value> = found.iter().filter_map(|one| batch(one.as_object()?)).collect();
        let noted = |name: &str| calls::count(memo.notes.get(name));
        let seen = noted("before").saturating_add(found.len() as u64);
        let more = !found.is_empty() && calls::count(answer.get("total")) > seen;
        let next = more.then(|| noted("page").saturating_add(1).to_string().into());
        return Ok(calls::page(&data, more, next));
    }
    batch(&answer).map(CallResponse::Json).ok_or_else(|| calls::unreadable(reply))
}

fn batch(said: &Map) -> Option<Value> {
    let status = match str_at(said, "status").unwrap_or_default() {
        "QUEUED" => "validating",
        "SUCCESS" => "completed",
        "FAILED" => "failed",
        "TIMEOUT_EXCEEDED" => "expired",
        "CANCELLATION_REQUESTED" => "cancelling",
        "CANCELLED" => "cancelled",
        _ => "in_progress",
    };
    let field = |name: &str| said.get(name).cloned().unwrap_or_default();
    let ended = |name: &str| if status == name { field("completed_at") } else { Value::Null };
    let errors = said.get("errors").and_then(Value::as_array).into_iter().flatten().filter_map(|error| {
        let message = error.get("message")?.as_str()?;
        let times = error.get("count").and_then(Value::as_u64).filter(|times| *times > 1);
        let times = times.map(|times| format!(" (x{times})")).unwrap_or_default();
        Some(json!({ "message": format!("{message}{times}") }))
    });
    let fields = [
        ("id", str_at(said, "id")?.into()),
        ("endpoint", field("endpoint")),
        ("errors", calls::batch_errors(&errors.collect::<Vec<_>>())),
        ("input_file_id", field("input_files").get(0).cloned().unwrap_or_else(|| "".into())),
        ("status", status.into()),
        ("output_file_id", field("output_file")),
        ("error_file_id", field("error_file")),
        ("created_at", field("created_at")),
        ("in_progress_at", field("started_at")),
        ("completed_at", ended("completed")),
        ("failed_at", ended("failed")),
        ("expired_at", ended("expired")),
        ("cancelled_at", ended("cancelled")),
        (
            "request_counts",
            json!({
                "total": calls::count(said.get("total_requests")),
                "completed": calls::count(said.get("succeeded_requests")),
                "failed": calls::count(said.get("failed_requests")),
            }),
        ),
        ("metadata", field("metadata")),
    ];
    Some(calls::batch(fields))
}
