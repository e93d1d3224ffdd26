//! Calls other than chat: keywords in, one request, an answer in OpenAI's form or bytes out.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::billing::Billing;
use super::cached::{Draft, Plan};
use super::chat_call::ChatLane;
use super::control::{Control, Keywords, is_control, strings, wrong};
use super::envelope::{self, Envelope, Purpose, Settings, name_wanted};
use super::exchange::Exchange;
use super::{
    Answer, ByteStream, ChatCall, Engine, EventStream, Meta, Preview, Shown, chat_wire, mock, new_uuid,
};
use crate::config::Environment;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Resource, Target, Upload};
use crate::json::{Map, str_at};
use crate::providers::{self, Wanted};
use crate::wires::responses::ResponseId;
use crate::wires::{self, Destination, Dialect, HttpReply, Inbound, Memo, Next, Prepared, Wire};

/// The usual and the largest size of a file's pieces.
const PIECE: usize = 1024 * 1024;
const MOST: usize = 64 * 1024 * 1024;

/// What is larger is read and written on a thread where it holds up no other call.
const LARGE: usize = 1024 * 1024;

/// A call that is ready to be sent.
#[derive(Debug)]
pub struct Call {
    call_type: CallType,
    lane: Lane,
}

/// Who answers it.
#[derive(Debug)]
enum Lane {
    /// The provider has such calls.
    Native(Box<Native>),
    /// It is asked for a chat completion instead.
    Bridged(Box<Bridged>),
}

#[derive(Debug)]
struct Native {
    request: CallRequest,
    envelope: Envelope,
    mock: Option<Value>,
    wire: &'static dyn Wire<crate::hub::Call>,
    plan: Option<Box<Plan>>,
}

#[derive(Debug)]
struct Bridged {
    chat: ChatCall,
    dialect: &'static dyn Dialect,
    asked: Map,
}

/// A whole answer and what is known of how it came.
#[derive(Debug)]
pub struct CallAnswer {
    pub call_type: CallType,
    pub response: CallResponse,
    pub meta: Meta,
}

impl Call {
    pub fn envelope(&self) -> &Envelope {
        match &self.lane {
            Lane::Native(native) => &native.envelope,
            Lane::Bridged(bridged) => &bridged.chat.envelope,
        }
    }

    pub fn envelope_mut(&mut self) -> &mut Envelope {
        match &mut self.lane {
            Lane::Native(native) => &mut native.envelope,
            Lane::Bridged(bridged) => &mut bridged.chat.envelope,
        }
    }

    pub fn target(&self) -> &Target {
        self.envelope().target()
    }

    /// The chat completion that is asked for instead, where the provider has no calls of this type.
    pub fn bridge(&self) -> Option<&ChatCall> {
        match &self.lane {
            Lane::Native(_) => None,
            Lane::Bridged(bridged) => Some(&bridged.chat),
        }
    }

    /// What is asked, where the provider has calls of this type.
    pub fn request(&self) -> Option<&CallRequest> {
        match &self.lane {
            Lane::Native(native) => Some(&native.request),
            Lane::Bridged(_) => None,
        }
    }

    /// The request as it would be sent.
    pub fn preview(&self, shown: Shown) -> Result<Preview> {
        Preview::new(self.prepare()?.call, self.envelope(), shown)
    }

    /// What would be sent, before headers and keys.
    pub fn prepare(&self) -> Result<Prepared> {
        match &self.lane {
            Lane::Native(native) => native.wire.encode(&native.request, native.envelope.target()),
            Lane::Bridged(bridged) => {
                let chat = &bridged.chat;
                chat_wire(chat.target())?.encode(&chat.request, chat.target())
            }
        }
    }

    /// How large the pieces of a file shall be that is read piece by piece; none when it is wanted whole.
    pub fn piece_size(&self) -> Option<usize> {
        let request = self.request().filter(|request| request.stream)?;
        if self.call_type != CallType::FileContent {
            return None;
        }
        let size = request.params.get("chunk_size").and_then(Value::as_u64);
        Some(size.and_then(|size| usize::try_from(size).ok()).unwrap_or(PIECE).min(MOST))
    }

