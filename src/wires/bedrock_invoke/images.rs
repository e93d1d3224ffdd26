//! Images through `invoke`: Amazon's Nova Canvas and Titan, and Stability's models.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, Target, Upload};
use crate::json::Map;
use crate::wires::bedrock::model::Name;
use crate::wires::bedrock::rerank::ERRORS;
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Prepared};

pub static GENERATION: CallWire =
    CallWire { takes: takes_generation, encode: generation, decode, next: None, errors: ERRORS };
pub static EDIT: CallWire = CallWire { takes: takes_edit, encode: edit, decode, next: None, errors: ERRORS };

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Amazon,
    /// Stable Diffusion XL.
    Diffusion,
    Stability,
}

impl Format {
    fn of(target: &Target) -> Self {
        let name = Name::parse(&target.model).bare();
        if name.starts_with("amazon.") {
            Self::Amazon
        } else if name.starts_with("stability.stable-diffusion") {
            Self::Diffusion
        } else {
            Self::Stability
        }
    }
}

fn takes_generation(parameter: &str, target: &Target) -> bool {
    match Format::of(target) {
        Format::Amazon => matches!(parameter, "n" | "quality" | "size"),
        Format::Diffusion => parameter == "size",
        Format::Stability => false,
    }
}

fn takes_edit(parameter: &str, target: &Target) -> bool {
    match Format::of(target) {
        Format::Amazon => matches!(parameter, "n" | "quality" | "size" | "mask"),
        Format::Diffusion | Format::Stability => matches!(parameter, "output_format" | "size" | "mask"),
    }
}

fn generation(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let prompt = calls::text(request, "prompt")?.to_owned();
    let mut given = request.params.clone();
    given.shift_remove("prompt");
    let body = match Format::of(target) {
        Format::Amazon => task(given, &prompt, request),
        Format::Diffusion => {
            put_size(&mut given, request);
            let texts = json!([{ "text": prompt, "weight": 1 }]);
            given.insert("text_prompts".to_owned(), texts);
            given
        }
        Format::Stability => {
            given.insert("prompt".to_owned(), prompt.into());
            given
        }
    };
    calls::json_call(target.url(""), body, request, Memo::default())
}

fn put_size(given: &mut Map, request: &CallRequest) {
    given.shift_remove("size");
    if let Some((width, height)) = calls::size(request) {
        given.insert("width".to_owned(), width.into());
        given.insert("height".to_owned(), height.into());
    }
}

/// Amazon's: a task, its own parameters, and those of every task.
fn task(mut given: Map, prompt: &str, request: &CallRequest) -> Map {
    put_size(&mut given, request);
    if let Some(count) = given.shift_remove("n") {
        given.insert("numberOfImages".to_owned(), count);
    }
    let kind = given.shift_remove("taskType").unwrap_or_else(|| "TEXT_IMAGE".into());
    let place = match kind.as_str() {
        Some("COLOR_GUIDED_GENERATION") => "colorGuidedGenerationParams",
        Some("INPAINTING") => "inPaintingParams",
        Some("OUTPAINTING") => "outPaintingParams",
        Some("IMAGE_VARIATION") => "imageVariationParams",
        _ => "textToImageParams",
    };
    let mut own = match given.shift_remove(place) {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    own.entry("text").or_insert_with(|| prompt.into());
    let config = match given.shift_remove("imageGenerationConfig") {
        Some(Value::Object(config)) => config.into_iter().chain(given).collect(),
        _ => given,
    };
    let mut body = Map::new();
    body.insert("taskType".to_owned(), kind);
    body.insert(place.to_owned(), own.into());
    body.insert("imageGenerationConfig".to_owned(), config.into());
    body
}

fn edit(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let image = calls::base64(calls::file(request)?);
    let mask = request.files.iter().find(|file| file.field == "mask").map(calls::base64);
    let mut given = request.params.clone();
    let prompt = given.shift_remove("prompt");
    let body = if Format::of(target) == Format::Amazon {
        amazon_edit(given, prompt, &image, mask, request)
    } else {
        let name = if target.model.contains("style-transfer") { "init_image" } else { "image" };
        given.insert(name.to_owned(), image.into());
        given.entry("output_format").or_insert_with(|| "png".into());
        given.shift_remove("size");
        if let Some(ratio) = calls::aspect_ratio(request, &calls::RATIOS) {
            given.insert("aspect_ratio".to_owned(), ratio.into());
        }
        given.extend(prompt.map(|prompt| ("prompt".to_owned(), prompt)));
        given.extend(mask.map(|mask| ("mask".to_owned(), mask.into())));
        given
    };
    calls::json_call(target.url(""), body, request, Memo::default())
}

/// With a mask its inside is painted anew, without one the image is varied.
fn amazon_edit(
    mut given: Map,
    prompt: Option<Value>,
    image: &str,
    mask: Option<String>,
    request: &CallRequest,
) -> Map {
    put_size(&mut given, request);
    if let Some(count) = given.shift_remove("n") {
        given.insert("numberOfImages".to_owned(), count);
    }
    let mut body = Map::new();
    let mut own = Map::new();
    let (kind, place) = if mask.is_some() {
        own.insert("image".to_owned(), image.into());
        ("INPAINTING", "inPaintingParams")
    } else {
        let images = request.files.iter().filter(|file: &&Upload| file.field != "mask").map(calls::base64);
        own.insert("images".to_owned(), images.collect::<Vec<_>>().into());
        ("IMAGE_VARIATION", "imageVariationParams")
    };
    own.extend(prompt.map(|prompt| ("text".to_owned(), prompt)));
    own.extend(mask.map(|mask| ("maskImage".to_owned(), mask.into())));
    body.insert("taskType".to_owned(), kind.into());
    body.insert(place.to_owned(), own.into());
    if !given.is_empty() {
        body.insert("imageGenerationConfig".to_owned(), given.into());
    }
    body
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    if let Some(why) = answer.get("error").and_then(Value::as_str) {
        return Err(Error::bad_request(why));
    }
    let images = answer.get("images").or_else(|| answer.get("artifacts")).and_then(Value::as_array);
    let images = images.ok_or_else(|| calls::unreadable(reply))?;
    let data: Vec<Value> = images
        .iter()
        .filter_map(|image| image.as_str().or_else(|| image.get("base64")?.as_str()))
        .map(|image| json!({ "b64_json": image }))
        .collect();
    if data.is_empty() {
        // Filtered: Stability says why.
        let why = answer.get("finish_reasons").map_or_else(String::new, Value::to_string);
        return Err(Error::new(crate::error::Kind::ContentPolicy, format!("No image was made. {why}")));
    }
    Ok(calls::images(data, None))
}
