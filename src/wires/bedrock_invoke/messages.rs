//! Anthropic's Messages of a caller's, handed to Claude as they are: the model is in the address, the version and the
//! features are in the body.

use http::header::HeaderValue;
use serde_json::{Value, json};

use super::claude;
use super::stream::unwrap;
use crate::error::{Error, Kind, Result};
use crate::hub::{Call, CallRequest, CallResponse, Target};
use crate::wires::framing::{Frame, Framing};
use crate::wires::messages::{self, Native};
use crate::wires::{
    ErrorFacts, Event, EventReader, EventWire, HttpReply, Memo, Prepared, Seen, Wire, anthropic, bedrock,
    calls,
};

#[derive(Debug)]
pub struct Messages;

impl Wire<Call> for Messages {
    fn supports(&self, _parameter: &str, _target: &Target) -> bool {
        true
    }

    fn encode(&self, request: &CallRequest, target: &Target) -> Result<Prepared> {
        let mut body = messages::native_fields(request, target)?;
        body.shift_remove("model");
        let (betas, given) = anthropic::features(&mut body);
        body.insert("anthropic_version".into(), claude::VERSION.into());
        if let Some(format) = body.shift_remove("output_format") {
            let config = body.entry("output_config").or_insert_with(|| json!({}));
            if let Value::Object(config) = config {
                config.entry("format").or_insert(format);
            }
        }
        for tool in body.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
            let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
            if let Some(name) = ["web_search", "web_fetch"].into_iter().find(|name| kind.starts_with(name)) {
                return Err(Error::bad_request(format!(
                    "Bedrock does not have Anthropic's own `{name}`: leave out the tool of type '{kind}'."
                ))
                .with_param("tools"));
            }
            claude::rename_search_tool(tool);
        }
        let known = |name| claude::known_here(name, given.iter().any(|given| given == name));
        let names: Vec<&str> = betas.names().filter_map(known).collect();
        let header = HeaderValue::try_from(names.join(",")).ok().filter(|_| !names.is_empty());
        if !names.is_empty() {
            body.insert("anthropic_beta".into(), names.into());
        }
        let verb = if request.stream { "invoke-with-response-stream" } else { "invoke" };
        let url = format!("{}{}/{verb}", target.base, target.path.as_deref().unwrap_or_default());
        let mut prepared = calls::json_call(url, body, request, Memo::default())?;
        if let Some(header) = header {
            prepared.call.headers.insert(claude::BETA_HEADER, header);
        }
        Ok(prepared)
    }

    fn decode(&self, reply: &HttpReply, memo: &Memo, target: &Target) -> Result<CallResponse> {
        Native.decode(reply, memo, target)
    }

    fn error_facts(&self, status: u16, body: &[u8]) -> ErrorFacts {
        bedrock::facts(status, body)
    }

    fn classify(&self, facts: &ErrorFacts, _target: &Target) -> Kind {
        bedrock::classify(facts)
    }
}

impl EventWire for Messages {
    fn framing(&self) -> Framing {
        Framing::AwsEvents
    }

    fn reader(&self, memo: &Memo, target: &Target) -> Box<dyn EventReader> {
        Box::new(Reader(Native.reader(memo, target)))
    }

    fn replay(&self, answer: Value) -> Vec<Event> {
        Native.replay(answer)
    }
}

/// Anthropic's own events behind the wrapping.
struct Reader(Box<dyn EventReader>);

impl EventReader for Reader {
    fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Event>) -> Result<Seen> {
        match unwrap(&frame)? {
            Some(event) => self.0.frame(Frame { event: None, data: &event }, out),
            None => Ok(Seen::Unknown),
        }
    }

    fn end(&mut self) -> Result<()> {
        self.0.end()
    }
}
