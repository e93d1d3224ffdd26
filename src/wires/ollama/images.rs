//! Images: bare base64 (OLL-04); remote ones are fetched first (GEN-26).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Content, Message, Part, Target};
use crate::json::cut;
use crate::wires::media::{Also, DataUrl, check_base64};

/// Addresses of images that have to be inlined.
pub fn to_fetch(request: &ChatRequest) -> Vec<String> {
    let parts = request.messages.iter().filter_map(|message| message.content.as_ref()?.parts()).flatten();
    parts
        .filter_map(|part| match part {
            Part::ImageUrl { url, .. } if is_remote(url) => Some(url.clone()),
            _ => None,
        })
        .collect()
}

fn is_remote(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

/// The images of a message. Other media have no place here: they are refused by name, or left out when the caller
/// lets parameters be dropped.
pub fn of_message(
    message: &Message,
    index: usize,
    request: &ChatRequest,
    target: &Target,
) -> Result<Vec<String>> {
    let Some(Content::Parts(parts)) = &message.content else { return Ok(Vec::new()) };
    let mut images = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let path = format!("messages[{index}].content[{at}]");
        let kind = match part {
            Part::Text { .. } => continue,
            Part::ImageUrl { url, .. } => {
                images.push(base64_of(url, request, &path)?);
                continue;
            }
            Part::InputAudio { .. } => "input_audio",
            Part::File { .. } => "file",
            Part::Other(other) => crate::json::str_at(other, "type").unwrap_or("unknown"),
        };
        if !target.options.drop_params {
            return Err(Error::bad_request(format!(
                "{}/{} does not accept a '{kind}' part. Remove it, or set drop_params=True to send the request without it.",
                target.provider, target.model
            ))
            .with_param(path));
        }
    }
    Ok(images)
}

fn base64_of(url: &str, request: &ChatRequest, path: &str) -> Result<String> {
    if let Some(media) = request.media.get(url) {
        return Ok(STANDARD.encode(&media.data));
    }
    if !url.starts_with("data:") {
        // Bare base64, or an address that nobody fetched: Ollama's own words say it best.
        return Ok(url.to_owned());
    }
    let path = format!("{path}.image_url.url");
    let Some(DataUrl { data, .. }) = DataUrl::parse(url) else {
        return Err(Error::invalid(&path, &format!("'{}' is no base64 data URI", cut(url, 60))));
    };
    check_base64(data, Also::LineBreaks, &path)?;
    Ok(data.to_owned())
}
