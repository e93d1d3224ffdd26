//! What the paths do. One file a family.

mod deployments;
mod gemini;
mod health;
mod kept;
mod model_calls;
mod models;
mod pages;
pub mod pass_through;
mod sockets;
mod tokens;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde_json::Value;

use super::endpoint::{Endpoint, Found};
use super::record::Call;
use super::state::{Gateway, Running, UnderWay};
use crate::error::Result;

/// What every route is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub gateway: &'a Arc<Gateway>,
    pub running: &'a Arc<Running>,
    pub parts: &'a Parts,
    pub found: &'a Found,
    pub call: &'a Call,
    /// The request's place among those under way, for what outlives its answer.
    pub place: &'a Arc<UnderWay>,
}

impl Context<'_> {
    /// The largest body that is taken, in bytes.
    pub fn limit(&self) -> usize {
        self.running.config.general.max_request_bytes
    }
}

/// Answers a request that was let in.
pub async fn answer(
    gateway: &Arc<Gateway>,
    running: &Arc<Running>,
    parts: &Parts,
    body: Body,
    found: &Found,
    call: &Call,
    place: &Arc<UnderWay>,
) -> Result<Response> {
    let context = Context { gateway, running, parts, found, call, place };
    if matches!(found.route.endpoint, Endpoint::Realtime | Endpoint::ResponsesSocket)
        && let Some(hooked) = &call.hooked
    {
        hooked.allow_socket()?;
    }
    match found.route.endpoint {
        Endpoint::Call(call_type) => model_calls::json(context, body, call_type).await,
        Endpoint::Form(call_type) => model_calls::form(context, body, call_type).await,
        Endpoint::Kept(call_type) => kept::answer(context, body, call_type).await,
        Endpoint::Gemini => gemini::answer(context, body).await,
        Endpoint::Deployment => Box::pin(deployments::answer(context, body)).await,
        Endpoint::CountTokens => tokens::of_message(context, body).await,
        Endpoint::TokenCounter => tokens::of_prompt(context, body).await,
        Endpoint::Models => Ok(models::list(context)),
        Endpoint::Model => models::one(context),
        Endpoint::ModelInfo => Ok(models::info(context)),
        Endpoint::GroupInfo => Ok(models::groups(context)),
        Endpoint::NewModel => models::add(context, body).await,
        Endpoint::DeleteModel => models::remove(context, body).await,
        Endpoint::PassThrough(provider) => Box::pin(pass_through::provider(context, body, provider)).await,
        Endpoint::OwnPath => Box::pin(pass_through::own_path(context, body)).await,
        Endpoint::Realtime => sockets::realtime(context),
        Endpoint::ResponsesSocket => sockets::responses(context),
        Endpoint::Health => health::check(context).await,
        Endpoint::Liveness => Ok(health::alive()),
        Endpoint::Readiness => Ok(health::ready(context)),
        Endpoint::Metrics => Ok(health::metrics(context)),
        Endpoint::OpenApi => Ok(pages::open_api()),
        Endpoint::Docs => Ok(pages::docs(context)),
    }
}

fn json(value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text(kind: &'static str, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
