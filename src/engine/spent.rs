//! What a call of any type has used and cost, as its answer tells in the caller's own format.

use serde_json::Value;

use super::Meta;
use crate::hub::{CallType, Usage};
use crate::json::{Map, count_at, str_at};
use crate::pricing::{Counts, Work};
use crate::wires::{anthropic, gemini};

/// The counts of an answer, or of a stream's events one after the other.
#[derive(Debug, Clone)]
pub struct Tally {
    call_type: CallType,
    counts: Map,
}

impl Tally {
    pub fn new(call_type: CallType) -> Self {
        Self { call_type, counts: Map::new() }
    }

    /// Adds what an answer or an event says of its tokens. Later counts go before earlier ones: all are totals.
    pub fn add(&mut self, said: &Value) {
        let within = |name: &str| said.get(name).and_then(|inner| inner.get("usage"));
        let found = said.get("usage").or_else(|| said.get("usageMetadata"));
        let found = found.or_else(|| within("message")).or_else(|| within("response"));
        if let Some(Value::Object(counts)) = found {
            anthropic::usage::merge(&mut self.counts, counts);
        }
    }

    /// The counts in OpenAI's shape; `None` when nothing has been said.
    pub fn usage(&self) -> Option<Usage> {
        if self.counts.is_empty() {
            return None;
        }
        Some(match self.call_type {
            CallType::Messages => {
                anthropic::usage::streamed(&self.counts, anthropic::usage::Thought::default())
            }
            CallType::GenerateContent => gemini::usage::read(&self.counts, gemini::Grounded::default()),
            _ => of_openai(&self.counts),
        })
    }
}

/// Counts of chat, of Responses, of images and of sound.
fn of_openai(counts: &Map) -> Usage {
    let mut extra = counts.clone();
    let mut count = |names: [&str; 2]| {
        let found = names.map(|name| count_at(counts, name));
        for name in names {
            extra.shift_remove(name);
        }
        found[0].max(found[1])
    };
    let (prompt, completion) =
        (count(["prompt_tokens", "input_tokens"]), count(["completion_tokens", "output_tokens"]));
    let total = count(["total_tokens", "total_tokens"]);
    let mut details = |names: [&str; 2]| {
        let found = names.map(|name| extra.shift_remove(name));
        found.into_iter().flatten().find_map(|value| match value {
            Value::Object(details) => Some(details),
            _ => None,
        })
    };
    let prompt_tokens_details = details(["prompt_tokens_details", "input_tokens_details"]);
    let completion_tokens_details = details(["completion_tokens_details", "output_tokens_details"]);
    let usage = Usage::new(prompt, completion);
    let total_tokens = total.max(usage.total_tokens);
    Usage { total_tokens, prompt_tokens_details, completion_tokens_details, extra, ..usage }
}

impl Meta {
    /// What a whole answer or a stream of any call cost in US dollars; `None` where no price is known. `answer` is the
    /// answer where it is JSON: some calls are paid by what is in it.
    pub fn cost_of_call(
        &self,
        call_type: CallType,
        usage: Option<&Usage>,
        answer: Option<&Value>,
    ) -> Option<f64> {
        let mut paid = None;
        match &self.cached {
            Some(cached) if cached.asked == 0 => return Some(0.0),
            Some(cached) => paid = Some(Usage::new(cached.asked_tokens, 0)),
            None => {}
        }
        let counts = paid.as_ref().or(usage).map(Counts::of_usage).unwrap_or_default();
        if counts.cost.is_some() {
            return counts.cost;
        }
        let nothing = Map::new();
        let asked = self.billing.as_ref().map_or(&nothing, |billing| &billing.asked);
        let fields = answer.and_then(Value::as_object).unwrap_or(&nothing);
        let mut work = Work {
            call_type: if call_type == CallType::Chat { "completion" } else { call_type.name() },
            service_tier: str_at(fields, "service_tier"),
            ..Work::default()
        };
        let has_counts = counts.total > 0.0;
        work.counts = counts;
        let number = |map: &Map, name: &str| map.get(name).and_then(Value::as_f64);
        match call_type {
            CallType::Transcription => {
                let said = usage.and_then(|usage| number(&usage.extra, "seconds"));
                work.audio_seconds = number(fields, "duration").or(said).unwrap_or_default();
                if !has_counts && work.audio_seconds == 0.0 {
                    return None;
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "a text is far shorter")]
            CallType::Speech => {
                work.prompt_characters =
                    Some(str_at(asked, "input").map_or(0, |text| text.chars().count()) as f64);
            }
            CallType::Rerank => {
                let meta = fields.get("meta").and_then(Value::as_object);
                let part = |name: &str| meta.and_then(|meta| meta.get(name)?.as_object());
                let units = part("billed_units");
                work.search_units = units.and_then(|units| number(units, "search_units")).unwrap_or_default();
                let tokens = units.and_then(|units| number(units, "total_tokens"));
                let tokens =
                    tokens.or_else(|| part("tokens").and_then(|tokens| number(tokens, "input_tokens")));
                work.billed_tokens = tokens.unwrap_or_default();
            }
            CallType::ImageGeneration | CallType::ImageEdit | CallType::ImageVariation => {
                return self.cost_of_images(work, asked, fields);
            }
            _ if !has_counts => return None,
            _ => {}
        }
        self.price(work, &|name| vec![name.to_owned()])
    }