    pub fn call_type(&self) -> CallType {
        self.call_type
    }

    /// What it has to do with the cache. A chat completion that is asked for instead sees to that itself.
    pub(super) fn take_plan(&mut self) -> Option<Box<Plan>> {
        match &mut self.lane {
            Lane::Native(native) => native.plan.take(),
            Lane::Bridged(_) => None,
        }
    }

    /// Leaves only these inputs of an embedding, out of so many. False when they are not where they are looked for.
    pub(super) fn ask_only(&mut self, positions: &[usize], count: usize) -> bool {
        let Lane::Native(native) = &mut self.lane else { return false };
        let Some(Value::Array(inputs)) = native.request.params.get_mut("input") else { return false };
        if inputs.len() != count {
            return false;
        }
        *inputs = positions.iter().filter_map(|at| inputs.get_mut(*at).map(Value::take)).collect();
        true
    }

    /// Under which key its answer is kept; none without a cache.
    pub fn cache_key(&self) -> Option<&str> {
        match &self.lane {
            Lane::Native(native) => native.plan.as_deref().map(Plan::key),
            Lane::Bridged(bridged) => bridged.chat.cache_key(),
        }
    }

    pub fn is_stream(&self) -> bool {
        match &self.lane {
            Lane::Native(native) => native.request.stream,
            Lane::Bridged(bridged) => bridged.chat.request.stream,
        }
    }

    /// Reads and checks the keywords; `model` is among them.
    pub fn from_keywords(
        call_type: CallType,
        mut keywords: Keywords,
        files: Vec<Upload>,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        if call_type.is_about_response() {
            name_by_id(&mut keywords)?;
        }
        if let Some(resource) = call_type.resource() {
            name_owner(&mut keywords, resource);
        }
        let own = own_parameters(call_type, &mut keywords);
        let mut control = Control::take(&mut keywords);
        keywords.extend(own);
        let mock = if mock::serves(call_type) { control.take_value("mock_response") } else { None };
        let wanted = envelope::wanted(call_type, &control, &mut keywords, settings)?;
        let as_chat = wants_chat(&control)?;
        if let Some(dialect) = bridge(call_type, &wanted, as_chat) {
            let stream = keywords.get("stream") == Some(&Value::Bool(true));
            if let Some(mut envelope) =
                own_language(call_type, &wanted, stream, as_chat, &|model, purpose| {
                    let options = envelope::options(&control, &keywords, settings, environment)?;
                    let wanted = Wanted { model, ..wanted.clone() };
                    Envelope::new(wanted, &control, purpose, options, settings, environment)
                })?
            {
                let draft = Draft::call(call_type, &keywords, &control, settings);
                let mut request =
                    read(call_type, keywords, files).map_err(|error| name_wanted(error, &wanted))?;
                for (header, keyword) in &envelope.route.row.keywords_from_headers {
                    let said = super::chat_call::taken(header, &envelope.headers);
                    super::chat_call::add(&mut request.params, keyword, said);
                }
                // It is in the body now.
                let named = envelope.route.row.clone();
                envelope.headers.retain(|(name, _)| {
                    !named.keywords_from_headers.keys().any(|header| header.eq_ignore_ascii_case(name))
                });
                return Self::native(call_type, request, envelope, None, &control, draft);
            }
            let provider = wanted.provider.as_deref().filter(|_| !as_chat);
            let wire = provider.and_then(|provider| providers::bridge_wire(provider, call_type));
            let lane = ChatLane { call_type, optional: &[], wire };
            let bridged = Bridged::new(dialect, lane, wanted, control, keywords, settings, environment)?;
            return Ok(Self { call_type, lane: Lane::Bridged(Box::new(bridged)) });
        }
        let options = envelope::options(&control, &keywords, settings, environment)?;
        let draft = Draft::call(call_type, &keywords, &control, settings);
        let mut request = read(call_type, keywords, files).map_err(|error| name_wanted(error, &wanted))?;
        let purpose = Purpose { call_type, stream: request.stream, mocked: mock.is_some() };
        if let Some(model) =
            model_of_lines(call_type, &request, &wanted).map_err(|error| name_wanted(error, &wanted))?
        {
            let wanted = Wanted { model, ..wanted.clone() };
            let chat = Purpose { call_type: CallType::Chat, ..purpose };
            let envelope = Envelope::new(wanted, &control, chat, options.clone(), settings, environment)?;
            request.lines = Some(Arc::new(envelope.route.target));
        }
        let envelope = Envelope::new(wanted, &control, purpose, options, settings, environment)?;
        Self::native(call_type, request, envelope, mock, &control, draft)
    }

