//! From keywords and settings to a chat completion that is checked and ready to send. No network.

use serde_json::Value;

use super::billing::Billing;
use super::control::{Control, Keywords, strings, wrong};
use super::envelope::{self, Envelope, Purpose, Settings, name_wanted};
use super::mock::Mock;
use super::{Preview, cache_marks, chat_wire, drop_params};
use crate::config::Environment;
use crate::error::{Error, Result};
use crate::hub::{CallType, ChatRequest, Target, check_messages};
use crate::providers::Wanted;
use crate::wires::WireId;

/// A chat completion that is ready to be sent.
#[derive(Debug)]
pub struct ChatCall {
    pub request: ChatRequest,
    pub envelope: Envelope,
    /// The caller wants a usage chunk (STR-20).
    pub include_usage: bool,
    pub repeated_chunk_limit: u32,
    pub mock: Option<Mock>,
}

impl ChatCall {
    pub fn target(&self) -> &Target {
        self.envelope.target()
    }

    /// The request as it would be sent.
    pub fn preview(&self) -> Result<Preview> {
        let target = self.target();
        let prepared = chat_wire(target)?.encode(&self.request, target);
        Preview::new(
            prepared.map_err(|error| error.at(&target.provider, &target.model))?.call,
            &self.envelope,
        )
    }

    /// Reads and checks the keywords. `model` and `messages` are among them.
    pub fn from_keywords(
        mut keywords: Keywords,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        let control = Control::take(&mut keywords);
        let wanted = envelope::wanted(&control, &mut keywords, settings)?;
        Self::new(wanted, control, keywords, &[], None, settings, environment)
    }

    /// The same once it is known who is asked, and the steering keywords are taken out. What is `optional` is left
    /// out where the target does not take it. `wire` is another language than the provider's usual one, for requests
    /// that it can say.
    pub(super) fn new(
        wanted: Wanted,
        mut control: Control,
        keywords: Keywords,
        optional: &[&str],
        wire: Option<WireId>,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        let mut options = envelope::options(&control, &keywords, settings, environment)?;
        options.prompt_template = envelope::prompt_template(&control, &wanted, settings)
            .map_err(|error| name_wanted(error, &wanted))?;
        check_types(&keywords).map_err(|error| name_wanted(error, &wanted))?;
        let mut request = ChatRequest::from_map(keywords).map_err(|error| name_wanted(error, &wanted))?;
        check_messages(&request.messages).map_err(|error| name_wanted(error, &wanted))?;
        let mock = Mock::take(&mut control)?;
        let purpose = Purpose { call_type: CallType::Chat, stream: request.stream, mocked: mock.is_some() };
        let mut envelope = Envelope::new(wanted, &control, purpose, options, settings, environment)?;
        if let Some(wire) = wire.filter(|wire| takes_all(*wire, &request, envelope.target(), optional)) {
            envelope.route.target.wire = wire;
        }
        Billing::add(&mut envelope.billing, &request.params.0);
        let target = envelope.target();
        let named = |error: Error| error.at(&target.provider, &target.model);
        cache_marks::inject(&mut request, control.get("cache_control_injection_points")).map_err(named)?;
        drop_params::additional(&mut request, control.get("additional_drop_params")).map_err(named)?;
        let allowed =
            strings(control.get("allowed_openai_params"), "allowed_openai_params").map_err(named)?;
        drop_params::leave_out(&mut request, target, optional);
        if mock.is_none() {
            drop_params::check(&mut request, target, &allowed)?;
        }
        let include_usage = wants_usage(&request);
        let row = &envelope.route.row;
        let asks_itself = row.accent.always_stream_usage && row.base.as_deref() == Some(&target.base);
        if request.stream && asks_itself && !request.params.has("stream_options") {
            request.params.0.insert("stream_options".into(), serde_json::json!({ "include_usage": true }));
        }
        for (header, keyword) in &row.keywords_from_headers {
            add_to_keyword(&mut request, keyword, header, &envelope.headers);
        }
        Ok(Self {
            include_usage,
            repeated_chunk_limit: settings.repeated_chunk_limit.unwrap_or(100),
            mock,
            request,
            envelope,
        })
    }
}

fn takes_all(wire: WireId, request: &ChatRequest, target: &Target, optional: &[&str]) -> bool {
    let Some(chat) = wire.chat() else { return false };
    request.params.0.keys().all(|name| optional.contains(&name.as_str()) || chat.supports(name, target))
}

/// Keywords whose type decides what becomes of the call.
fn check_types(keywords: &Keywords) -> Result<()> {
    match keywords.get("stream") {
        None | Some(Value::Bool(_) | Value::Null) => {}
        Some(other) => return Err(wrong("stream", "a boolean", other)),
    }
    match keywords.get("extra_body") {
        None | Some(Value::Object(_) | Value::Null) => Ok(()),
        Some(other) => Err(wrong("extra_body", "an object", other)),
    }
}

/// What the caller put into a header, where the provider reads it: behind what the keyword holds already.
fn add_to_keyword(request: &mut ChatRequest, keyword: &str, header: &str, headers: &[(String, String)]) {
    let given = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
    let items: Vec<Value> = given
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(Value::from)
        .collect();
    if items.is_empty() {
        return;
    }
    match request.extra.get_mut(keyword) {
        Some(Value::Array(list)) => list.extend(items),
        Some(Value::String(text)) => {
            let mut list = vec![Value::from(std::mem::take(text))];
            list.extend(items);
            request.extra.insert(keyword.to_owned(), list.into());
        }
        _ => {
            request.extra.insert(keyword.to_owned(), items.into());
        }
    }
}

fn wants_usage(request: &ChatRequest) -> bool {
    let options = request.params.get("stream_options").and_then(Value::as_object);
    options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool).unwrap_or(false)
}
