//! Images, documents, sound and video: inline, or by the address of a file (GEM-21, GEM-22).

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::mime::mime_of_extension;
use super::parts::{Blob, FileData, MediaResolution, Part, Payload, Resolution};
use crate::error::{Error, Kind, Result};
use crate::hub::{ChatRequest, Content, InlineMedia, Part as HubPart, Target};
use crate::json::{Map, cut, str_at};
use crate::wires::media::{Also, DataUrl, check_base64};

/// What a caller says about one piece of media.
#[derive(Debug, Clone, Copy, Default)]
pub struct Media<'a> {
    /// An address, a data URI, or bare base64 with a `format`.
    pub source: &'a str,
    /// The MIME type, where it is named (GEN-25).
    pub format: Option<&'a str>,
    pub detail: Option<&'a str>,
    pub video_metadata: Option<&'a Map>,
}

/// Reads media parts; remembers the finest resolution asked for, for models that take one for the whole request.
#[derive(Debug)]
pub struct Reader<'a> {
    pub fetched: &'a HashMap<String, InlineMedia>,
    /// Whether each part may name its resolution (Gemini 3 and newer).
    pub per_part: bool,
    /// Whether the provider follows addresses of the web.
    pub takes_web_media: bool,
    pub finest: Option<Resolution>,
}

impl<'a> Reader<'a> {
    pub fn part(&mut self, media: Media<'a>, path: &str) -> Result<Part<'a>> {
        let mut part = Part::of(payload(&media, self.fetched, self.takes_web_media, path)?);
        if let Some(level) = media.detail.and_then(resolution) {
            if self.per_part {
                part.media_resolution = Some(MediaResolution { level });
            } else {
                self.finest = self.finest.max(Some(level));
            }
        }
        if let Some(metadata) = media.video_metadata {
            part.video_metadata = Some(video_metadata(metadata, &part, path)?);
        }
        Ok(part)
    }
}

/// The media of a part of the caller's; `None` for text and what is no media.
pub fn of_part(part: &HubPart) -> Option<Media<'_>> {
    match part {
        HubPart::ImageUrl { url, detail, format, .. } => Some(Media {
            source: url,
            format: format.as_deref(),
            detail: detail.as_deref(),
            video_metadata: None,
        }),
        HubPart::InputAudio { .. } | HubPart::Text { .. } => None,
        HubPart::File { file, .. } => Some(of_file(file)),
        HubPart::Other(map) => match (str_at(map, "type"), map.get("video_url")) {
            (Some("video_url"), Some(Value::String(url))) => Some(Media { source: url, ..Media::default() }),
            (Some("video_url"), Some(Value::Object(video))) => {
                Some(Media { source: str_at(video, "url").unwrap_or_default(), ..of_file(video) })
            }
            _ => None,
        },
    }
}

fn of_file(file: &Map) -> Media<'_> {
    Media {
        source: str_at(file, "file_id").or_else(|| str_at(file, "file_data")).unwrap_or_default(),
        format: ["format", "mime_type", "content_type"].into_iter().find_map(|key| str_at(file, key)),
        detail: str_at(file, "detail"),
        video_metadata: file.get("video_metadata").and_then(Value::as_object),
    }
}

/// `input_audio`: base64 and a short name of its format.
pub fn audio<'a>(data: &'a str, format: &'a str, path: &str) -> Result<Part<'a>> {
    let (mime, data) = match data.strip_prefix("data:") {
        Some(_) => data_uri(data, None, path)?,
        None if format.is_empty() => {
            return Err(Error::invalid(
                &format!("{path}.format"),
                "name the format of the audio, for example 'wav'",
            ));
        }
        None if format.contains('/') => (Cow::Borrowed(format), data),
        None => (Cow::Owned(format!("audio/{format}")), data),
    };
    check_base64(data, Also::UrlAlphabet, path)?;
    Ok(Part::of(Payload::InlineData(Blob { mime_type: mime, data: data.into() })))
}

/// Addresses in a request that have to be fetched: everything of the web that the provider does not hold itself.
pub fn to_fetch(request: &ChatRequest, target: &Target) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for message in &request.messages {
        let parts = message.content.as_ref().and_then(Content::parts).into_iter().flatten();
        let media = parts.filter_map(of_part).map(|media| (media.source, media.format));
        let images = assistant_images(&message.extra).map(|source| (source, None));
        for (source, format) in media.chain(images) {
            let wanted = is_web(source)
                && !is_provider_file(source)
                && !is_followed(source, format, target.accent.takes_web_media)
                && !found.iter().any(|known| known == source);
            if wanted {
                found.push(source.to_owned());
            }
        }
    }
    found
}

/// The `images` of an earlier answer that comes back in the conversation.
pub fn assistant_images(extra: &Map) -> impl Iterator<Item = &str> {
    let images = extra.get("images").and_then(Value::as_array);
    images.into_iter().flatten().filter_map(|image| {
        let url = image.get("image_url")?;
        url.as_str().or_else(|| url.get("url")?.as_str())
    })
}