    fn native(
        call_type: CallType,
        mut request: CallRequest,
        mut envelope: Envelope,
        mock: Option<Value>,
        control: &Control,
        draft: Option<Draft>,
    ) -> Result<Self> {
        let plan = draft.map(|draft| Box::new(draft.finish_call(&request, &envelope)));
        envelope.route.mark();
        Billing::add(&mut envelope.billing, &request.params, call_type);
        let target = envelope.target();
        let named = |error: Error| error.at(&target.provider, &target.model);
        let wire = target.wire.call(call_type).ok_or_else(|| {
            named(Error::new(
                Kind::Config,
                format!("the wire {:?} has no {}", target.wire, call_type.plural()),
            ))
        })?;
        for name in strings(control.get("additional_drop_params"), "additional_drop_params").map_err(named)? {
            request.params.shift_remove(&name);
        }
        let allowed =
            strings(control.get("allowed_openai_params"), "allowed_openai_params").map_err(named)?;
        check_parameters(&mut request, wire, target, &allowed)?;
        // What is said of making something is not said of asking for it.
        if call_type.resource().is_none_or(|resource| resource.in_rows() == call_type) {
            target.call_accent.apply(&mut request.params, &target.model);
        }
        Ok(Self { call_type, lane: Lane::Native(Box::new(Native { request, envelope, mock, wire, plan })) })
    }
}

/// What is a parameter of the call type steers nothing, though other calls are steered by a keyword of that name.
fn own_parameters(call_type: CallType, keywords: &mut Keywords) -> Vec<(String, Value)> {
    let names = call_type.parameters().iter().filter(|name| is_control(name));
    names.filter_map(|name| Some(((*name).to_owned(), keywords.shift_remove(*name)?))).collect()
}

/// A response is found by its id alone, which names its provider.
fn name_by_id(keywords: &mut Keywords) -> Result<()> {
    let Some(id) = str_at(keywords, "response_id").map(ResponseId::parse) else {
        return Err(Error::bad_request("'response_id' is missing.").with_param("response_id"));
    };
    if keywords.get("custom_llm_provider").is_none_or(Value::is_null) {
        let Some(provider) = id.provider else {
            return Err(Error::bad_request(
                "'custom_llm_provider' is missing: the id of this response does not say whose it is.",
            )
            .with_param("custom_llm_provider"));
        };
        keywords.insert("custom_llm_provider".into(), provider.into());
    }
    keywords.insert("model".into(), id.id.into());
    Ok(())
}

/// What an account keeps is known by its id alone, and belongs to a provider rather than to a model: OpenAI, unless the
/// call names another, or a model with one in front.
fn name_owner(keywords: &mut Keywords, resource: Resource) {
    let model = str_at(keywords, "model").map(str::to_owned);
    if keywords.get("custom_llm_provider").is_none_or(Value::is_null) {
        let of_model = model.as_deref().and_then(|model| providers::split_model(model, None).ok());
        let provider = of_model.map_or_else(|| "openai".to_owned(), |(provider, _)| provider);
        keywords.insert("custom_llm_provider".into(), provider.into());
    }
    let provider = str_at(keywords, "custom_llm_provider");
    if let Some((provider, model)) = provider.zip(model.as_deref())
        && let Some(plain) = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'))
    {
        let plain = plain.to_owned();
        keywords.insert("model".into(), plain.into());
    }
    // Of the others, errors and the log name the id where they name a model.
    let is_sent = resource.in_rows().parameters().contains(&"model") && !keywords.contains_key(resource.id());
    if !is_sent {
        let id = keywords.get(resource.id()).filter(|id| id.is_string()).cloned();
        keywords.insert("model".into(), id.unwrap_or_default());
    }
}

