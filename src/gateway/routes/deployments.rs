//! Paths that begin with the model: Azure's clients, and OpenAI's of long ago.

use axum::body::Body;
use axum::response::Response;
use http::Method;

use super::Context;
use crate::error::{Error, Kind, Result};
use crate::gateway::body;
use crate::gateway::endpoint::{self, Endpoint, Found};

/// What may come after the model, longest first where one ends as another.
const CALLS: [&str; 9] = [
    "chat/completions",
    "completions",
    "embeddings",
    "images/generations",
    "images/edits",
    "audio/transcriptions",
    "audio/speech",
    "responses",
    "rerank",
];

pub async fn answer(context: Context<'_>, body: Body) -> Result<Response> {
    let path = context.found.param("call").unwrap_or_default();
    let split = CALLS.iter().find_map(|call| Some((path.strip_suffix(call)?.strip_suffix('/')?, call)));
    let (model, call) = split.filter(|(model, _)| !model.is_empty()).ok_or_else(|| {
        Error::new(
            Kind::NotFound,
            format!("'{path}' is no call: expected a model, then {}.", CALLS.join(", ")),
        )
    })?;
    let found = endpoint::find(&Method::POST, &format!("/v1/{call}"))
        .map_err(|_| Error::new(Kind::NotFound, "There is no such call."))?;
    let context = Context { found: &Found { params: found.params, route: found.route }, ..context };
    match found.route.endpoint {
        Endpoint::Call(call_type) => {
            let bytes = body::read(body, context.limit()).await?;
            let mut keywords = body::object(&bytes)?;
            keywords.insert("model".to_owned(), model.into());
            super::model_calls::ask(context, call_type, keywords, Vec::new()).await
        }
        Endpoint::Form(call_type) => {
            let (mut keywords, files) = body::form(context.parts, body, context.limit()).await?;
            keywords.insert("model".to_owned(), model.into());
            super::model_calls::ask(context, call_type, keywords, files).await
        }
        _ => Err(Error::new(Kind::NotFound, "There is no such call.")),
    }
}
