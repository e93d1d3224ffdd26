//! Batches: files of requests, one a line, in OpenAI's form or in that of the model that they are for.

use serde_json::{Value, json};

use crate::error::{Error, Kind, Result};
use crate::hub::{ChatRequest, ChatResponse, Choice, Target, check_messages};
use crate::json::{Map, str_at};

/// One request of a batch.
#[derive(Debug)]
pub struct Line {
    /// From 1 on, for errors.
    pub number: usize,
    pub custom_id: Option<String>,
    url: Option<String>,
    body: Map,
}

/// The lines that are not empty.
pub fn lines(data: &[u8]) -> impl Iterator<Item = Result<Line>> {
    let lines = data.split(|byte| *byte == b'\n').enumerate();
    let filled = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    filled.map(|(index, line)| Line::read(index + 1, line).map_err(|error| at(index + 1, &error)))
}

fn at(line: usize, error: &Error) -> Error {
    Error::new(error.kind(), format!("Line {line} of the batch: {}", error.message())).with_param("file")
}

/// The model of the first line.
pub fn batch_model(data: &[u8]) -> Result<String> {
    match lines(data).next() {
        Some(line) => {
            let line = line?;
            line.model().map(str::to_owned).map_err(|error| at(line.number, &error))
        }
        None => Err(Error::bad_request("The batch has no lines.").with_param("file")),
    }
}

impl Line {
    fn read(number: usize, line: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(line)
            .map_err(|error| Error::bad_request(format!("it is not valid JSON: {error}")))?;
        let Value::Object(mut map) = value else {
            return Err(Error::bad_request("expected an object"));
        };
        let Some(Value::Object(body)) = map.shift_remove("body") else {
            return Err(Error::bad_request("`body` is missing, or no object"));
        };
        let text = |name: &str| str_at(&map, name).map(str::to_owned);
        Ok(Self { number, custom_id: text("custom_id"), url: text("url"), body })
    }

    fn model(&self) -> Result<&str> {
        str_at(&self.body, "model")
            .filter(|model| !model.is_empty())
            .ok_or_else(|| Error::bad_request("`body.model` is missing"))
    }

    /// The body that the target's language has for this chat completion. All lines are for the model of the first one,
    /// `model`.
    pub fn in_language_of(self, target: &Target, model: &str) -> Result<Map> {
        let number = self.number;
        self.translated(target, model).map_err(|error| at(number, &error))
    }

    fn translated(mut self, target: &Target, model: &str) -> Result<Map> {
        if self.model()? != model {
            return Err(Error::bad_request(format!(
                "it is for '{}', and the first one for '{model}': a batch has one model",
                self.model()?
            )));
        }
        if let Some(url) = self.url.as_deref().filter(|url| !url.ends_with("/chat/completions")) {
            return Err(Error::bad_request(format!(
                "{} takes chat completions only, and this is for '{url}'",
                target.provider
            )));
        }
        for name in ["model", "stream", "stream_options"] {
            self.body.shift_remove(name);
        }
        let wire = target.wire.chat().ok_or_else(|| Error::new(Kind::Config, "the language has no chat"))?;
        let mut request = ChatRequest::from_map(self.body)?;
        check_messages(&request.messages)?;
        let takes = |name: &str| {
            let said = target.accent.takes(name, &target.model, &target.facts);
            said.unwrap_or_else(|| wire.supports(name, target)) || name == "user"
        };
        let refused: Vec<String> = request.params.0.keys().filter(|name| !takes(name)).cloned().collect();
        for name in refused {
            if !target.options.drop_params {
                return Err(Error::unsupported(format!(
                    "{} does not support `{name}`. To drop it, set drop_params=True",
                    target.model
                )));
            }
            request.params.remove(&name);
        }
        let prepared = wire.encode(&request, target)?;
        serde_json::from_slice(&prepared.call.body)
            .map_err(|error| Error::new(Kind::Config, "the language is not JSON").with_source(error))
    }
}

/// A line of a batch's output. The id is made of the request's, so that reading twice gives the same.
pub fn output(custom_id: &str, answer: std::result::Result<Value, (String, String)>) -> Value {
    let id = format!("batch_req_{custom_id}");
    match answer {
        Ok(body) => json!({
            "id": id,
            "custom_id": custom_id,
            "response": { "status_code": 200, "request_id": body["id"], "body": body },
            "error": null,
        }),
        Err((code, message)) => json!({
            "id": id,
            "custom_id": custom_id,
            "response": null,
            "error": { "code": code, "message": message },
        }),
    }
}

