//! Embeddings: another configuration of the same orchestration.

use serde_json::{Value, json};

use super::{inside, request};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared, openai};

pub static EMBEDDING: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "dimensions" | "encoding_format"),
    encode: |request, target| Ok(encode(request, target)),
    decode,
    next: Some(|_, reply, memo, target| request::next(reply, memo, target)),
    errors: openai::ERRORS,
};

fn encode(asked: &CallRequest, target: &Target) -> Prepared {
    let mut params = asked.params.clone();
    let mut take = |name: &str| params.shift_remove(name);
    let (text, kind, masking) = (take("input"), take("input_type"), take("masking"));
    let version = take("model_version").unwrap_or_else(|| "latest".into());
    if let Some(Value::Object(more)) = take("parameters") {
        params.extend(more);
    }
    let mut input = json!({ "text": text });
    if let Some(kind) = kind {
        input["type"] = kind;
    }
    let model = json!({ "name": target.model, "version": version, "params": params });
    let mut modules = json!({ "embeddings": { "model": model } });
    if let Some(masking) = masking {
        modules["masking"] = masking;
    }
    let mut body = Map::new();
    body.insert("config".into(), json!({ "modules": modules }));
    body.insert("input".into(), input);
    body.extend(asked.extra_body.clone());
    request::at_deployment(target, "/v2/embeddings", body.into(), Memo::default())
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    let Some(answer) = inside(&reply.body) else { return Err(calls::unreadable(reply)) };
    openai::embedding::decode(&HttpReply { body: answer.into(), ..reply.clone() }, memo, target)
}
