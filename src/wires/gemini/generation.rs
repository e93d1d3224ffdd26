//! `generationConfig` and the other settings beside the conversation.

use serde_json::{Value, json};

use super::parts::Resolution;
use super::{model, schema, thinking};
use crate::error::{Error, Result};
use crate::hub::{Params, ResponseFormat, Target};
use crate::json::{Map, kind_of, str_at};

/// Keywords that belong into `generationConfig`, by Google's name; callers may write them either way.
const FIELDS: &[&str] = &[
    "candidateCount",
    "frequencyPenalty",
    "imageConfig",
    "logprobs",
    "maxOutputTokens",
    "mediaResolution",
    "presencePenalty",
    "responseFormat",
    "responseJsonSchema",
    "responseLogprobs",
    "responseMimeType",
    "responseModalities",
    "responseSchema",
    "seed",
    "speechConfig",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
];

/// What goes straight into the configuration: OpenAI's name and Google's. The two of logprobs swap (GEM-19).
const RENAMED: &[(&str, &str)] = &[
    ("temperature", "temperature"),
    ("top_p", "topP"),
    ("n", "candidateCount"),
    ("seed", "seed"),
    ("logprobs", "responseLogprobs"),
    ("top_logprobs", "logprobs"),
];

/// Everything that is said beside the conversation and the tools.
#[derive(Debug, Default)]
pub struct Settings {
    pub config: Map,
    /// Other keys of the body.
    pub top: Map,
    /// A schema for a model that has no field for one: said in the conversation (GEN-29).
    pub instruction: Option<String>,
}

pub fn encode(
    params: &Params,
    own: &Map,
    target: &Target,
    resolution: Option<Resolution>,
) -> Result<Settings> {
    let mut settings = Settings::default();
    let config = &mut settings.config;
    for (name, googles) in RENAMED {
        if let Some(value) = params.get(name) {
            config.insert((*googles).to_owned(), value.clone());
        }
    }
    if let Some(stop) = params.stop() {
        config.insert("stopSequences".into(), Value::Array(stop));
    }
    if let Some(limit) = params.output_limit() {
        config.insert("maxOutputTokens".into(), limit.clone());
    }
    penalties(params, target, config);
    modalities(params, config)?;
    if let Some(thinking) = thinking::config(params, target)? {
        config.insert("thinkingConfig".into(), Value::Object(thinking));
    }
    settings.instruction = response_format(params, target, config)?;
    extra(own, target, &mut settings)?;
    if let Some(resolution) = resolution {
        // The finest one is for single parts only.
        let resolution = resolution.min(Resolution::High);
        settings.config.insert("mediaResolution".into(), resolution.as_str().into());
    }
    if let Some(tier) = params.str("service_tier") {
        settings.top.insert("serviceTier".into(), service_tier(tier).into());
    }
    warn_of_low_temperature(&settings.config, target);
    Ok(settings)
}

/// Gemini 3 and newer refuse penalties, so they are not sent (GEM-18).
fn penalties(params: &Params, target: &Target, config: &mut Map) {
    for (name, googles) in
        [("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty")]
    {
        let Some(value) = params.get(name) else { continue };
        if model::is_modern(target) {
            tracing::warn!(parameter = name, "the model takes no penalties, left out");
        } else {
            config.insert(googles.into(), value.clone());
        }
    }
}

fn warn_of_low_temperature(config: &Map, target: &Target) {
    let low = config.get("temperature").and_then(Value::as_f64).is_some_and(|value| value < 1.0);
    if low && model::is_modern(target) {
        tracing::warn!("a temperature below 1 makes Gemini 3 and newer models loop or get worse");
    }
}

