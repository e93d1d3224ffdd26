//! Forms, and the files in them.

use bytes::Bytes;
use http::header::HeaderValue;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::posted;
use crate::hub::{CallRequest, Target, Upload};
use crate::json::Map;
use crate::wires::{Memo, Prepared};

/// The fields of a form: the model's name, the parameters, and `extra_body`.
pub fn form_fields(request: &CallRequest, target: &Target) -> Map {
    let mut fields = super::named_body(request, target);
    fields.extend(request.extra_body.iter().map(|(name, value)| (name.clone(), value.clone())));
    fields
}

/// Prepares a POST of a form: fields, then files.
pub fn form_call(url: String, fields: &Map, files: &[Upload], memo: Memo) -> Prepared {
    form(url, fields, files, Lists::Bracketed, memo)
}

/// How a form says lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// `name[]`, again and again, as OpenAI's own client does.
    Bracketed,
    /// `name`, again and again.
    Plain,
}

/// The files follow as they are, between pieces of text: none is copied.
pub fn form(url: String, fields: &Map, files: &[Upload], lists: Lists, memo: Memo) -> Prepared {
    let boundary = boundary(fields, files);
    let mut text = Vec::with_capacity(1024);
    for (name, value) in fields {
        for (name, value) in form_values(name, value, lists) {
            head(&mut text, &boundary, &name, None);
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b"\r\n");
        }
    }
    let mut pieces = Vec::with_capacity(2 * files.len() + 1);
    for file in files {
        head(&mut text, &boundary, &file.field, Some(file));
        pieces.push(Bytes::from(std::mem::replace(&mut text, b"\r\n".to_vec())));
        pieces.push(file.data.clone());
    }
    text.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    pieces.push(text.into());
    let content_type = HeaderValue::try_from(format!("multipart/form-data; boundary={boundary}"))
        .unwrap_or_else(|_| HeaderValue::from_static("multipart/form-data"));
    let mut prepared = posted(url, content_type, pieces.remove(0), memo);
    prepared.call.rest = pieces;
    prepared
}

/// An object's entries go under `name[key]`.
fn form_values(name: &str, value: &Value, lists: Lists) -> Vec<(String, String)> {
    match value {
        Value::Array(items) => {
            let name = if lists == Lists::Plain { name.to_owned() } else { format!("{name}[]") };
            items.iter().flat_map(|item| form_values(&name, item, lists)).collect()
        }
        Value::Object(map) => {
            map.iter().flat_map(|(key, item)| form_values(&format!("{name}[{key}]"), item, lists)).collect()
        }
        Value::String(text) => vec![(name.to_owned(), text.clone())],
        Value::Null => Vec::new(),
        other => vec![(name.to_owned(), other.to_string())],
    }
}

/// What stands before a part's content.
fn head(out: &mut Vec<u8>, boundary: &str, field: &str, file: Option<&Upload>) {
    out.extend_from_slice(
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(field)).as_bytes(),
    );
    if let Some(file) = file {
        let kind = file.content_type.as_deref().unwrap_or("application/octet-stream");
        let kind: String = kind.chars().filter(|letter| !letter.is_control()).collect();
        out.extend_from_slice(
            format!("; filename=\"{}\"\r\nContent-Type: {kind}", quoted(&file.name)).as_bytes(),
        );
    }
    out.extend_from_slice(b"\r\n\r\n");
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
    let number = digest.iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    format!("ferrolite-{number:032x}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use http::header::CONTENT_TYPE;

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
        let content = file.data.as_ptr();
        let prepared = form_call("http://h/p".into(), &fields, &[file], Memo::default());
        assert!(prepared.call.rest.iter().any(|piece| piece.as_ptr() == content), "the file is no copy");
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
        assert_eq!(String::from_utf8_lossy(&prepared.call.whole_body()), expected);
    }
}
