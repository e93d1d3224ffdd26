//! What an account keeps: `/files`, `/batches`, `/fine_tuning/jobs`; and the `/models` it may call.

use http::Method;
use http::header::{ACCEPT, HeaderValue};
use serde_json::{Value, json};

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, CallType, Resource, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static RESOURCES: CallWire = CallWire { takes: |_, _| true, encode, decode, next: None, errors: ERRORS };

/// The calls about one kind of it differ by method and ending.
pub(in crate::wires) fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let all = target.url(match target.call_type.resource() {
        Some(Resource::Batch) => "/batches",
        Some(Resource::FineTuningJob) => "/fine_tuning/jobs",
        Some(Resource::Model) => "/models",
        Some(Resource::File) | None => "/files",
    });
    let one = || calls::id_segment(request, target).map(|id| format!("{all}/{id}"));
    match target.call_type {
        CallType::CreateFile => {
            calls::file(request)?;
            calls::text(request, "purpose")?;
            let mut fields = request.params.clone();
            fields.extend(request.extra_body.clone());
            Ok(calls::form_call(all, &fields, &request.files, Memo::default()))
        }
        CallType::CreateFineTuningJob => {
            let mut body = Map::new();
            for name in ["model", "training_file"] {
                body.insert(name.to_owned(), calls::text(request, name)?.into());
            }
            body.insert("hyperparameters".to_owned(), json!({}));
            body.extend(request.params.clone());
            calls::json_call(all, body, request, Memo::default())
        }
        CallType::CreateBatch => {
            let mut body = request.params.clone();
            // Its lines name their models.
            body.shift_remove("model");
            calls::json_call(all, body, request, Memo::default())
        }
        CallType::ListBatches | CallType::ListFiles | CallType::ListFineTuningJobs | CallType::ListModels => {
            Ok(calls::bare_call(Method::GET, calls::listed(&all, request, &[])))
        }
        CallType::CancelBatch | CallType::CancelFineTuningJob => {
            Ok(calls::action(format!("{}/cancel", one()?)))
        }
        CallType::DeleteFile => {
            let mut prepared = calls::bare_call(Method::DELETE, one()?);
            prepared.memo.notes.insert("id".into(), calls::id(request, target)?.into());
            Ok(prepared)
        }
        CallType::FileContent => {
            let mut prepared = calls::bare_call(Method::GET, format!("{}/content", one()?));
            prepared.call.headers.insert(ACCEPT, HeaderValue::from_static("application/binary"));
            Ok(prepared)
        }
        _ => Ok(calls::bare_call(Method::GET, one()?)),
    }
}

pub(in crate::wires) fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let mut answer = match target.call_type {
        CallType::FileContent => return Ok(calls::bytes(reply)),
        // Some say nothing.
        CallType::DeleteFile if reply.body.trim_ascii().is_empty() => Map::new(),
        _ => calls::json_object(reply)?,
    };
    match target.call_type {
        CallType::ListBatches | CallType::ListFiles | CallType::ListFineTuningJobs | CallType::ListModels => {
            let Some(Value::Array(data)) = answer.get_mut("data") else {
                return Err(calls::unreadable(reply));
            };
            if target.call_type == CallType::ListFiles {
                data.iter_mut().filter_map(Value::as_object_mut).for_each(complete);
            }
            answer.entry("object").or_insert_with(|| "list".into());
        }
        CallType::DeleteFile => {
            let id = memo.notes.get("id").cloned().unwrap_or_default();
            answer.entry("id").or_insert(id);
            answer.entry("object").or_insert_with(|| "file".into());
            answer.entry("deleted").or_insert(Value::Bool(true));
        }
        _ if !answer.get("id").is_some_and(Value::is_string) => return Err(calls::unreadable(reply)),
        CallType::CreateFile | CallType::RetrieveFile => complete(&mut answer),
        _ => {}
    }
    Ok(CallResponse::Json(answer.into()))
}

/// What servers leave out of a file.
fn complete(file: &mut Map) {
    file.entry("object").or_insert_with(|| "file".into());
    file.entry("status").or_insert_with(|| "uploaded".into());
    file.entry("bytes").or_insert_with(|| 0.into());
}