    /// Pictures: their size and quality may stand before the model's name.
    fn cost_of_images(&self, mut work: Work<'_>, asked: &Map, fields: &Map) -> Option<f64> {
        let made = fields.get("data").and_then(Value::as_array).map_or(0, Vec::len);
        #[expect(clippy::cast_precision_loss, reason = "a handful of pictures")]
        let made = made.max(1) as f64;
        work.images = made;
        let either = |name: &str| str_at(asked, name).or_else(|| str_at(fields, name));
        let shape = either("size").unwrap_or("1024x1024").replace("-x-", "x");
        let sides = shape
            .split_once('x')
            .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        work.size = sides;
        let shape = shape.replace('x', "-x-");
        let levels = either("quality").map_or_else(|| vec!["standard", "high"], |quality| vec![quality]);
        let has_counts = work.counts.total > 0.0;
        let keys = |name: &str| {
            let bare =
                name.strip_prefix(&*self.provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
            let mut keys: Vec<String> =
                levels.iter().map(|level| format!("{level}/{shape}/{bare}")).collect();
            keys.push(format!("{shape}/{bare}"));
            keys.push(format!("{shape}/50-steps/{bare}"));
            keys.push(name.to_owned());
            if has_counts {
                keys.insert(0, name.to_owned());
            }
            keys
        };
        self.price(work, &keys)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Billing;
    use super::*;

    fn meta(provider: &str, model: &str) -> Meta {
        Meta { provider: provider.into(), model: model.to_owned(), ..Meta::default() }
    }

    fn cost(meta: &Meta, call_type: CallType, answer: &Value) -> f64 {
        let mut tally = Tally::new(call_type);
        tally.add(answer);
        meta.cost_of_call(call_type, tally.usage().as_ref(), Some(answer)).unwrap()
    }

    #[track_caller]
    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
    }

    #[test]
    fn every_kind_of_call_has_its_price() {
        let answer = json!({ "usage": { "prompt_tokens": 1000, "total_tokens": 1000 } });
        near(cost(&meta("openai", "text-embedding-3-small"), CallType::Embedding, &answer), 2e-5);
        let answer = json!({ "usage": { "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100 } });
        near(cost(&meta("openai", "gpt-4o"), CallType::Responses, &answer), 0.0035);
        let answer = json!({ "meta": { "billed_units": { "search_units": 2 } } });
        near(cost(&meta("cohere", "rerank-v3.5"), CallType::Rerank, &answer), 0.004);
        let answer = json!({ "text": "Hi", "duration": 60.0 });
        near(cost(&meta("openai", "whisper-1"), CallType::Transcription, &answer), 0.006);
        let answer = json!({ "data": [{ "url": "a" }, { "url": "b" }] });
        let asked = |asked: Value| {
            Some(Box::new(Billing { asked: asked.as_object().cloned().unwrap(), ..Billing::default() }))
        };
        let mut images = meta("openai", "gpt-image-1");
        images.billing = asked(json!({ "quality": "high", "size": "1024x1024" }));
        near(cost(&images, CallType::ImageGeneration, &answer), 0.334);
        let mut speech = meta("openai", "tts-1");
        speech.billing = asked(json!({ "input": "Hello" }));
        near(speech.cost_of_call(CallType::Speech, None, None).unwrap(), 7.5e-5);
    }

    #[test]
    fn anthropics_counts_leave_out_what_was_cached() {
        let mut tally = Tally::new(CallType::Messages);
        tally.add(&json!({ "type": "message_start", "message": { "usage": {
            "input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 1 } } }));
        tally.add(&json!({ "type": "message_delta", "usage": { "output_tokens": 50 } }));
        let usage = tally.usage().unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens()), (1100, 50, 1000));
        let meta = meta("anthropic", "claude-sonnet-4-5");
        near(meta.cost_of_call(CallType::Messages, Some(&usage), None).unwrap(), 3e-4 + 3e-4 + 7.5e-4);
    }

    #[test]
    fn what_has_no_counts_has_no_price() {
        let meta = meta("openai", "gpt-4o");
        assert_eq!(meta.cost_of_call(CallType::Responses, None, Some(&json!({}))), None);
        assert_eq!(meta.cost_of_call(CallType::ListFiles, None, Some(&json!({ "data": [] }))), None);
    }
}