/// The model that the lines of an uploaded batch are for, where the provider wants them in that one's own format.
fn model_of_lines(call_type: CallType, request: &CallRequest, wanted: &Wanted) -> Result<Option<String>> {
    let provider = wanted.provider.as_deref().unwrap_or_default();
    let is_batch = call_type == CallType::CreateFile && str_at(&request.params, "purpose") == Some("batch");
    let row = providers::row(provider).filter(|_| is_batch);
    let translates =
        row.is_some_and(|row| row.calls.get(&call_type).is_some_and(|call| call.accent.translates_lines));
    let Some(file) = request.files.first().filter(|_| translates) else { return Ok(None) };
    let model = wires::batch_model(&file.data)?;
    let plain = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&model);
    Ok(Some(format!("{provider}/{plain}")))
}

/// Whether a chat completion is asked for in any case: the caller says so, or wants a mock, which is one.
fn wants_chat(control: &Control) -> Result<bool> {
    let is_mocked =
        ["mock_response", "mock_tool_calls", "mock_timeout"].iter().any(|name| control.get(name).is_some());
    Ok(is_mocked || control.switch("use_chat_completions_api")?.unwrap_or(false))
}

/// The dialect that a call is translated from, when its provider has no calls of the type, or is not to be asked
/// for them.
fn bridge(call_type: CallType, wanted: &Wanted, as_chat: bool) -> Option<&'static dyn Dialect> {
    let dialect = wires::dialect(call_type)?;
    let provider = wanted.provider.as_deref()?;
    (as_chat || providers::is_bridged(provider, &wanted.model, call_type)).then_some(dialect)
}

/// Where the model's chat completions go, when the language there is the caller's: then nothing is translated.
fn own_language(
    call_type: CallType,
    wanted: &Wanted,
    stream: bool,
    as_chat: bool,
    resolve: &dyn Fn(String, Purpose) -> Result<Envelope>,
) -> Result<Option<Envelope>> {
    let speaks = wanted.provider.as_deref().filter(|name| !as_chat && providers::may_speak(name, call_type));
    let Some(model) = speaks.and_then(|name| providers::native_name(name, &wanted.model, call_type)) else {
        return Ok(None);
    };
    let is_detour = model != wanted.model;
    let mut envelope = resolve(model, Purpose { call_type: CallType::Chat, stream, mocked: false })?;
    let target = &mut envelope.route.target;
    target.call_type = call_type;
    if is_detour && let Some(provider) = speaks {
        // Errors name it as the caller does.
        let plain = wanted.model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
        plain.unwrap_or(&wanted.model).clone_into(&mut target.model);
    }
    Ok(target.wire.call(call_type).is_some().then_some(envelope))
}

impl Bridged {
    fn new(
        dialect: &'static dyn Dialect,
        lane: ChatLane<'_>,
        wanted: Wanted,
        control: Control,
        keywords: Keywords,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        let options = envelope::options(&control, &keywords, settings, environment)?;
        let destination = Destination {
            model: &wanted.model,
            drop_params: options.drop_params,
            budgets: options.thinking_budgets,
        };
        let Inbound { chat, asked, optional } =
            dialect.decode_request(keywords, &destination).map_err(|error| name_wanted(error, &wanted))?;
        let lane = ChatLane { optional, ..lane };
        let mut chat = ChatCall::new(wanted, control, chat, lane, settings, environment)?;
        // The answer's last event has the counts, whether the caller asked for them or not.
        chat.include_usage = true;
        Ok(Self { chat, dialect, asked })
    }
}

fn read(call_type: CallType, mut keywords: Map, files: Vec<Upload>) -> Result<CallRequest> {
    let stream = matches!(keywords.shift_remove("stream"), Some(Value::Bool(true)));
    if !call_type.sends_metadata() {
        keywords.shift_remove("metadata");
    }
    let extra_body = match keywords.shift_remove("extra_body") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(body)) => body,
        Some(other) => return Err(wrong("extra_body", "an object", &other)),
    };
    keywords.retain(|_, value| !value.is_null());
    if let Some(name) = call_type.required()
        && !keywords.contains_key(name)
    {
        return Err(Error::bad_request(format!("'{name}' is missing.")).with_param(name));
    }
    let fresh_name = if call_type.resource().is_some() { new_uuid() } else { String::new() };
    Ok(CallRequest { params: keywords, extra_body, files, stream, fresh_name, lines: None })
}

