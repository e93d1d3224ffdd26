//! What a client sends: JSON objects and forms, bounded.

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::hub::Upload;
use crate::json::{Map, kind_of};

/// The status of a body that is over the limit.
const TOO_LARGE: u16 = 413;
/// The most fields of a form.
const FIELDS: usize = 1000;

/// The whole body, at most `limit` bytes of it.
pub async fn read(body: Body, limit: usize) -> Result<Bytes> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(error) => Err(Error::bad_request(format!("The body broke off: {error}."))),
    }
}

pub fn too_large(limit: usize) -> Error {
    Error::bad_request(format!("The body is over {limit} bytes, the most that is taken."))
        .with_status(TOO_LARGE)
}

/// A JSON object; an empty body is an empty one.
pub fn object(body: &[u8]) -> Result<Map> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => {
            Err(Error::bad_request(format!("The body must be a JSON object, not {}.", kind_of(&other))))
        }
        Err(error) => Err(Error::bad_request(format!("The body is no JSON: {error}."))),
    }
}

/// A form: its fields as keywords, its files. What looks like a list in brackets is one.
pub async fn form(parts: &Parts, body: Body, limit: usize) -> Result<(Map, Vec<Upload>)> {
    let is_form = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.trim_start().get(..19).is_some_and(|start| start.eq_ignore_ascii_case("multipart/form-data"))
    });
    if !is_form {
        // Some clients send JSON where there is no file among it.
        return Ok((object(&read(body, limit).await?)?, Vec::new()));
    }
    let mut request = http::Request::new(Body::new(Limited::new(body, limit)));
    *request.headers_mut() = parts.headers.clone();
    // Or axum's own limit of 2 MB would hold.
    DefaultBodyLimit::disable().apply(&mut request);
    let broken = |error: &dyn std::fmt::Display, status: http::StatusCode| {
        if status.as_u16() == TOO_LARGE {
            too_large(limit)
        } else {
            Error::bad_request(format!("The form cannot be read: {error}."))
        }
    };
    let mut form =
        Multipart::from_request(request, &()).await.map_err(|error| broken(&error, error.status()))?;
    let (mut fields, mut files) = (Map::new(), Vec::new());
    while let Some(field) =
        form.next_field().await.map_err(|error| broken(&error.body_text(), error.status()))?
    {
        if fields.len() + files.len() >= FIELDS {
            return Err(Error::bad_request(format!("The form has over {FIELDS} fields.")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content_type = field.content_type().map(str::to_owned);
        let data = field.bytes().await.map_err(|error| broken(&error.body_text(), error.status()))?;
        if let Some(file_name) = file_name {
            let field = name.strip_suffix("[]").unwrap_or(&name).to_owned();
            files.push(Upload { field, name: file_name, content_type, data });
            continue;
        }
        let text =
            String::from_utf8(data.to_vec()).map_err(|_| Error::invalid(&name, "expected text in UTF-8"))?;
        add(&mut fields, &name, text);
    }
    Ok((fields, files))
}

/// Adds a field: `name[]` is an item of a list, `name[key]` a key of an object.
fn add(fields: &mut Map, name: &str, text: String) {
    let Some((list, key)) = name.strip_suffix(']').and_then(|rest| rest.split_once('[')) else {
        fields.insert(name.to_owned(), scalar(name, text));
        return;
    };
    if key.is_empty() {
        let entry = fields.entry(list).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(items) = entry {
            items.push(Value::String(text));
        }
    } else {
        let entry = fields.entry(list).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(entries) = entry {
            let value = scalar(key, text);
            entries.insert(key.to_owned(), value);
        }
    }
}

/// Parameters that are texts whatever they look like.
const TEXTS: [&str; 7] = ["prompt", "language", "model", "user", "size", "quality", "purpose"];

/// Forms know texts only: numbers, switches and objects are meant as such.
fn scalar(name: &str, text: String) -> Value {
    if TEXTS.contains(&name) {
        return text.into();
    }
    match serde_json::from_str(&text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Array(_))) => value,
        _ => text.into(),
    }
}

/// The query's names and values as keywords.
pub fn query(parts: &Parts) -> Map {
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        // Keys are the gateway's business.
        if name != "key" {
            add(&mut fields, &name, value.into_owned());
        }
    }
    fields
}
