//! One request, from its head to its answer: every request takes this way, and in this order.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use super::admission;
use super::dialect::Dialect;
use super::endpoint::{self, Access, Endpoint, Found, Miss};
use super::headers;
use super::hooks::{Hooked, Step};
use super::record::{Call, Open};
use super::routes;
use super::state::{Gateway, Running, UnderWay};
use crate::error::{Error, Kind, Result};

/// Answers a request. Never fails: an error is an answer, too, and a panic is an error.
pub async fn handle(gateway: Arc<Gateway>, request: Request<Incoming>, peer: SocketAddr) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        return preflight(gateway.running().config.is_guarded());
    }
    let answered = AssertUnwindSafe(answer(&gateway, &parts, Body::new(body), peer)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        let error = Error::new(Kind::InternalServer, "The gateway failed at this request; please report it.");
        failed(&parts, endpoint::dialect_of(parts.uri.path()), &error)
    });
    if gateway.running().config.is_guarded() {
        response.headers_mut().insert("access-control-allow-origin", http::HeaderValue::from_static("*"));
    }
    response
}

/// Whether a page of another host asks, in a browser that can reach the gateway.
fn is_of_another_page(parts: &Parts) -> bool {
    let text = |name: http::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(http::header::ORIGIN) else { return false };
    let host = text(http::header::HOST).or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    origin.split_once("://").map(|(_, host)| host) != host
}

fn failed(parts: &Parts, dialect: Dialect, error: &Error) -> Response {
    let (path, status, kind) = (parts.uri.path(), error.status(), error.kind().class_name());
    if status >= 500 {
        tracing::warn!(path, status, kind, "a request failed");
    }
    // The upstream's words may quote the question.
    tracing::debug!(path, status, error = %error, "a request was not answered");
    dialect.error_response(error)
}

/// Pages of other hosts may call the gateway where a key is what lets in.
fn preflight(is_guarded: bool) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if !is_guarded {
        return response;
    }
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE, OPTIONS"),
        // The star does not stand for this one.
        ("access-control-allow-headers", "authorization, *"),
        ("access-control-max-age", "600"),
    ] {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}

async fn answer(gateway: &Arc<Gateway>, parts: &Parts, body: Body, peer: SocketAddr) -> Response {
    let running = gateway.running();
    let own = routes::pass_through::own(&running.config.pass_through, parts.uri.path());
    let found = match own {
        Some(own) => Ok(endpoint::own(own.auth)),
        None => endpoint::find(&parts.method, parts.uri.path()),
    };
    let allowed = match &found {
        Err(Miss::Method) => endpoint::allowed(parts.uri.path()).parse().ok(),
        _ => None,
    };
    let route = found.as_ref().ok().map(|found| found.route);
    let dialect = route.map_or_else(|| endpoint::dialect_of(parts.uri.path()), |route| route.dialect);
    let mut call = Call::new(parts, route, dialect, &gateway.observer);
    if let Some(hooks) = &running.hooks {
        let hooked = Hooked::new(hooks, parts, peer);
        hooked.note("call_id", &*call.id);
        call.hooked = Some(Arc::new(hooked));
    }
    let mut open = Open::new(call.clone());
    let (answered, place) = match found {
        Ok(found) => taken(gateway, &running, parts, body, &found, &mut call).await,
        Err(miss) => (Err(missed(miss, parts)), None),
    };
    let mut response = match answered {
        Ok(response) => response,
        Err(mut error) => {
            error.facts_mut().request_id.get_or_insert_with(|| call.id.to_string());
            call.failed(&error);
            // Of those who were not let in nothing is told.
            if let Some(hooked) = call.hooked.as_ref().filter(|_| place.is_some()) {
                error = hooked.failed(error).await;
            }
            failed(parts, dialect, &error)
        }
    };
    headers::of_call(&call, response.headers_mut());
    headers::request_id(&call, dialect, response.headers_mut());
    if let Some(allowed) = allowed {
        response.headers_mut().insert(http::header::ALLOW, allowed);
    }
    open.answers(response.status().as_u16());
    // A streamed answer holds its place until it has ended.
    response.map(|body| Body::new(Placed::new(body, place, open)))
}

async fn taken(
    gateway: &Arc<Gateway>,
    running: &Arc<Running>,
    parts: &Parts,
    body: Body,
    found: &Found,
    call: &mut Call,
) -> (Result<Response>, Option<Arc<UnderWay>>) {
    let access = found.route.access;
    if access != Access::Open && !running.config.is_guarded() && is_of_another_page(parts) {
        let why =
            "Pages of other hosts may not use a gateway that has no key: set general_settings.master_key.";
        return (Err(Error::new(Kind::PermissionDenied, why)), None);
    }
    let admitted = match call.hooked.as_ref().filter(|hooked| hooked.has(Step::Authorize)) {
        Some(hooked) => admission::admit_by_hook(parts, access, running, hooked, body).await,
        None => admission::admit(parts, access, running, gateway).await.map(|principal| (principal, body)),
    };
    let body = match admitted {
        Ok((principal, body)) => {
            call.principal = principal;
            body
        }
        Err(error) => return (Err(error), None),
    };
    if let Some(hooked) = &call.hooked {
        hooked.note("is_master", call.principal.is_master());
    }
    let asks_how_it_does = access == Access::Open || found.route.endpoint == Endpoint::Metrics;
    let place = match gateway.enter(running, asks_how_it_does) {
        Ok(place) => Arc::new(place),
        Err(error) => return (Err(error), None),
    };
    (routes::answer(gateway, running, parts, body, found, call, &place).await, Some(place))
}

/// A body that holds the place of its request, and its record.
struct Placed {
    body: Body,
    _place: Option<Arc<UnderWay>>,
    open: Open,
}

impl Placed {
    fn new(body: Body, place: Option<Arc<UnderWay>>, mut open: Open) -> Self {
        if http_body::Body::is_end_stream(&body) {
            open.ends();
        }
        Self { body, _place: place, open }
    }
}

impl http_body::Body for Placed {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<http_body::Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(frame) = &polled
            && (frame.is_none() || self.body.is_end_stream())
        {
            self.open.ends();
        }
        polled
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
        Miss::Path => {
            Error::new(Kind::NotFound, format!("There is nothing at {path}; GET / lists what is served."))
        }
        Miss::Method => {
            Error::new(Kind::NotFound, format!("{} is no method of {path}.", parts.method)).with_status(405)
        }
    }
}
