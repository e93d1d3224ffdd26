//! The parts of an answer, one by one: the same reading for whole replies and for streams.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::signatures::SIGNATURE_MARK;
use crate::json::{Map, str_at};

/// What one part of an answer is (GEM-23).
#[derive(Debug)]
pub enum Piece {
    Text(String),
    Thought(String),
    /// Arguments as JSON text.
    Call {
        id: Option<String>,
        name: String,
        arguments: String,
    },
    /// A data URI.
    Image(String),
    /// Base64.
    Audio(String),
    /// A call that the provider ran itself, or its result, in the caller's words.
    ServerCall(Map),
    ServerResult(Map),
    /// Code that was run, and kinds of parts we have no name for.
    Other,
}

/// A part and its signature.
#[derive(Debug)]
pub struct Signed {
    pub piece: Piece,
    pub signature: Option<String>,
}

pub fn read(part: Value) -> Signed {
    let Value::Object(mut part) = part else { return Signed { piece: Piece::Other, signature: None } };
    let signature = match part.shift_remove("thoughtSignature") {
        Some(Value::String(signature)) if !signature.is_empty() => Some(signature),
        _ => None,
    };
    let thought = part.get("thought").and_then(Value::as_bool).unwrap_or(false);
    let piece = if let Some(Value::String(text)) = part.shift_remove("text") {
        if thought { Piece::Thought(text) } else { Piece::Text(text) }
    } else if let Some(Value::Object(call)) = part.shift_remove("functionCall") {
        function_call(call)
    } else if let Some(Value::Object(blob)) = part.shift_remove("inlineData") {
        inline(blob)
    } else if let Some(Value::Object(call)) = part.shift_remove("toolCall") {
        Piece::ServerCall(server_call(call, "args", signature.as_deref()))
    } else if let Some(Value::Object(result)) = part.shift_remove("toolResponse") {
        Piece::ServerResult(server_call(result, "response", None))
    } else {
        Piece::Other
    };
    Signed { piece, signature }
}

fn function_call(mut call: Map) -> Piece {
    let id = match call.shift_remove("id") {
        Some(Value::String(id)) if !id.is_empty() => Some(id),
        _ => None,
    };
    let name = str_at(&call, "name").unwrap_or_default().to_owned();
    let arguments = match call.get("args") {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(args) => args.to_string(),
    };
    Piece::Call { id, name, arguments }
}

fn inline(blob: Map) -> Piece {
    let mime = str_at(&blob, "mimeType").unwrap_or("application/octet-stream").to_owned();
    let Some(Value::String(data)) =
        blob.into_iter().find_map(|(key, value)| (key == "data").then_some(value))
    else {
        return Piece::Other;
    };
    if mime.starts_with("audio/") {
        return Piece::Audio(data);
    }
    let uri = format!("data:{mime};base64,{data}");
    if mime.starts_with("image/") { Piece::Image(uri) } else { Piece::Text(uri) }
}

fn server_call(mut call: Map, payload: &str, signature: Option<&str>) -> Map {
    let mut out = Map::new();
    for (from, to) in [("toolType", "tool_type"), ("id", "id"), (payload, payload)] {
        if let Some(value) = call.shift_remove(from) {
            out.insert(to.to_owned(), value);
        }
    }
    if let Some(signature) = signature {
        out.insert("thought_signature".into(), signature.into());
    }
    out
}

/// The id a caller gets for a call: the provider's own before one we make (GEM-06), and the signature behind it, so
/// that clients which know nothing of signatures bring it back (GEM-07). `None`: nothing to carry, any id will do.
pub fn call_id(own: Option<String>, signature: Option<&str>, answer: &str, ordinal: u64) -> Option<String> {
    let Some(signature) = signature else { return own };
    let id = own.unwrap_or_else(|| {
        let digest = Sha256::new().chain_update(answer).chain_update(ordinal.to_be_bytes());
        let digest = digest.chain_update(signature).finalize();
        let mut id = "call_".to_owned();
        for byte in digest.iter().take(14) {
            // Writing to a string does not fail.
            let _ = write!(id, "{byte:02x}");
        }
        id
    });
    Some(format!("{id}{SIGNATURE_MARK}{signature}"))
}

pub fn call_fields(signature: Option<&str>) -> Option<Map> {
    let signature = signature?;
    Some(Map::from_iter([("thought_signature".to_owned(), signature.into())]))
}

pub fn image(url: String) -> Value {
    let image =
        Map::from_iter([("url".to_owned(), Value::String(url)), ("detail".to_owned(), "auto".into())]);
    Value::Object(Map::from_iter([
        ("image_url".to_owned(), Value::Object(image)),
        ("index".to_owned(), 0.into()),
        ("type".to_owned(), "image_url".into()),
    ]))
}

/// Sound has an id and an end of life at OpenAI; here it has neither.
pub fn audio(data: String, answer: &str) -> Value {
    Value::Object(Map::from_iter([
        ("id".to_owned(), format!("audio_{answer}").into()),
        ("data".to_owned(), Value::String(data)),
        ("expires_at".to_owned(), 0.into()),
        ("transcript".to_owned(), "".into()),
    ]))
}

/// Puts a result to the call it belongs to.
pub fn add_result(invocations: &mut Vec<Value>, result: Map) {
    let id = result.get("id");
    let call = invocations
        .iter_mut()
        .rev()
        .filter_map(Value::as_object_mut)
        .find(|call| call.get("id") == id && !call.contains_key("response"));
    match call {
        Some(call) => {
            for (key, value) in result {
                call.entry(key).or_insert(value);
            }
        }
        None => invocations.push(Value::Object(result)),
    }
}

/// OpenAI's form of `logprobsResult`.
pub fn logprobs(result: &Value) -> Option<Value> {
    let one = |candidate: &Value| {
        json!({"token": candidate.get("token").cloned().unwrap_or_else(|| "".into()),
            "logprob": candidate.get("logProbability").and_then(Value::as_f64).unwrap_or(0.0)})
    };
    let chosen = result.get("chosenCandidates")?.as_array()?;
    let top = result.get("topCandidates").and_then(Value::as_array);
    let content: Vec<Value> = chosen
        .iter()
        .enumerate()
        .map(|(index, candidate)| {
            let others = top.and_then(|top| top.get(index)?.get("candidates")?.as_array());
            let mut entry = one(candidate);
            let others: Vec<Value> = others.into_iter().flatten().map(one).collect();
            if let Value::Object(entry) = &mut entry {
                entry.insert("top_logprobs".into(), Value::Array(others));
            }
            entry
        })
        .collect();
    Some(json!({"content": content}))
}