fn payload<'a>(
    media: &Media<'a>,
    fetched: &'a HashMap<String, InlineMedia>,
    takes_web_media: bool,
    path: &str,
) -> Result<Payload<'a>> {
    let Media { source, format, .. } = *media;
    let by_address = |mime: Option<Cow<'a, str>>, address: Cow<'a, str>| {
        Payload::FileData(FileData { mime_type: mime, file_uri: address })
    };
    if source.is_empty() {
        return Err(Error::invalid(path, "a file needs 'file_id' (an address) or 'file_data' (a data URI)"));
    }
    if source.starts_with("data:") {
        let (mime, data) = data_uri(source, format, path)?;
        check_base64(data, Also::UrlAlphabet, path)?;
        return Ok(Payload::InlineData(Blob { mime_type: mime, data: data.into() }));
    }
    if source.starts_with("gs://") {
        let mime = format.or_else(|| mime_of_extension(source)).ok_or_else(|| {
            let what = format!("the type of '{source}' is not known: name it as 'format', like 'image/png'");
            Error::invalid(path, &what)
        })?;
        return Ok(by_address(Some(mime.into()), source.into()));
    }
    if is_provider_file(source) {
        return Ok(by_address(format.map(Cow::Borrowed), file_address(source)));
    }
    if is_web(source) {
        if is_followed(source, format, takes_web_media) {
            return Ok(by_address(web_mime(source, format).map(Cow::Borrowed), source.into()));
        }
        let Some(media) = fetched.get(source) else {
            let what = format!("Could not fetch '{}' ({path}).", cut(source, 200));
            return Err(Error::new(Kind::ImageFetch, what).with_param(path));
        };
        return Ok(Payload::InlineData(Blob {
            mime_type: format.unwrap_or(&media.mime).into(),
            data: STANDARD.encode(&media.data).into(),
        }));
    }
    match format {
        Some(mime) => {
            check_base64(source, Also::UrlAlphabet, path)?;
            Ok(Payload::InlineData(Blob { mime_type: mime.into(), data: source.into() }))
        }
        None => Err(Error::invalid(
            path,
            "expected a data URI, an https or gs address, or base64 together with 'format' (its MIME type)",
        )),
    }
}

fn is_web(source: &str) -> bool {
    source.starts_with("https://") || source.starts_with("http://")
}

/// A file that was uploaded to the provider (AI Studio's Files API): never fetched.
fn is_provider_file(source: &str) -> bool {
    source.starts_with("files/")
        || (source.starts_with("https://generativelanguage.googleapis.com/") && source.contains("/files/"))
}

fn file_address(source: &str) -> Cow<'_, str> {
    if source.starts_with("files/") {
        Cow::Owned(format!("https://generativelanguage.googleapis.com/v1beta/{source}"))
    } else {
        Cow::Borrowed(source)
    }
}

/// Addresses that the provider follows itself: videos of YouTube everywhere, and where it takes media of the web, those
/// whose type is known (GEM-21).
fn is_followed(source: &str, format: Option<&str>, takes_web_media: bool) -> bool {
    let is_video =
        ["https://www.youtube.com/", "https://youtube.com/", "https://m.youtube.com/", "https://youtu.be/"]
            .into_iter()
            .any(|site| source.starts_with(site));
    is_video || takes_web_media && source.starts_with("https://") && web_mime(source, format).is_some()
}

/// The type of what an address of the web points to, as far as it says.
fn web_mime<'a>(source: &str, format: Option<&'a str>) -> Option<&'a str> {
    let plain = source.find(['?', '#']).map_or(source, |end| &source[..end]);
    format.or_else(|| mime_of_extension(plain))
}

/// `data:MIME;base64,…` into MIME type and base64; a named format wins.
fn data_uri<'a>(uri: &'a str, format: Option<&'a str>, path: &str) -> Result<(Cow<'a, str>, &'a str)> {
    let Some(DataUrl { mime, data }) = DataUrl::parse(uri) else {
        return Err(Error::invalid(path, "expected a data URI like 'data:image/png;base64,…'"));
    };
    let mime = format.unwrap_or(mime);
    if mime.is_empty() {
        return Err(Error::invalid(path, "the data URI names no MIME type"));
    }
    Ok((mime.into(), data))
}

fn resolution(detail: &str) -> Option<Resolution> {
    match detail {
        "low" => Some(Resolution::Low),
        "medium" => Some(Resolution::Medium),
        "high" => Some(Resolution::High),
        "ultra_high" => Some(Resolution::UltraHigh),
        _ => None,
    }
}