/// GEM-20.
fn modalities(params: &Params, config: &mut Map) -> Result<()> {
    let mut wanted: Vec<Value> = Vec::new();
    match params.get("modalities") {
        None => {}
        Some(Value::Array(names)) => {
            for (index, name) in names.iter().enumerate() {
                let upper = name.as_str().unwrap_or_default().to_uppercase();
                if !matches!(upper.as_str(), "TEXT" | "IMAGE" | "AUDIO" | "VIDEO") {
                    let path = format!("modalities[{index}]");
                    let what =
                        format!("Invalid '{path}': {name} is none of 'text', 'image', 'audio', 'video'.");
                    return Err(Error::bad_request(what).with_param(path));
                }
                wanted.push(upper.into());
            }
        }
        Some(other) => {
            let what = format!("Invalid 'modalities': expected a list, got {}.", kind_of(other));
            return Err(Error::bad_request(what).with_param("modalities"));
        }
    }
    if let Some(Value::Object(audio)) = params.get("audio") {
        if let Some(format) = str_at(audio, "format").filter(|format| *format != "pcm16") {
            let what = format!("Invalid 'audio.format': '{format}'. This provider's speech is 'pcm16'.");
            return Err(Error::bad_request(what).with_param("audio.format"));
        }
        let speech = match audio.get("voice").filter(|voice| !voice.is_null()) {
            Some(voice) => json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}}),
            None => json!({}),
        };
        config.insert("speechConfig".into(), speech);
        if !wanted.iter().any(|known| known == "AUDIO") {
            wanted.push("AUDIO".into());
        }
    }
    if !wanted.is_empty() {
        config.insert("responseModalities".into(), Value::Array(wanted));
    }
    Ok(())
}

/// GEM-16, GEN-29. Gives back what has to be said in the conversation.
fn response_format(params: &Params, target: &Target, config: &mut Map) -> Result<Option<String>> {
    let (mime, schema) = match params.response_format()? {
        None => return Ok(None),
        Some(ResponseFormat::Text) => ("text/plain", None),
        Some(ResponseFormat::JsonObject { schema } | ResponseFormat::JsonSchema { schema, .. }) => {
            ("application/json", schema)
        }
        Some(ResponseFormat::Other(map)) => match map.get("response_schema") {
            Some(schema) => ("application/json", Some(schema)),
            None => return Ok(None),
        },
    };
    config.insert("responseMimeType".into(), mime.into());
    let Some(schema) = schema else { return Ok(None) };
    if model::takes_json_schema(target) {
        config.insert("responseJsonSchema".into(), schema.clone());
        return Ok(None);
    }
    let Value::Object(map) = schema else {
        let what =
            format!("Invalid 'response_format': the schema has to be an object, got {}.", kind_of(schema));
        return Err(Error::bad_request(what).with_param("response_format"));
    };
    let mut converted = schema::convert(map, schema::IntegerEnums::Dropped, "response_format")?;
    schema::order_properties(&mut converted);
    if target.facts.can("response_schema") {
        config.insert("responseSchema".into(), converted);
        return Ok(None);
    }
    Ok(Some(format!("Use this JSON schema: \n    ```json\n    {converted}\n    ```")))
}

/// Keywords that are Google's own; others have no place here and are left out.
fn extra(extra: &Map, target: &Target, settings: &mut Settings) -> Result<()> {
    for (name, value) in extra {
        let googles = camel(name);
        match googles.as_str() {
            "safetySettings" | "cachedContent" => {
                settings.top.insert(googles, value.clone());
            }
            "temperature" | "topK" | "topP" if !model::takes_sampling(target) => {
                if target.options.drop_params {
                    continue;
                }
                let what = format!(
                    "'{name}' is not supported by {}: the provider ignores sampling parameters on this model. \
                     To leave unsupported parameters out, set drop_params.",
                    target.model
                );
                return Err(Error::unsupported(what).with_param(name.as_str()));
            }
            field if FIELDS.contains(&field) => {
                settings.config.insert(googles, value.clone());
            }
            _ => {}
        }
    }
    Ok(())
}

/// OpenAI's words for AI Studio's tiers.
fn service_tier(tier: &str) -> &str {
    match tier {
        "auto" => "priority",
        "default" => "standard",
        other => other,
    }
}

