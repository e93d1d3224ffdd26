//! The floor: axum and reqwest, which read a request's JSON, put another model into it, ask the provider, and do the same
//! with the answer. No key check, no limits, no counts, no metrics. `floor PORT PROVIDER`

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use futures_util::TryStreamExt as _;
use serde_json::Value;

#[derive(Clone)]
struct Provider {
    client: reqwest::Client,
    url: String,
}

async fn chat(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Result<Response, StatusCode> {
    let mut request: Value = serde_json::from_slice(&body).map_err(|_| StatusCode::BAD_REQUEST)?;
    request["model"] = "gpt-4o".into();
    let streams = request["stream"] == Value::Bool(true);
    let mut call = provider.client.post(&provider.url).body(request.to_string());
    call = call.header(header::CONTENT_TYPE, "application/json");
    if let Some(key) = headers.get(header::AUTHORIZATION) {
        call = call.header(header::AUTHORIZATION, key);
    }
    let reply = call.send().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    if streams {
        let mut response = Response::new(Body::from_stream(reply.bytes_stream().map_err(std::io::Error::other)));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
        return Ok(response);
    }
    let reply = reply.bytes().await.map_err(|_| StatusCode::BAD_GATEWAY)?;
    let mut answer: Value = serde_json::from_slice(&reply).map_err(|_| StatusCode::BAD_GATEWAY)?;
    answer["model"] = "a".into();
    let mut response = Response::new(Body::from(answer.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (port, provider) = (arguments.next().expect("a port"), arguments.next().expect("the provider's address"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let provider = Provider {
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
            url: format!("{provider}/v1/chat/completions"),
        };
        let app = Router::new().route("/v1/chat/completions", post(chat)).with_state(provider);
        let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.expect("the port");
        println!("ready");
        axum::serve(listener, app).await.expect("served");
    });
}