/// Parameters that the target does not take: refused by name, or dropped when the caller said so (GEN-01).
fn check_parameters(
    request: &mut CallRequest,
    wire: &dyn Wire<crate::hub::Call>,
    target: &Target,
    allowed: &[String],
) -> Result<()> {
    let named = target.call_type.parameters();
    let takes = |name: &str| {
        !named.contains(&name) || allowed.iter().any(|allowed| allowed == name) || takes(name, wire, target)
    };
    let mut refused = None;
    let mut keeps = |name: &String| {
        if takes(name) {
            return true;
        }
        if target.options.drop_params || name == "user" {
            tracing::debug!(provider = %target.provider, model = %target.model, parameter = %name, "parameter dropped");
            return false;
        }
        refused.get_or_insert_with(|| name.clone());
        true
    };
    request.params.retain(|name, _| keeps(name));
    request.files.retain(|file| keeps(&file.field));
    let Some(name) = refused else { return Ok(()) };
    let error = Error::unsupported(format!(
        "Setting `{name}` is not supported by {}, {}. To drop it from the call, set `drop_params = True`.",
        target.provider, target.model
    ));
    Err(error.with_param(name).at(&target.provider, &target.model))
}

/// Whether a call at the target takes a parameter: as its row says, else as its format does.
pub(super) fn takes(name: &str, wire: &dyn Wire<crate::hub::Call>, target: &Target) -> bool {
    target.call_accent.takes(name).unwrap_or_else(|| wire.supports(name, target))
}

pub async fn answer(engine: &Engine, call: Call, started: Instant) -> Result<CallAnswer> {
    let call_type = call.call_type;
    let native = match call.lane {
        Lane::Native(native) => *native,
        Lane::Bridged(bridged) => {
            let Bridged { chat, dialect, asked } = *bridged;
            let target = chat.target().clone();
            let Answer { response, meta } = Box::pin(engine.chat(chat)).await?;
            let response = CallResponse::Json(dialect.encode_response(response, &asked, &target)?);
            return Ok(CallAnswer { call_type, response, meta });
        }
    };
    if let Some(mocked) = &native.mock {
        return mock::call(mocked, native.envelope.target());
    }
    let deadline = started + native.envelope.limits.total;
    let size = native.request.files.iter().map(|file| file.data.len()).sum();
    let Exchanging { request, mut exchange, mut memo, wire } =
        aside(size, move || native.prepare(started)).await?;
    let mut reply = loop {
        match exchange.reply(engine, wire).await {
            Ok(reply) => break reply,
            Err(failure) => exchange.again(*failure).await?,
        }
    };
    exchange.log_reply(&reply);
    loop {
        let next = wire
            .next(&request, &reply, &mut memo, exchange.target())
            .map_err(|error| exchange.decorate(error, &reply.headers))?;
        let Some(next) = next else { break };
        match further(&mut exchange, engine, &next, deadline, wire).await {
            Ok(next) => reply = next,
            Err(error) if next.may_fail => {
                tracing::debug!(provider = %exchange.target().provider, error = %error, "cleaning up failed");
            }
            Err(error) => return Err(error),
        }
        exchange.log_reply(&reply);
    }
    let (mut response, exchange, reply) = aside(reply.body.len(), move || {
        let response = wire
            .decode(&reply, &memo, exchange.target())
            .map_err(|error| exchange.decorate(error, &reply.headers))?;
        Ok((response, exchange, reply))
    })
    .await?;
    if let CallResponse::Json(Value::Object(ranking)) = &mut response
        && call_type == CallType::Rerank
    {
        ranking.entry("id").or_insert_with(|| new_uuid().into());
    }
    let mut meta = exchange.meta_of(reply);
    if let CallResponse::Json(value) = &response {
        meta.response_model = value.get("model").and_then(Value::as_str).map(str::to_owned);
    }
    Ok(CallAnswer { call_type, response, meta })
}

