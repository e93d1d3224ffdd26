//! One request, from its head to its answer: every request takes this way, and in this order.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use super::admission::{self, Principal};
use super::dialect::Dialect;
use super::endpoint::{self, Found, Miss};
use super::hooks::{Hooked, Step};
use super::record::Call;
use super::routes;
use super::state::{Gateway, Running};
use super::headers;
use crate::error::{Error, Kind, Result};

/// Answers a request. Never fails: an error is an answer, too, and a panic is an error.
pub async fn handle(gateway: Arc<Gateway>, request: Request<Incoming>, peer: SocketAddr) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return preflight();
    }
    let answered = AssertUnwindSafe(answer(&gateway, &parts, Body::new(body), peer)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        let error = Error::new(Kind::InternalServer, "The gateway failed at this request; please report it.");
        failed(&parts, endpoint::dialect_of(parts.uri.path()), &error)
    });
    response.headers_mut().insert("access-control-allow-origin", http::HeaderValue::from_static("*"));
    response
}

fn failed(parts: &Parts, dialect: Dialect, error: &Error) -> Response {
    if error.status() >= 500 {
        tracing::warn!(path = parts.uri.path(), status = error.status(), error = %error, "a request failed");
    } else {
        tracing::debug!(path = parts.uri.path(), status = error.status(), error = %error, "a request was refused");
    }
    dialect.error_response(error)
}

/// Pages of other hosts may call the gateway: a key is what lets in.
fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, DELETE, OPTIONS"),
        ("access-control-allow-headers", "*"),
        ("access-control-max-age", "600"),
    ] {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

async fn answer(gateway: &Arc<Gateway>, parts: &Parts, body: Body, peer: SocketAddr) -> Response {
    let running = gateway.running();
    let found = match endpoint::find(&parts.method, parts.uri.path()) {
        Ok(found) => found,
        Err(miss) => return failed(parts, endpoint::dialect_of(parts.uri.path()), &missed(miss, parts)),
    };
    let dialect = found.route.dialect;
    let hooked = running.hooks.as_ref().map(|hooks| Arc::new(Hooked::new(hooks, parts, peer)));
    let admitted = match hooked.as_ref().filter(|hooked| hooked.has(Step::Authorize)) {
        Some(hooked) => admission::admit_by_hook(parts, found.route.access, &running, hooked, body).await,
        None => admission::admit(parts, found.route.access, &running).map(|principal| (principal, body)),
    };
    let (principal, body) = match admitted {
        Ok(admitted) => admitted,
        Err(error) => return failed(parts, dialect, &error),
    };
    let mut call = Call::new(parts, found.route.endpoint, principal);
    if let Some(hooked) = &hooked {
        hooked.note("call_id", &*call.id);
        hooked.note("is_master", principal.is_master());
    }
    call.hooked = hooked;
    let taken = taken(gateway, &running, parts, body, &found, &call).await;
    let mut response = match taken {
        Ok(response) => response,
        Err(mut error) => {
            error.facts_mut().request_id.get_or_insert_with(|| call.id.to_string());
            if let Some(hooked) = &call.hooked {
                error = hooked.failed(error).await;
            }
            failed(parts, dialect, &error)
        }
    };
    headers::of_call(&call, response.headers_mut());
    response
}

async fn taken(
    gateway: &Arc<Gateway>,
    running: &Arc<Running>,
    parts: &Parts,
    body: Body,
    found: &Found,
    call: &Call,
) -> Result<Response> {
    let place = gateway.enter(running)?;
    let response = routes::answer(gateway, running, parts, body, found, call).await?;
    // A streamed answer holds its place until it has ended.
    Ok(response.map(|body| Body::new(Placed { body, _place: place })))
}

/// A body that holds the place of its request.
struct Placed {
    body: Body,
    _place: super::state::UnderWay,
}

impl http_body::Body for Placed {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<std::result::Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

fn missed(miss: Miss, parts: &Parts) -> Error {
    let path = parts.uri.path();
    match miss {
        Miss::Path => Error::new(Kind::NotFound, format!("There is nothing at {path}; GET / lists what is served.")),
        Miss::Method => {
            Error::new(Kind::NotFound, format!("{} is no method of {path}.", parts.method)).with_status(405)
        }
    }
}

impl Principal {
    /// Whether the request may change the gateway.
    pub fn is_master(self) -> bool {
        self == Self::Master
    }
}
