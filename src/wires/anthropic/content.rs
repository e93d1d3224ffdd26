//! Parts of a message as content blocks: text, images, documents, files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::betas::{self, Betas};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Content, InlineMedia, Message, Part, Target};
use crate::json::{Map, str_at};
use crate::wires::media::{Also, DataUrl, check_base64};

/// Stands for text the provider would refuse: empty, or only space (ANT-04).
pub const EMPTY_TEXT: &str = "[System: Empty message content sanitised to satisfy protocol]";

/// The largest inline payload, in bytes of base64 (GEN-28).
const MEDIA_LIMIT: usize = 32 * 1024 * 1024;

/// Image types that a stored file may have (ANT-26).
const IMAGE_TYPES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

const PDF: &str = "application/pdf";

/// Blocks of the provider that callers may put among the parts: passed as they are.
fn is_native(kind: &str) -> bool {
    matches!(
        kind,
        "compaction"
            | "container_upload"
            | "document"
            | "image"
            | "mcp_tool_use"
            | "redacted_thinking"
            | "search_result"
            | "server_tool_use"
            | "thinking"
            | "tool_reference"
            | "tool_result"
            | "tool_use"
    ) || kind.ends_with("_tool_result")
}

/// Turns parts into blocks, and remembers what they ask of the request as a whole.
pub struct Blocks<'r> {
    pub request: &'r ChatRequest,
    pub drop_params: bool,
    pub betas: Betas,
    /// A file for the code execution container is among them (ANT-26).
    pub container_upload: bool,
}

impl<'r> Blocks<'r> {
    pub fn new(request: &'r ChatRequest, drop_params: bool) -> Self {
        Self { request, drop_params, betas: Betas::default(), container_upload: false }
    }

    /// The block of one part; `None` for one that is left out because the caller said so.
    pub fn block(&mut self, part: &Part, path: &str) -> Result<Option<Value>> {
        let (mut block, mark) = match part {
            Part::Text { text, cache_control, .. } => (text_block(text), cache_control.as_ref()),
            Part::ImageUrl { url, format, cache_control, .. } => {
                (self.image(url, format.as_deref(), path)?, cache_control.as_ref())
            }
            Part::File { file, cache_control, extra } => {
                let mut block = self.file(file, path)?;
                if let Value::Object(map) = &mut block
                    && str_at(map, "type") == Some("document")
                {
                    for key in ["title", "context", "citations"] {
                        if let Some(value) = extra.get(key).filter(|value| !value.is_null()) {
                            map.insert(key.to_owned(), value.clone());
                        }
                    }
                }
                (block, cache_control.as_ref())
            }
            Part::InputAudio { .. } => return self.unknown("input_audio", path),
            Part::Other(map) => {
                return match str_at(map, "type") {
                    Some("refusal") => Ok(str_at(map, "refusal").map(text_block)),
                    Some(kind) if is_native(kind) => Ok(Some(self.native(map))),
                    kind => self.unknown(kind.unwrap_or("without a type"), path),
                };
            }
        };
        if let (Some(mark), Value::Object(map)) = (mark, &mut block) {
            map.insert("cache_control".to_owned(), mark.clone());
        }
        Ok(Some(block))
    }

    fn native(&mut self, map: &Map) -> Value {
        let mut map = map.clone();
        map.retain(|_, value| !value.is_null());
        match str_at(&map, "type") {
            Some("container_upload") => {
                self.betas.need(betas::FILES);
                self.container_upload = true;
            }
            _ if map.get("source").and_then(|source| source.get("file_id")).is_some() => {
                self.betas.need(betas::FILES);
            }
            _ => {}
        }
        Value::Object(map)
    }

    /// A part the provider has no block for is never lost silently.
    fn unknown(&self, kind: &str, path: &str) -> Result<Option<Value>> {
        if self.drop_params {
            tracing::warn!(path, kind, "content part dropped, the provider has no such block");
            return Ok(None);
        }
        Err(Error::bad_request(format!(
            "Invalid '{path}': the provider takes no content part '{kind}'. Remove it, or set drop_params=True."
        ))
        .with_param(path))
    }

    /// ANT-25, GEN-25, GEN-27.
    fn image(&self, url: &str, format: Option<&str>, path: &str) -> Result<Value> {
        if starts_with(url, "https://") {
            let kind = if format == Some(PDF) { "document" } else { "image" };
            return Ok(json!({"type": kind, "source": {"type": "url", "url": url}}));
        }
        if starts_with(url, "http://") {
            return match self.request.media.get(url) {
                Some(InlineMedia { mime, data }) => {
                    inline(format.unwrap_or(mime), &STANDARD.encode(data), "image", path)
                }
                None => Err(Error::invalid(path, "the image at this address was not fetched")),
            };
        }
        let data = DataUrl::parse(url).ok_or_else(|| {
            Error::invalid(
                path,
                "expected an https address or 'data:image/png;base64,...' with an image in jpeg, png, gif or webp",
            )
        })?;
        check(data.data, path)?;
        inline(format.unwrap_or(data.mime), data.data, "image", path)
    }

