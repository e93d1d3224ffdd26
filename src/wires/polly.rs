//! Amazon Polly: the model is the engine.

use serde_json::Value;

use super::bedrock::rerank::ERRORS;
use super::calls::{self, CallWire};
use super::{Memo, Prepared};
use crate::error::{Error, Result};
use crate::hub::{CallRequest, Target};
use crate::json::Map;

pub static SPEECH: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "response_format" | "voice"),
    encode,
    decode: |reply, _, _| Ok(calls::bytes(reply)),
    next: None,
    errors: ERRORS,
};

/// OpenAI's voices, as those that stand for them; any other name is taken for one of Polly's.
const VOICES: [(&str, &str); 6] = [
    ("alloy", "Joanna"),
    ("echo", "Matthew"),
    ("fable", "Amy"),
    ("nova", "Ivy"),
    ("onyx", "Brian"),
    ("shimmer", "Kendra"),
];

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let text = calls::text(request, "input")?;
    let mut given = request.params.clone();
    given.shift_remove("input");
    let voice = given.shift_remove("voice");
    let voice = voice.as_ref().and_then(Value::as_str).unwrap_or("alloy");
    let voice = VOICES.iter().find(|(openai, _)| *openai == voice).map_or(voice, |(_, own)| own);
    let format = given.shift_remove("response_format");
    let format = match format.as_ref().and_then(Value::as_str).unwrap_or("mp3") {
        "opus" => "ogg_vorbis",
        "wav" => {
            return Err(Error::bad_request("Polly writes no 'wav': 'pcm' has the samples without a head.")
                .with_param("response_format"));
        }
        other => other,
    };
    let mut body = Map::new();
    body.insert("Engine".to_owned(), target.model.as_str().into());
    body.insert("OutputFormat".to_owned(), format.into());
    body.insert("Text".to_owned(), text.into());
    body.insert("VoiceId".to_owned(), voice.into());
    let is_ssml = text.trim_start().starts_with("<speak");
    body.insert("TextType".to_owned(), if is_ssml { "ssml" } else { "text" }.into());
    if let Some(language) = given.shift_remove("language_code") {
        body.insert("LanguageCode".to_owned(), language);
    }
    body.extend(given);
    calls::json_call(target.url("/v1/speech"), body, request, Memo::default())
}
