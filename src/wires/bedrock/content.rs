//! Parts of a message as content blocks: text, images, documents, videos (BED-10 … BED-12).

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::cache::Caching;
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Content, Message, Part};
use crate::json::{Map, object, str_at};
use crate::wires::media::{Also, DataUrl, check_base64};

const IMAGES: [(&str, &str); 5] = [
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("image/jpg", "jpeg"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
];

const DOCUMENTS: [(&str, &str); 11] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("text/x-markdown", "md"),
    ("application/csv", "csv"),
];

const VIDEOS: [(&str, &str); 9] = [
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "mkv"),
    ("video/webm", "webm"),
    ("video/x-flv", "flv"),
    ("video/mpeg", "mpeg"),
    ("video/x-ms-wmv", "wmv"),
    ("video/wmv", "wmv"),
    ("video/3gpp", "three_gp"),
];

/// Stands beside a document that comes without a word (BED-10).
const PLACEHOLDER: &str = ".";

/// Turns parts into blocks; one for a whole conversation, since documents have names of their own in it.
#[derive(Debug)]
pub struct Blocks<'r> {
    pub request: &'r ChatRequest,
    pub caching: Caching,
    pub drop_params: bool,
    /// How often each document came so far (BED-11).
    documents: HashMap<String, u32>,
}

