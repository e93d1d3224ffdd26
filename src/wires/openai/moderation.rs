//! Moderations (`/moderations`).

use serde_json::Value;

use super::ERRORS;
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static MODERATION: CallWire = CallWire { takes: |_, _| true, encode, decode, next: None, errors: ERRORS };

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let body = calls::named_body(request, target);
    calls::json_call(target.url("/moderations"), body, request, Memo::default())
}

fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let mut answer = calls::json_object(reply)?;
    if !answer.get("results").is_some_and(Value::is_array) {
        return Err(calls::unreadable(reply));
    }
    answer.entry("id").or_insert_with(|| "".into());
    answer.entry("model").or_insert_with(|| target.model.as_str().into());
    Ok(CallResponse::Json(answer.into()))
}
