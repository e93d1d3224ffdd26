//! Embeddings through `invoke`: each maker's own format, most of them one input a request.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target};
use crate::json::Map;
use crate::wires::bedrock::model::Name;
use crate::wires::bedrock::rerank::ERRORS;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Next, Prepared, cohere};

pub static EMBEDDING: CallWire = CallWire { takes, encode, decode, next: Some(next), errors: ERRORS };

/// Vectors of the inputs so far.
const DONE: &str = "vectors";
const TOKENS: &str = "tokens";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Cohere,
    Nova,
    Titan,
    TitanImage,
    /// The first generations have nothing to set.
    TitanPlain,
    TwelveLabs,
}

impl Format {
    fn of(target: &Target) -> Option<Self> {
        let name = Name::parse(&target.model).bare();
        Some(if name.starts_with("cohere.") {
            Self::Cohere
        } else if name.starts_with("amazon.nova") {
            Self::Nova
        } else if name.starts_with("amazon.titan-embed-image") {
            Self::TitanImage
        } else if name.starts_with("amazon.titan-embed-text-v2") {
            Self::Titan
        } else if name.starts_with("amazon.titan") {
            Self::TitanPlain
        } else if name.starts_with("twelvelabs.") {
            Self::TwelveLabs
        } else {
            return None;
        })
    }
}

fn takes(parameter: &str, target: &Target) -> bool {
    match Format::of(target) {
        Some(Format::Cohere | Format::Titan) => matches!(parameter, "dimensions" | "encoding_format"),
        Some(Format::Nova | Format::TitanImage) => parameter == "dimensions",
        Some(Format::TitanPlain | Format::TwelveLabs) => false,
        None => true,
    }
}

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    match Format::of(target) {
        Some(Format::Cohere) => {
            let mut prepared = post(cohere::embedding::body(request), request, target)?;
            let source = http::HeaderValue::from_static("unspecified:litellm");
            prepared.call.headers.insert("request-source", source);
            Ok(prepared)
        }
        Some(format) => one(format, 0, request, target)?
            .ok_or_else(|| Error::bad_request("'input' is empty.").with_param("input")),
        None => Err(Error::bad_request(format!(
            "'{}' is no embedding model that is known: Amazon's, Cohere's and Twelve Labs' are.",
            target.model
        ))
        .with_param("model")),
    }
}

fn post(body: Map, request: &CallRequest, target: &Target) -> Result<Prepared> {
    calls::json_call(target.url(""), body, request, Memo::default())
}

/// The request for one of the inputs.
fn one(format: Format, index: usize, request: &CallRequest, target: &Target) -> Result<Option<Prepared>> {
    let inputs = calls::inputs(request);
    let Some(input) = inputs.get(index).and_then(Value::as_str) else { return Ok(None) };
    let mut body = request.params.clone();
    body.shift_remove("input");
    let image = input.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    match format {
        Format::Titan => {
            body.insert("inputText".to_owned(), input.into());
            if let Some(kind) = body.shift_remove("encoding_format") {
                let kind = if kind == "base64" { json!("binary") } else { kind };
                body.insert("embeddingTypes".to_owned(), json!([kind]));
            }
        }
        Format::TitanPlain => {
            body.insert("inputText".to_owned(), input.into());
        }
        Format::TitanImage => {
            match image {
                Some((_, data)) => body.insert("inputImage".to_owned(), data.into()),
                None => body.insert("inputText".to_owned(), input.into()),
            };
            if let Some(length) = body.shift_remove("dimensions") {
                body.insert("embeddingConfig".to_owned(), json!({ "outputEmbeddingLength": length }));
            }
        }
        Format::Nova => {
            let mut given = body;
            let length = given.shift_remove("dimensions").unwrap_or_else(|| 3072.into());
            given.entry("embeddingPurpose").or_insert_with(|| "GENERIC_INDEX".into());
            given.insert("embeddingDimension".to_owned(), length);
            match image {
                Some((kind, data)) => {
                    let format = kind.rsplit('/').next().unwrap_or(kind);
                    let content = json!({ "format": format, "source": { "bytes": data } });
                    let kind = kind.split('/').next().unwrap_or("image");
                    given.insert(kind.to_owned(), content);
                }
                None => {
                    let text = json!({ "value": input, "truncationMode": "END" });
                    given.insert("text".to_owned(), text);
                }
            }
            body = Map::new();
            body.insert("schemaVersion".to_owned(), "nova-multimodal-embed-v1".into());
            body.insert("taskType".to_owned(), "SINGLE_EMBEDDING".into());
            body.insert("singleEmbeddingParams".to_owned(), given.into());
        }
        Format::TwelveLabs => match image {
            Some((kind, data)) => {
                let kind = kind.split('/').next().unwrap_or("image");
                body.insert("inputType".to_owned(), kind.into());
                body.insert("mediaSource".to_owned(), json!({ "base64String": data }));
            }
            None => {
                body.insert("inputType".to_owned(), "text".into());
                body.insert("inputText".to_owned(), input.into());
                body.entry("textTruncate").or_insert_with(|| "end".into());
            }
        },
        Format::Cohere => return Ok(None),
    }
    post(body, request, target).map(Some)
}

fn next(request: &CallRequest, reply: &HttpReply, memo: &mut Memo, target: &Target) -> Result<Option<Next>> {
    let Some(format) = Format::of(target).filter(|format| *format != Format::Cohere) else {
        return Ok(None);
    };
    let answer = calls::json_object(reply)?;
    let vector = vector(&answer).ok_or_else(|| calls::unreadable(reply))?;
    let tokens = answer.get("inputTextTokenCount").and_then(Value::as_u64).unwrap_or_default();
    let before = memo.notes.get(TOKENS).and_then(Value::as_u64).unwrap_or_default();
    memo.notes.insert(TOKENS.to_owned(), (before + tokens).into());
    let done = memo.notes.entry(DONE).or_insert_with(|| json!([]));
    let count = done.as_array_mut().map_or(0, |done| {
        done.push(vector);
        done.len()
    });
    let next = one(format, count, request, target)?;
    Ok(next.map(|prepared| Next::now(prepared.call)))
}

/// One vector, where each format has it.
fn vector(answer: &Map) -> Option<Value> {
    if let Some(types) = answer.get("embeddingsByType").and_then(Value::as_object)
        && let Some(vector) = types.values().next()
    {
        return Some(vector.clone());
    }
    let listed = answer.get("embeddings").or_else(|| answer.get("data"));
    let vector = answer.get("embedding").or_else(|| listed.and_then(|list| list.get(0)?.get("embedding")));
    vector.filter(|vector| vector.is_array()).cloned()
}

fn decode(reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
    if Format::of(target) == Some(Format::Cohere) {
        return cohere::embedding::decode(reply, target);
    }
    let vectors = memo.notes.get(DONE).and_then(Value::as_array).cloned();
    let tokens = memo.notes.get(TOKENS).and_then(Value::as_u64);
    Ok(calls::embeddings(vectors.ok_or_else(|| calls::unreadable(reply))?, target, tokens))
}
