//! Calls other than chat: keywords in, one request, an answer in OpenAI's form or bytes out.

use std::time::Instant;

use serde_json::Value;

use super::control::{Control, Keywords, strings, wrong};
use super::envelope::{self, Envelope, Purpose, Settings, name_wanted};
use super::exchange::Exchange;
use super::{Engine, Meta, mock, new_uuid};
use crate::config::Environment;
use crate::error::{Error, Kind, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Target, Upload};
use crate::json::Map;
use crate::wires::{HttpReply, Next, Prepared, Wire};

/// A call that is ready to be sent.
#[derive(Debug)]
pub struct Call {
    pub request: CallRequest,
    pub envelope: Envelope,
    pub(super) mock: Option<Value>,
    wire: &'static dyn Wire<crate::hub::Call>,
}

/// A whole answer and what is known of how it came.
#[derive(Debug)]
pub struct CallAnswer {
    pub call_type: CallType,
    pub response: CallResponse,
    pub meta: Meta,
}

impl Call {
    pub fn target(&self) -> &Target {
        self.envelope.target()
    }

    /// Reads and checks the keywords; `model` is among them.
    pub fn from_keywords(
        call_type: CallType,
        mut keywords: Keywords,
        files: Vec<Upload>,
        settings: &Settings,
        environment: &dyn Environment,
    ) -> Result<Self> {
        let mut control = Control::take(&mut keywords);
        let mock = control.take_value("mock_response").filter(|_| mock::serves(call_type));
        let wanted = envelope::wanted(&control, &mut keywords, settings)?;
        let options = envelope::options(&control, &keywords, settings, environment)?;
        let mut request = read(call_type, keywords, files).map_err(|error| name_wanted(error, &wanted))?;
        let purpose = Purpose { call_type, stream: request.stream, mocked: mock.is_some() };
        let envelope = Envelope::new(wanted, &control, purpose, options, settings, environment)?;
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
        target.call_accent.apply(&mut request.params, &target.model);
        Ok(Self { request, envelope, mock, wire })
    }
}

fn read(call_type: CallType, mut keywords: Map, files: Vec<Upload>) -> Result<CallRequest> {
    let stream = matches!(keywords.shift_remove("stream"), Some(Value::Bool(true)));
    // The caller's own bookkeeping.
    keywords.shift_remove("metadata");
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
    Ok(CallRequest { params: keywords, extra_body, files, stream })
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
        !named.contains(&name)
            || allowed.iter().any(|allowed| allowed == name)
            || target.call_accent.takes(name).unwrap_or_else(|| wire.supports(name, target))
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

pub async fn answer(engine: &Engine, call: Call, started: Instant) -> Result<CallAnswer> {
    if let Some(mocked) = &call.mock {
        return mock::call(mocked, &call);
    }
    let Call { request, envelope, wire, .. } = call;
    let target = envelope.target();
    let Prepared { call: http, mut memo } =
        wire.encode(&request, target).map_err(|error| error.at(&target.provider, &target.model))?;
    let deadline = started + envelope.limits.total;
    let mut exchange = Exchange::new(envelope, http, started)?;
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
    let mut response = wire
        .decode(&reply, &memo, exchange.target())
        .map_err(|error| exchange.decorate(error, &reply.headers))?;
    let call_type = exchange.target().call_type;
    if let CallResponse::Json(Value::Object(ranking)) = &mut response
        && call_type == CallType::Rerank
    {
        ranking.entry("id").or_insert_with(|| new_uuid().into());
    }
    let mut meta = exchange.meta(reply.status, reply.headers);
    if let CallResponse::Json(value) = &response {
        meta.response_model = value.get("model").and_then(Value::as_str).map(str::to_owned);
    }
    Ok(CallAnswer { call_type, response, meta })
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
