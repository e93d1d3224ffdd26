//! From keywords and settings to a chat completion that is checked and ready to send. No network.

use std::sync::Arc;

use serde_json::{Value, json};

use super::billing::Billing;
use super::cached::{Draft, Plan};
use super::control::{Control, Keywords, strings, wrong};
use super::envelope::{self, Envelope, Purpose, Settings, name_wanted};
use super::mock::Mock;
use super::{Preview, Shown, cache_marks, chat_wire, drop_params};
use crate::config::Environment;
use crate::error::{Error, Result};
use crate::hub::{CallAccent, CallType, ChatRequest, Target, check_messages};
use crate::json::Map;
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
    /// What it has to do with the cache.
    pub(super) plan: Option<Box<Plan>>,
}

/// What a chat completion is made for.
#[derive(Clone)]
pub(super) struct ChatLane<'a> {
    /// What the caller has asked for.
    pub call_type: CallType,
    /// Keywords that are left out where the target does not take them.
    pub optional: &'a [&'a str],
    /// Another language than the provider's usual one, for requests that it can say.
    pub wire: Option<(WireId, Arc<CallAccent>)>,
}

impl ChatCall {
    pub fn target(&self) -> &Target {
        self.envelope.target()
    }

    /// Under which key its answer is kept; none without a cache.
    pub fn cache_key(&self) -> Option<&str> {
        self.plan.as_deref().map(Plan::key)
    }

    /// The request as it would be sent.
    pub fn preview(&self, shown: Shown) -> Result<Preview> {
        let target = self.target();
        let prepared = chat_wire(target)?.encode(&self.request, target);
        Preview::new(
            prepared.map_err(|error| error.at(&target.provider, &target.model))?.call,
            &self.envelope,
            shown,
        )
    }

    /// Reads and checks the keywords. `model` and `messages` are among them.
    pub fn from_keywords(
        mut keywords: Keywords,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        // A switch, which LiteLLM takes, too.
        if let Some(Value::Bool(thinks)) = keywords.get("thinking") {
            let thinking = thinks.then(|| json!({ "type": "enabled", "budget_tokens": THINKING_BUDGET }));
            keywords.insert("thinking".into(), thinking.unwrap_or_default());
        }
        let control = Control::take(&mut keywords);
        let wanted = envelope::wanted(CallType::Chat, &control, &mut keywords, settings)?;
        let lane = ChatLane { call_type: CallType::Chat, optional: &[], wire: None };
        Self::new(wanted, control, keywords, lane, settings, environment)
    }

    /// The same once it is known who is asked, and the steering keywords are taken out.
    pub(super) fn new(
        wanted: Wanted,
        mut control: Control,
        keywords: Keywords,
        lane: ChatLane<'_>,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        let ChatLane { call_type, optional, wire } = lane;
        let mut options = envelope::options(&control, &keywords, settings, environment)?;
        options.prompt_template = envelope::prompt_template(&control, &wanted, settings)
            .map_err(|error| name_wanted(error, &wanted))?;
        check_types(&keywords).map_err(|error| name_wanted(error, &wanted))?;
        let mut draft = Draft::new(call_type, &control, settings);
        if let Some(draft) = &mut draft {
            draft.chat(&keywords, &control, settings);
        }
        let mut request = ChatRequest::from_map(keywords).map_err(|error| name_wanted(error, &wanted))?;
        check_messages(&request.messages).map_err(|error| name_wanted(error, &wanted))?;
        let mock = Mock::take(&mut control)?;
        let purpose = Purpose { call_type: CallType::Chat, stream: request.stream, mocked: mock.is_some() };
        let mut envelope = Envelope::new(wanted, &control, purpose, options, settings, environment)?;
        if let Some((wire, accent)) =
            wire.filter(|(wire, _)| takes_all(*wire, &request, envelope.target(), optional))
        {
            envelope.route.target.wire = wire;
            envelope.route.target.call_accent = accent;
        }
        let plan = draft.and_then(|draft| draft.finish(&envelope, settings, environment)).map(Box::new);
        envelope.route.mark();
        Billing::add(&mut envelope.billing, &request.params.0, call_type);
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
            add(&mut request.extra, keyword, taken(header, &envelope.headers));
        }
        Ok(Self {
            include_usage,
            repeated_chunk_limit: settings.repeated_chunk_limit.unwrap_or(100),
            mock,
            plan,
            request,
            envelope,
        })
    }
}

fn takes_all(wire: WireId, request: &ChatRequest, target: &Target, optional: &[&str]) -> bool {
    let Some(chat) = wire.chat() else { return false };
    request.params.0.keys().all(|name| optional.contains(&name.as_str()) || chat.supports(name, target))
}

/// Tokens of thinking, when it is asked for without saying how many.
const THINKING_BUDGET: u64 = 2048;

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

/// What the caller put into a header, where the provider reads it: it goes behind what the keyword holds already.
pub(super) fn taken(header: &str, headers: &[(String, String)]) -> Vec<Value> {
    let given = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(header));
    let items = given.flat_map(|(_, value)| value.split(',')).map(str::trim);
    items.filter(|item| !item.is_empty()).map(Value::from).collect()
}

/// Adds it to the keyword.
pub(super) fn add(keywords: &mut Map, keyword: &str, items: Vec<Value>) {
    if items.is_empty() {
        return;
    }
    match keywords.get_mut(keyword) {
        Some(Value::Array(list)) => list.extend(items),
        Some(Value::String(text)) => {
            let mut list = vec![Value::from(std::mem::take(text))];
            list.extend(items);
            keywords.insert(keyword.to_owned(), list.into());
        }
        _ => {
            keywords.insert(keyword.to_owned(), items.into());
        }
    }
}

fn wants_usage(request: &ChatRequest) -> bool {
    let options = request.params.get("stream_options").and_then(Value::as_object);
    options.and_then(|options| options.get("include_usage")).and_then(Value::as_bool).unwrap_or(false)
}
