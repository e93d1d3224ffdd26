//! Embeddings (`/embeddings`).

use serde_json::Value;

use super::errors;
use crate::error::{Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, Target};
use crate::wires::{ErrorFacts, HttpReply, Memo, Prepared, Wire, calls};

#[derive(Debug)]
pub struct Embedding;

impl Wire<Call> for Embedding {
    fn supports(&self, parameter: &str, target: &Target) -> bool {
        match parameter {
            // The first models have one length each.
            "dimensions" => !target.accent.openai_models || target.model.contains("text-embedding-3"),
            _ => true,
        }
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        calls::json_call(
            target.url("/embeddings"),
            calls::named_body(request, target),
            request,
            Memo::default(),
        )
    }

    fn decode(&self, reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
        let mut answer = calls::json_object(reply)?;
        if !answer.get("data").is_some_and(Value::is_array) {
            return Err(calls::unreadable(reply));
        }
        answer.entry("model").or_insert_with(|| target.model.as_str().into());
        Ok(CallResponse::Json(answer.into()))
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        errors::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, target: &Target) -> Kind {
        errors::classify(facts, &target.accent)
    }
}