/// A whole answer as OpenAI writes it, with what the provider says beside that.
pub fn completion(answer: ChatResponse) -> Value {
    let mut made = Map::new();
    made.insert("id".into(), answer.id.into());
    made.insert("object".into(), "chat.completion".into());
    made.insert("created".into(), answer.created.into());
    made.insert("model".into(), answer.model.into());
    made.insert("choices".into(), answer.choices.into_iter().map(choice).collect());
    put(&mut made, [("system_fingerprint", answer.system_fingerprint.map(Value::from))]);
    if let Some(usage) = answer.usage {
        let mut counts = Map::new();
        counts.insert("prompt_tokens".into(), usage.prompt_tokens.into());
        counts.insert("completion_tokens".into(), usage.completion_tokens.into());
        counts.insert("total_tokens".into(), usage.total_tokens.into());
        let details = [
            ("prompt_tokens_details", usage.prompt_tokens_details.map(Value::from)),
            ("completion_tokens_details", usage.completion_tokens_details.map(Value::from)),
        ];
        put(&mut counts, details);
        counts.extend(usage.extra);
        made.insert("usage".into(), counts.into());
    }
    made.extend(answer.extra);
    made.into()
}

fn choice(choice: Choice) -> Value {
    let said = choice.message;
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    message.insert("content".into(), said.content.into());
    let calls: Vec<Value> =
        said.tool_calls.iter().filter_map(|call| serde_json::to_value(call).ok()).collect();
    let some = |list: Vec<Value>| (!list.is_empty()).then(|| list.into());
    let parts = [
        ("tool_calls", some(calls)),
        ("thinking_blocks", some(said.thinking_blocks)),
        ("reasoning_content", said.reasoning_content.map(Value::from)),
        ("function_call", said.function_call),
        ("refusal", said.refusal),
        ("annotations", said.annotations),
        ("audio", said.audio),
        ("images", said.images),
        ("provider_specific_fields", of_provider(said.provider_fields)),
    ];
    put(&mut message, parts);
    message.extend(said.extra);
    let mut fields = choice.extra;
    put(&mut fields, [("native_finish_reason", choice.native_finish_reason.map(Value::from))]);
    let mut made = Map::new();
    made.insert("index".into(), choice.index.into());
    made.insert("message".into(), message.into());
    made.insert("finish_reason".into(), choice.finish_reason.as_str().into());
    put(&mut made, [("logprobs", choice.logprobs), ("provider_specific_fields", of_provider(fields))]);
    made.into()
}

fn of_provider(fields: Map) -> Option<Value> {
    (!fields.is_empty()).then(|| fields.into())
}

fn put<const N: usize>(into: &mut Map, fields: [(&str, Option<Value>); N]) {
    into.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_line_of_the_file() {
        let error = batch_model(b"\n\n{\"body\":{}}\n").unwrap_err();
        assert!(error.message().starts_with("Line 3 of the batch: "), "{error}");
    }

    #[test]
    fn an_answer_is_written_whole() {
        let answer = json!({ "id": "i", "created": 7, "model": "m", "system_fingerprint": "f", "choices": [{
            "index": 0, "finish_reason": "stop", "native_finish_reason": "OTHER",
            "message": { "role": "assistant", "content": "x" } }] });
        let mut answer: ChatResponse = serde_json::from_value(answer).unwrap();
        answer.extra.insert("service_tier".into(), "flex".into());
        answer.usage = Some(crate::hub::Usage::new(1, 2).with("server_tool_use", json!({ "web_search": 1 })));
        assert_eq!(
            completion(answer),
            json!({ "id": "i", "object": "chat.completion", "created": 7, "model": "m", "system_fingerprint": "f",
                "service_tier": "flex", "choices": [{ "index": 0, "finish_reason": "stop",
                    "message": { "role": "assistant", "content": "x" },
                    "provider_specific_fields": { "native_finish_reason": "OTHER" } }],
                "usage": { "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3,
                    "server_tool_use": { "web_search": 1 } } })
        );
    }
}
