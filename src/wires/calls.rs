//! What the wires share for calls other than chat: bodies of JSON and of forms, answers of JSON and of bytes.

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{HttpCall, HttpReply, Memo, Prepared};
use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target, Upload};
use crate::json::Map;

/// Prepares a POST of a JSON object; a key of `extra_body` replaces the same key (GEN-06).
pub fn json_call(url: String, mut body: Map, request: &CallRequest, memo: Memo) -> Result<Prepared> {
    for (name, value) in &request.extra_body {
        body.insert(name.clone(), value.clone());
    }
    let body = serde_json::to_vec(&body)
        .map_err(|error| Error::bad_request("the request cannot be written as JSON").with_source(error))?;
    Ok(posted(url, HeaderValue::from_static("application/json"), body, memo))
}

/// The body of an OpenAI-shaped call: the model's name and the parameters as they are.
pub fn named_body(request: &CallRequest, target: &Target) -> Map {
    let mut body = Map::with_capacity(request.params.len() + 1);
    body.insert("model".to_owned(), Value::String(target.model.clone()));
    body.extend(request.params.iter().map(|(name, value)| (name.clone(), value.clone())));
    body
}

/// Prepares a POST of a form: fields, then files.
pub fn form_call(url: String, fields: &Map, files: &[Upload], memo: Memo) -> Prepared {
    let boundary = boundary(fields, files);
    let mut body = Vec::with_capacity(1024 + files.iter().map(|file| file.data.len() + 256).sum::<usize>());
    for (name, value) in fields {
        for (name, text) in form_values(name, value) {
            part(&mut body, &boundary, &name, None, None, text.as_bytes());
        }
    }
    for file in files {
        let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
        part(&mut body, &boundary, &file.field, Some(&file.name), Some(kind), &file.data);
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"))
        .unwrap_or_else(|_| HeaderValue::from_static("multipart/form-data"));
    posted(url, content_type, body, memo)
}

fn posted(url: String, content_type: HeaderValue, body: Vec<u8>, memo: Memo) -> Prepared {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, content_type);
    Prepared { call: HttpCall { method: Method::POST, url, headers, body: Bytes::from(body) }, memo }
}

/// A list is repeated under `name[]`, an object's entries under `name[key]`, as OpenAI's own client does.
fn form_values(name: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Array(items) => {
            items.iter().flat_map(|item| form_values(&format!("{name}[]"), item)).collect()
        }
        Value::Object(map) => {
            map.iter().flat_map(|(key, item)| form_values(&format!("{name}[{key}]"), item)).collect()
        }
        Value::String(text) => vec![(name.to_owned(), text.clone())],
        Value::Null => Vec::new(),
        other => vec![(name.to_owned(), other.to_string())],
    }
}

fn part(out: &mut Vec<u8>, boundary: &str, field: &str, file: Option<&str>, kind: Option<&str>, data: &[u8]) {
    out.extend_from_slice(
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(field)).as_bytes(),
    );
    if let Some(file) = file {
        out.extend_from_slice(format!("; filename=\"{}\"", quoted(file)).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    if let Some(kind) = kind {
        let kind: String = kind.chars().filter(|letter| !letter.is_control()).collect();
        out.extend_from_slice(format!("Content-Type: {kind}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// As browsers write names in forms.
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// A line that does not occur in what it separates: made from that, since translation has no chance in it.
fn boundary(fields: &Map, files: &[Upload]) -> String {
    let mut hash = Sha256::new();
    for (name, value) in fields {
        hash.update(name.as_bytes());
        hash.update(value.to_string().as_bytes());
    }
    for file in files {
        hash.update(&file.data);
    }
    let digest = hash.finalize();
    let letters: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("ferrolite-{letters}")
}

/// A reply that has to be a JSON object.
pub fn json_object(reply: &HttpReply) -> Result<Map> {
    match serde_json::from_slice(&reply.body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(unreadable(reply)),
        Err(error) => Err(unreadable(reply).with_source(error)),
    }
}

/// A reply that is not what the call answers with.
pub fn unreadable(reply: &HttpReply) -> Error {
    let text = String::from_utf8_lossy(&reply.body);
    Error::unreadable(format!("the reply cannot be read: {}", crate::json::cut(&text, 500)))
}

/// A reply that is handed on as it came.
pub fn bytes(reply: &HttpReply) -> CallResponse {
    let content_type = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    CallResponse::Bytes {
        content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
        data: reply.body.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_has_its_fields_and_files() {
        let Value::Object(fields) = json!({ "model": "m", "temperature": 0.5, "include": ["a", "b"] }) else {
            panic!()
        };
        let file = Upload {
            field: "file".into(),
            name: "a \"b\".wav".into(),
            content_type: Some("audio/wav".into()),
            data: Bytes::from_static(b"RIFF\r\n--x"),
        };
        let prepared = form_call("http://h/p".into(), &fields, &[file], Memo::default());
        let kind = prepared.call.headers[CONTENT_TYPE].to_str().unwrap();
        let (_, boundary) = kind.split_once("boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"temperature\"\r\n\r\n0.5\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"include[]\"\r\n\r\na\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"include[]\"\r\n\r\nb\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a %22b%22.wav\"\r\n\
             Content-Type: audio/wav\r\n\r\nRIFF\r\n--x\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8_lossy(&prepared.call.body), expected);
    }
}