/// Where a payload is.
enum Source<'a> {
    Inline(&'a str),
    Fetched(String),
    S3(&'a str),
}

impl<'r> Blocks<'r> {
    pub fn new(request: &'r ChatRequest, caching: Caching, drop_params: bool) -> Self {
        Self { request, caching, drop_params, documents: HashMap::new() }
    }

    /// The blocks of one part, with its cache point. Empty text is none.
    pub fn part(&mut self, part: &Part, path: &str, out: &mut Vec<Value>) -> Result<()> {
        let mark = match part {
            Part::Text { text, cache_control, .. } => {
                if text.is_empty() {
                    return Ok(());
                }
                out.push(text_block(text));
                cache_control.as_ref()
            }
            Part::ImageUrl { url, format, cache_control, .. } => {
                let block = self.media(url, format.as_deref(), path)?;
                out.push(block);
                cache_control.as_ref()
            }
            Part::File { file, cache_control, .. } => {
                let block = self.file(file, path)?;
                out.push(block);
                cache_control.as_ref()
            }
            Part::InputAudio { .. } => return self.unknown("input_audio", path),
            Part::Other(map) => {
                match str_at(map, "type") {
                    Some("guarded_text") => {
                        let text = str_at(map, "text").unwrap_or_default();
                        out.push(json!({"guardContent": {"text": {"text": text}}}));
                    }
                    Some("video_url") => {
                        let url = map.get("video_url").and_then(|video| {
                            video.as_str().or_else(|| video.get("url").and_then(Value::as_str))
                        });
                        let Some(url) = url else {
                            return Err(Error::invalid(path, "a video part needs 'video_url'"));
                        };
                        let block = self.media(url, None, path)?;
                        out.push(block);
                    }
                    Some("document") => {
                        let block = self.document(map, path)?;
                        out.push(block);
                    }
                    // The provider's own block, as Converse writes it.
                    None if map.len() == 1 => out.push(Value::Object(map.clone())),
                    kind => return self.unknown(kind.unwrap_or("without a type"), path),
                }
                map.get("cache_control").filter(|mark| !mark.is_null())
            }
        };
        out.extend(self.caching.point(mark));
        Ok(())
    }

    /// A part that Converse has no block for is never lost silently.
    fn unknown(&self, kind: &str, path: &str) -> Result<()> {
        if self.drop_params {
            tracing::warn!(path, kind, "content part dropped, the provider has no such block");
            return Ok(());
        }
        Err(Error::invalid(
            path,
            &format!("Converse takes no content part '{kind}'. Remove it, or set drop_params=True"),
        ))
    }

    /// Anything with an address: its type decides the kind of block (GEN-27).
    fn media(&mut self, url: &str, format: Option<&str>, path: &str) -> Result<Value> {
        if let Some(DataUrl { mime, data }) = DataUrl::parse(url) {
            check_base64(data, Also::Nothing, path)?;
            return self.block(format.unwrap_or(mime), &Source::Inline(data), path);
        }
        if url.starts_with("s3://") {
            let Some(mime) = format.or_else(|| mime_of_name(url)) else {
                return Err(Error::invalid(path, "a file in S3 needs a 'format', like 'application/pdf'"));
            };
            return self.block(mime, &Source::S3(url), path);
        }
        match self.request.media.get(url) {
            Some(media) => {
                let mime = format.unwrap_or(&media.mime);
                self.block(mime, &Source::Fetched(STANDARD.encode(&media.data)), path)
            }
            None => {
                Err(Error::invalid(path, "expected 'data:image/png;base64,...', an http(s) or an s3 address"))
            }
        }
    }

    fn file(&mut self, file: &Map, path: &str) -> Result<Value> {
        let format = str_at(file, "format");
        let Some(given) = str_at(file, "file_data").or_else(|| str_at(file, "file_id")) else {
            return Err(Error::invalid(path, "a file part needs 'file_data' or 'file_id'"));
        };
        if let (None, Some(mime), true) = (DataUrl::parse(given), format, file.contains_key("file_data")) {
            check_base64(given, Also::Nothing, path)?;
            return self.block(mime, &Source::Inline(given), path);
        }
        self.media(given, format, path)
    }

    /// Anthropic's own document part.
    fn document(&mut self, map: &Map, path: &str) -> Result<Value> {
        let source = map.get("source").and_then(Value::as_object);
        let field = |name: &str| source.and_then(|source| str_at(source, name));
        match (field("type"), field("data")) {
            (Some("base64"), Some(data)) => {
                check_base64(data, Also::Nothing, path)?;
                self.block(field("media_type").unwrap_or("application/pdf"), &Source::Inline(data), path)
            }
            (Some("text"), Some(text)) => {
                self.block("text/plain", &Source::Fetched(STANDARD.encode(text)), path)
            }
            _ => Err(Error::invalid(path, "Converse takes documents as base64 or text")),
        }
    }

    fn block(&mut self, mime: &str, source: &Source<'_>, path: &str) -> Result<Value> {
        let find = |known: &[(&str, &'static str)]| {
            known.iter().find(|(name, _)| name.eq_ignore_ascii_case(mime)).map(|(_, format)| *format)
        };
        let bytes = |source: &Source<'_>| match source {
            Source::Inline(data) => json!({"bytes": data}),
            Source::Fetched(data) => json!({"bytes": data}),
            Source::S3(uri) => json!({"s3Location": {"uri": uri}}),
        };
        if let Some(format) = find(&IMAGES) {
            return Ok(object([("image", object([("source", bytes(source)), ("format", format.into())]))]));
        }
        if let Some(format) = find(&VIDEOS) {
            return Ok(object([("video", object([("source", bytes(source)), ("format", format.into())]))]));
        }
        if let Some(format) = find(&DOCUMENTS) {
            let name = self.document_name(source, format);
            let document =
                object([("source", bytes(source)), ("format", format.into()), ("name", name.into())]);
            return Ok(object([("document", document)]));
        }
        Err(Error::invalid(
            path,
            &format!(
                "'{mime}' is not supported: images are png, jpeg, gif, webp; documents pdf, csv, doc, docx, xls, xlsx, \
                 html, txt, md; videos mp4, mov, mkv, webm, flv, mpeg, wmv, 3gp"
            ),
        ))
    }

    /// Of the content, so that the same conversation has the same names (BED-11). A name may come only once.
    fn document_name(&mut self, source: &Source<'_>, format: &str) -> String {
        let hash = Sha256::digest(match source {
            Source::Inline(data) => data.as_bytes(),
            Source::Fetched(data) => data.as_bytes(),
            Source::S3(uri) => uri.as_bytes(),
        });
        let hash = hash.iter().take(8).fold(0u64, |hash, byte| hash << 8 | u64::from(*byte));
        let name = format!("Document-{hash:016x}-{format}");
        let count = self.documents.entry(name.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { name } else { format!("{name}-{count}") }
    }
}

/// A document needs a word beside it: in front of a cache point that ends the message (BED-10).
pub fn add_placeholder(blocks: &mut Vec<Value>) {
    let has = |name: &str| blocks.iter().any(|block| block.get(name).is_some());
    if !has("document") || has("text") || has("guardContent") {
        return;
    }
    let at_end = blocks.last().is_some_and(|block| block.get("cachePoint").is_some());
    blocks.insert(blocks.len() - usize::from(at_end), text_block(PLACEHOLDER));
}

pub fn text_block(text: &str) -> Value {
    json!({"text": text})
}

/// Addresses of media: Converse takes bytes, or what is in S3.
pub fn remote_media(messages: &[Message]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |url: &str| {
        let remote = ["http://", "https://"]
            .iter()
            .any(|scheme| url.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
        if remote && !found.iter().any(|known| known == url) {
            found.push(url.to_owned());
        }
    };
    for part in
        messages.iter().filter_map(|message| message.content.as_ref().and_then(Content::parts)).flatten()
    {
        match part {
            Part::ImageUrl { url, .. } => add(url),
            Part::File { file, .. } => {
                if let Some(id) = str_at(file, "file_data").or_else(|| str_at(file, "file_id")) {
                    add(id);
                }
            }
            Part::Other(map) if str_at(map, "type") == Some("video_url") => {
                let url = map.get("video_url");
                let url = url.and_then(|url| url.as_str().or_else(|| url.get("url").and_then(Value::as_str)));
                if let Some(url) = url {
                    add(url);
                }
            }
            _ => {}
        }
    }
    found
}

fn mime_of_name(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    let extension = match extension {
        "jpg" => "jpeg",
        "htm" => "html",
        other => other,
    };
    IMAGES
        .iter()
        .chain(&DOCUMENTS)
        .chain(&VIDEOS)
        .find(|(_, format)| format.eq_ignore_ascii_case(extension))
        .map(|(mime, _)| *mime)
}