/// `top_k` as `topK`.
pub fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' && !out.is_empty() {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.push(letter.to_ascii_uppercase());
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, target};
    use super::*;

    fn try_settings(target: &Target, asked: Value) -> Result<Settings> {
        let request = request(asked);
        encode(&request.params, &request.extra, target, None)
    }

    fn settings(model: &str, asked: Value) -> Settings {
        try_settings(&target(model), asked).unwrap()
    }

    fn config(model: &str, asked: Value) -> Value {
        Value::Object(settings(model, asked).config)
    }

    #[test]
    fn gem_16_where_a_schema_goes() {
        let schema = json!({"type": "object", "properties": {"b": {"type": "string", "format": "uuid"},
            "a": {"type": "string"}}, "additionalProperties": false});
        let format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
        assert_eq!(
            config("gemini-2.5-flash", format.clone()),
            json!({"responseMimeType": "application/json", "responseJsonSchema": schema})
        );
        assert_eq!(
            config("gemma-3-27b-it", format.clone()),
            json!({"responseMimeType": "application/json", "responseSchema": {"type": "object", "properties": {
                "b": {"type": "string"}, "a": {"type": "string"}}, "propertyOrdering": ["b", "a"]}})
        );
        let without = settings("my-model", format);
        assert_eq!(Value::Object(without.config), json!({"responseMimeType": "application/json"}));
        assert!(without.instruction.unwrap().contains("propertyOrdering"));
        assert_eq!(
            config("gemini-2.5-flash", json!({"response_format": {"type": "json_object"}})),
            json!({"responseMimeType": "application/json"})
        );
    }

    #[test]
    fn gen_32_text_is_the_default_format() {
        assert_eq!(
            config("gemini-2.5-flash", json!({"response_format": {"type": "text"}})),
            json!({"responseMimeType": "text/plain"})
        );
    }

    #[test]
    fn gem_18_no_penalties_from_gemini_3_on() {
        let asked = json!({"presence_penalty": 0.5, "frequency_penalty": 0.25, "seed": 1});
        assert_eq!(config("gemini-3.5-flash", asked.clone()), json!({"seed": 1}));
        assert_eq!(
            config("gemini-2.5-flash", asked),
            json!({"seed": 1, "presencePenalty": 0.5, "frequencyPenalty": 0.25})
        );
    }

    #[test]
    fn gem_18_top_k_is_refused_where_sampling_is_ignored() {
        let mut target = target("gemini-3.6-flash");
        let asked = json!({"top_k": 3});
        assert_eq!(
            try_settings(&target, asked.clone()).unwrap_err().kind(),
            crate::error::Kind::UnsupportedParams
        );
        target.options.drop_params = true;
        assert!(try_settings(&target, asked).unwrap().config.is_empty());
    }

    #[test]
    fn gem_19_the_names_of_logprobs_swap() {
        assert_eq!(
            config("gemini-2.5-flash", json!({"logprobs": true, "top_logprobs": 3})),
            json!({"responseLogprobs": true, "logprobs": 3})
        );
    }

    #[test]
    fn gem_20_speech() {
        let tts = "gemini-2.5-flash-preview-tts";
        let speech = json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}});
        assert_eq!(
            config(tts, json!({"audio": {"voice": "Kore", "format": "pcm16"}})),
            json!({"speechConfig": speech, "responseModalities": ["AUDIO"]})
        );
        assert_eq!(
            config(tts, json!({"modalities": ["text"], "audio": {"voice": "Kore"}}))["responseModalities"],
            json!(["TEXT", "AUDIO"])
        );
        let wav = json!({"audio": {"voice": "Kore", "format": "wav"}});
        assert_eq!(
            try_settings(&target(tts), wav).unwrap_err().facts().param.as_deref(),
            Some("audio.format")
        );
        assert_eq!(
            config("gemini-2.5-flash-image", json!({"modalities": ["image", "TEXT"]})),
            json!({"responseModalities": ["IMAGE", "TEXT"]})
        );
    }

    #[test]
    fn keywords_of_google_go_where_they_belong() {
        let made = settings(
            "gemini-2.5-flash",
            json!({"top_k": 3, "imageConfig": {"aspectRatio": "1:1"}, "safety_settings": [1],
                "cached_content": "cachedContents/x", "foo": 1, "labels": {"a": "b"}}),
        );
        assert_eq!(Value::Object(made.config), json!({"topK": 3, "imageConfig": {"aspectRatio": "1:1"}}));
        assert_eq!(
            Value::Object(made.top),
            json!({"safetySettings": [1], "cachedContent": "cachedContents/x"})
        );
    }

    #[test]
    fn tiers_in_googles_words() {
        for (openai, google) in [("auto", "priority"), ("default", "standard"), ("flex", "flex")] {
            let made = settings("gemini-2.5-flash", json!({"service_tier": openai}));
            assert_eq!(made.top["serviceTier"], google);
        }
    }

    #[test]
    fn gen_03_one_output_limit() {
        assert_eq!(
            config("gemini-2.5-flash", json!({"max_tokens": 5, "max_completion_tokens": 7, "stop": "x"})),
            json!({"stopSequences": ["x"], "maxOutputTokens": 7})
        );
    }
}