    /// ANT-26.
    fn file(&mut self, file: &Map, path: &str) -> Result<Value> {
        let format = str_at(file, "format");
        if let Some(data) = str_at(file, "file_data") {
            let data = match (DataUrl::parse(data), format) {
                (Some(data), _) => data,
                (None, Some(mime)) => DataUrl { mime, data },
                (None, None) => {
                    return Err(Error::invalid(
                        &format!("{path}.file.file_data"),
                        "expected 'data:application/pdf;base64,...', or base64 and a 'format' that says what it is",
                    ));
                }
            };
            check(data.data, path)?;
            return inline(format.unwrap_or(data.mime), data.data, "document", path);
        }
        let Some(id) = str_at(file, "file_id") else {
            return Err(Error::invalid(
                &format!("{path}.file"),
                "a file part needs 'file_data' or 'file_id'",
            ));
        };
        self.betas.need(betas::FILES);
        let is_image = format.is_some_and(|format| IMAGE_TYPES.contains(&format));
        let kind = if is_image { "image" } else { "document" };
        if starts_with(id, "http://") || starts_with(id, "https://") {
            return Ok(json!({"type": kind, "source": {"type": "url", "url": id}}));
        }
        if is_image || matches!(format, Some(PDF | "text/plain")) {
            return Ok(json!({"type": kind, "source": {"type": "file", "file_id": id}}));
        }
        self.container_upload = true;
        Ok(json!({"type": "container_upload", "file_id": id}))
    }
}

pub fn text_block(text: &str) -> Value {
    let text = if text.trim().is_empty() { EMPTY_TEXT } else { text };
    json!({"type": "text", "text": text})
}

/// A payload that the provider would take (GEN-28). Line breaks are accepted.
fn check(data: &str, path: &str) -> Result<()> {
    if data.len() > MEDIA_LIMIT {
        let what = format!("the data is larger than {MEDIA_LIMIT} bytes of base64");
        return Err(Error::invalid(path, &what));
    }
    check_base64(data, Also::LineBreaks, path)
}

/// An inline block; the media type decides what it is, `other` where it does not.
fn inline(mime: &str, data: &str, other: &str, path: &str) -> Result<Value> {
    if mime.starts_with("text/") {
        // The provider takes text documents as text.
        let bytes = STANDARD.decode(data.as_bytes()).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.ok_or_else(|| Error::invalid(path, "a text document needs base64 of UTF-8 text"))?;
        return Ok(json!({
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": text},
        }));
    }
    let kind = match mime {
        PDF => "document",
        _ if IMAGE_TYPES.contains(&mime) => "image",
        _ => other,
    };
    Ok(json!({"type": kind, "source": {"type": "base64", "media_type": mime, "data": data}}))
}

/// Addresses of media that are sent inline: Anthropic itself fetches https, other hosts nothing (ANT-25).
pub fn remote_media(messages: &[Message], target: &Target) -> Vec<String> {
    let all = target.accent.hosted.is_some();
    let mut found: Vec<String> = Vec::new();
    for part in messages.iter().filter_map(|message| message.content.as_ref()?.parts()).flatten() {
        let url = match part {
            Part::ImageUrl { url, .. } => url.as_str(),
            Part::File { file, .. } if all => {
                str_at(file, "file_data").or_else(|| str_at(file, "file_id")).unwrap_or_default()
            }
            _ => continue,
        };
        let is_wanted = starts_with(url, "http://") || all && starts_with(url, "https://");
        if is_wanted && !found.iter().any(|known| known == url) {
            found.push(url.to_owned());
        }
    }
    found
}

/// The content of a tool's result: text as it is, parts as blocks, nothing as empty text (GEN-18).
pub fn result_content(content: Option<&Content>, blocks: &mut Blocks<'_>, path: &str) -> Result<Value> {
    match content {
        None => Ok(Value::String(String::new())),
        Some(Content::Text(text)) => Ok(Value::String(text.clone())),
        Some(Content::Parts(parts)) => {
            let mut out = Vec::with_capacity(parts.len());
            for (index, part) in parts.iter().enumerate() {
                let block = match part {
                    // Empty text is fine in a result.
                    Part::Text { text, .. } if text.trim().is_empty() => {
                        Some(json!({"type": "text", "text": text}))
                    }
                    part => blocks.block(part, &format!("{path}.content[{index}]"))?,
                };
                out.extend(block);
            }
            Ok(Value::Array(out))
        }
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}
