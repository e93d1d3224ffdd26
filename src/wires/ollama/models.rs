//! The models that a server has (`/api/tags`).

use http::Method;
use serde_json::{Value, json};

use super::embedding::ERRORS;
use crate::json::str_at;
use crate::wires::calls::{self, CallWire};

pub static MODELS: CallWire = CallWire {
    takes: |_, _| false,
    encode: |_, target| Ok(calls::bare_call(Method::GET, format!("{}/api/tags", target.base))),
    decode: |reply, _, _| {
        let answer = calls::json_object(reply)?;
        let Some(Value::Array(found)) = answer.get("models") else { return Err(calls::unreadable(reply)) };
        let data: Vec<Value> = found
            .iter()
            .filter_map(|model| {
                let model = model.as_object()?;
                let name = str_at(model, "name").or_else(|| str_at(model, "model"))?;
                Some(json!({ "id": name, "object": "model" }))
            })
            .collect();
        Ok(calls::page(&data, false, None))
    },
    next: None,
    errors: ERRORS,
};
