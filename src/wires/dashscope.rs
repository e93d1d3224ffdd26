//! Alibaba's DashScope in its own format: images and speech. Its chat and embeddings are OpenAI's.

use serde_json::{Value, json};

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Next, Prepared};
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target};
use crate::json::Map;

pub static IMAGE: CallWire = CallWire {
    takes: |parameter, target| match parameter {
        "n" | "size" => true,
        // It has one format.
        "output_format" => target.call_type == CallType::ImageEdit,
        _ => false,
    },
    encode: image,
    decode: images,
    next: None,
    errors: openai::ERRORS,
};

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| parameter == "voice",
    encode: speech,
    decode: |reply, _, _| Ok(calls::bytes(reply)),
    next: Some(next),
    errors: openai::ERRORS,
};

const PATH: &str = "/api/v1/services/aigc/multimodal-generation/generation";

fn image(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut parameters = request.params.clone();
    for name in ["prompt", "output_format"] {
        parameters.shift_remove(name);
    }
    if let Some(Value::String(size)) = parameters.get_mut("size") {
        *size = size.replace('x', "*");
    }
    let images = request.files.iter().map(|file| json!({ "image": calls::data_address(file) }));
    let prompt = request.params.get("prompt").map(|prompt| json!({ "text": prompt }));
    let content: Vec<Value> = images.chain(prompt).collect();
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.as_str().into());
    body.insert("input".to_owned(), json!({ "messages": [{ "role": "user", "content": content }] }));
    body.insert("parameters".to_owned(), parameters.into());
    calls::json_call(target.url(PATH), body, request, Memo::default())
}

fn images(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = good(reply)?;
    let choices = answer.pointer("/output/choices").and_then(Value::as_array).into_iter().flatten();
    let content = choices.filter_map(|choice| choice.pointer("/message/content")?.as_array()).flatten();
    let of_choices = content.filter_map(|part| part.get("image"));
    let results = answer.pointer("/output/results").and_then(Value::as_array).into_iter().flatten();
    let of_results = results.filter_map(|result| result.get("url"));
    let data: Vec<Value> = of_choices.chain(of_results).map(|address| json!({ "url": address })).collect();
    if data.is_empty() {
        return Err(calls::unreadable(reply));
    }
    Ok(calls::images(data, None))
}

/// Failures may come with a good status.
fn good(reply: &HttpReply) -> Result<Value> {
    let answer = calls::json_value(reply)?;
    match (answer.get("output"), answer.get("code").and_then(Value::as_str)) {
        (None, Some(code)) => {
            let said = answer.get("message").and_then(Value::as_str).unwrap_or(code);
            let kind = if code == "DataInspectionFailed" { Kind::ContentPolicy } else { Kind::BadRequest };
            Err(Error::new(kind, said))
        }
        _ => Ok(answer),
    }
}

fn speech(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut input = request.params.clone();
    input.shift_remove("input");
    input.insert("text".to_owned(), calls::text(request, "input")?.into());
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.as_str().into());
    body.insert("input".to_owned(), input.into());
    calls::json_call(target.url(PATH), body, request, Memo::default())
}

/// The sound is where the answer says.
fn next(
    _request: &CallRequest,
    reply: &HttpReply,
    memo: &mut Memo,
    _target: &Target,
) -> Result<Option<Next>> {
    const FETCHED: &str = "fetched";
    if memo.notes.insert(FETCHED.to_owned(), true.into()).is_some() {
        return Ok(None);
    }
    let answer = good(reply)?;
    let address = answer.pointer("/output/audio/url").and_then(Value::as_str);
    let address = address.ok_or_else(|| calls::unreadable(reply))?;
    Ok(Some(Next::now(calls::get(address.to_owned()))))
}