/// Frame rate and offsets: of video only.
fn video_metadata(metadata: &Map, part: &Part<'_>, path: &str) -> Result<Map> {
    let mime = match &part.payload {
        Some(Payload::FileData(file)) => file.mime_type.as_deref(),
        Some(Payload::InlineData(blob)) => Some(&*blob.mime_type),
        _ => None,
    };
    if let Some(mime) = mime.filter(|mime| !mime.starts_with("video/")) {
        let path = format!("{path}.video_metadata");
        return Err(Error::invalid(&path, &format!("only a video has this, the file is '{mime}'")));
    }
    let renamed = |key: &str| match key {
        "start_offset" => "startOffset".to_owned(),
        "end_offset" => "endOffset".to_owned(),
        other => other.to_owned(),
    };
    Ok(metadata.iter().map(|(key, value)| (renamed(key), value.clone())).collect())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn read(media: Media<'_>, per_part: bool) -> Result<Value> {
        let fetched = HashMap::from([(
            "https://example.com/a.png".to_owned(),
            InlineMedia { mime: "image/png".into(), data: Bytes::from_static(b"abc") },
        )]);
        let mut reader = Reader { fetched: &fetched, per_part, takes_web_media: false, finest: None };
        let part = reader.part(media, "p")?;
        Ok(serde_json::to_value(&part).unwrap())
    }

    fn source(source: &str) -> Media<'_> {
        Media { source, ..Media::default() }
    }

    #[test]
    fn gem_21_where_media_comes_from() {
        for (from, part) in [
            (
                source("data:image/png;base64,AAAA"),
                json!({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
            ),
            (
                Media { format: Some("image/webp"), ..source("data:image/png;base64,AAAA") },
                json!({"inlineData": {"mimeType": "image/webp", "data": "AAAA"}}),
            ),
            (
                source("gs://b/x.mp4"),
                json!({"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/x.mp4"}}),
            ),
            (
                Media { format: Some("image/png"), ..source("gs://b/x") },
                json!({"fileData": {"mimeType": "image/png", "fileUri": "gs://b/x"}}),
            ),
            (
                source("https://generativelanguage.googleapis.com/v1beta/files/abc"),
                json!({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}),
            ),
            (
                source("files/abc"),
                json!({"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc"}}),
            ),
            (source("https://youtu.be/abc"), json!({"fileData": {"fileUri": "https://youtu.be/abc"}})),
            (
                source("https://example.com/a.png"),
                json!({"inlineData": {"mimeType": "image/png", "data": "YWJj"}}),
            ),
            (
                Media { format: Some("application/pdf"), ..source("AAAA") },
                json!({"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}),
            ),
        ] {
            assert_eq!(read(from, false).unwrap(), part);
        }
    }

    #[test]
    fn gem_21_what_cannot_be_sent_says_why() {
        for (from, words) in [
            (source("gs://b/x"), "'format'"),
            (source("file-abc"), "data URI"),
            (source("data:image/png,AAAA"), "data URI"),
            (source("data:;base64,AAAA"), "MIME"),
            (source(""), "file_id"),
        ] {
            let error = read(from, false).unwrap_err();
            assert!(error.message().contains(words), "{error}");
            assert_eq!(error.facts().param.as_deref(), Some("p"));
        }
        let error = read(source("https://example.com/gone.png"), false).unwrap_err();
        assert_eq!(error.kind(), Kind::ImageFetch);
    }

    #[test]
    fn gen_28_base64_is_checked() {
        for bad in ["data:image/png;base64,AA A", "data:image/png;base64,A=A=", "data:image/png;base64,A===="]
        {
            assert!(read(source(bad), false).is_err(), "{bad}");
        }
        assert!(read(source("data:image/png;base64,AA-_Aa0="), false).is_ok());
    }

    #[test]
    fn gem_22_detail_is_a_resolution() {
        let media = Media { detail: Some("low"), ..source("data:image/png;base64,AAAA") };
        assert_eq!(read(media, true).unwrap()["mediaResolution"], json!({"level": "MEDIA_RESOLUTION_LOW"}));
        assert!(read(media, false).unwrap().get("mediaResolution").is_none());
        let fetched = HashMap::new();
        let mut reader = Reader { fetched: &fetched, per_part: false, takes_web_media: false, finest: None };
        for detail in ["low", "high", "auto", "medium"] {
            reader.part(Media { detail: Some(detail), ..media }, "p").unwrap();
        }
        assert_eq!(reader.finest, Some(Resolution::High));
    }

    #[test]
    fn gem_22_only_videos_have_video_metadata() {
        let metadata = json!({"fps": 5, "start_offset": "1s"});
        let metadata = metadata.as_object();
        let video = Media { video_metadata: metadata, ..source("gs://b/x.mp4") };
        assert_eq!(read(video, false).unwrap()["videoMetadata"], json!({"fps": 5, "startOffset": "1s"}));
        let document = Media { video_metadata: metadata, ..source("gs://b/x.pdf") };
        assert!(read(document, false).is_err());
    }

    #[test]
    fn gen_25_audio_formats() {
        let of = |data, format| serde_json::to_value(audio(data, format, "p").unwrap()).unwrap();
        let wav = json!({"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}});
        assert_eq!(of("AAAA", "wav"), wav);
        assert_eq!(of("AAAA", "audio/wav"), wav);
        assert_eq!(of("data:audio/wav;base64,AAAA", ""), wav);
        assert!(audio("AAAA", "", "p").is_err());
    }
}