/// Work on so many bytes, on a thread of its own if they are many.
async fn aside<T: Send + 'static>(
    size: usize,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if size < LARGE {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| {
        Error::new(Kind::InternalServer, "a large body was not translated").with_source(error)
    })?
}

/// A file as it comes, in pieces of a size that the caller says. One that has to be translated is there at once.
pub async fn bytes(engine: &Engine, call: Call, size: usize, started: Instant) -> Result<ByteStream> {
    let call_type = call.call_type;
    let (Lane::Native(native), CallType::FileContent) = (call.lane, call_type) else {
        return Err(Error::bad_request(format!("{} are not read in bytes", call_type.plural())));
    };
    if !native.envelope.target().wire.hands_on_bytes() {
        let call = Call { call_type, lane: Lane::Native(native) };
        let CallAnswer { response, meta, .. } = Box::pin(answer(engine, call, started)).await?;
        return Ok(ByteStream::whole(response.into_bytes(), size, meta));
    }
    let Exchanging { mut exchange, wire, .. } = native.prepare(started)?;
    loop {
        match exchange.body(engine, wire).await {
            Ok(body) => return Ok(ByteStream::new(&exchange, body, size)),
            Err(failure) => exchange.again(*failure).await?,
        }
    }
}

pub async fn stream(engine: &Engine, call: Call, started: Instant) -> Result<EventStream> {
    let call_type = call.call_type;
    let native = match call.lane {
        Lane::Native(native) => *native,
        Lane::Bridged(bridged) => {
            let Bridged { chat, dialect, asked } = *bridged;
            let encoder = dialect.encoder(asked, chat.target());
            let stream = Box::pin(engine.chat_stream(chat)).await?;
            return Ok(EventStream::bridged(call_type, stream, encoder));
        }
    };
    let Exchanging { mut exchange, memo, wire, .. } = native.prepare(started)?;
    let target = exchange.target();
    let Some(events) = target.wire.events(call_type) else {
        let error =
            Error::bad_request(format!("{} cannot be streamed", call_type.plural())).with_param("stream");
        return Err(error.at(&target.provider, &target.model));
    };
    loop {
        match exchange.body(engine, wire).await {
            Ok(body) => return EventStream::native(&exchange, body, events, &memo).await,
            Err(failure) => exchange.again(*failure).await?,
        }
    }
}

impl Native {
    fn prepare(self, started: Instant) -> Result<Exchanging> {
        let Self { request, envelope, wire, .. } = self;
        let target = envelope.target();
        let Prepared { call: http, memo } =
            wire.encode(&request, target).map_err(|error| error.at(&target.provider, &target.model))?;
        Ok(Exchanging { exchange: Exchange::new(envelope, http, started)?, request, memo, wire })
    }
}

/// A call of the provider's own type that is under way.
struct Exchanging {
    request: CallRequest,
    exchange: Exchange,
    memo: Memo,
    wire: &'static dyn Wire<crate::hub::Call>,
}

/// The reply to a further request, after as many attempts as it takes.
async fn further(
    exchange: &mut Exchange,
    engine: &Engine,
    next: &Next,
    deadline: Instant,
    wire: &dyn Wire<crate::hub::Call>,
) -> Result<HttpReply> {
    let limits = exchange.envelope.limits;
    loop {
        let reply = match exchange.further(engine, next.clone(), deadline, wire).await {
            Ok(body) => body.collect(limits).await.map_err(|error| exchange.broken(error)),
            Err(failure) => Err(failure),
        };
        match reply {
            Ok(reply) => return Ok(reply),
            Err(failure) => exchange.again(*failure).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_bodies_hold_up_no_other_call() {
        let here = std::thread::current().id();
        let thread = || Ok(std::thread::current().id());
        assert_eq!(aside(LARGE - 1, thread).await.unwrap(), here);
        assert_ne!(aside(LARGE, thread).await.unwrap(), here);
        assert_eq!(aside(LARGE, || Err::<(), _>(Error::bad_request("x"))).await.unwrap_err().message(), "x");
    }
}
