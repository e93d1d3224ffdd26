//! What errors in mid-stream say of their provider, over loopback HTTP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use ferrolite::engine::{ChatCall, Engine, Settings};
use ferrolite::error::{Error, Kind};
use serde_json::{Value, json};

use crate::support::{keywords, variables};

/// Reads one request to its end.
fn receive(stream: &mut TcpStream) {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).unwrap();
        all.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&all).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return;
        }
    }
}

/// The address of a server that sends these events once, and closes before the stream's end when `more` is to come.
fn serve(events: &[Value], more: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let body = events.iter().map(|event| format!("data: {event}\n\n")).collect::<Vec<_>>().concat();
    let head = format!("content-type: text/event-stream\r\ncontent-length: {}", body.len() + more);
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        receive(&mut stream);
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}").as_bytes()).unwrap();
    });
    format!("http://{address}")
}

async fn failure(model: &str, events: &[Value], more: usize) -> Error {
    let keywords = keywords(model, json!({ "api_base": serve(events, more), "stream": true }));
    let Value::Object(map) = keywords else { panic!("keywords are an object") };
    let call = ChatCall::from_keywords(map, &Settings::default(), &variables()).unwrap();
    let mut stream = Engine::new().chat_stream(call).await.unwrap();
    loop {
        match stream.next_batch().await {
            Ok(chunks) => assert!(!chunks.is_empty(), "the stream ends well"),
            Err(error) => return error,
        }
    }
}

#[tokio::test]
async fn errors_in_mid_stream_name_the_provider_as_its_row_says() {
    let gemini = json!({ "candidates": [{ "content": { "parts": [{ "text": "a" }] } }] });
    let openai = json!({ "choices": [{ "index": 0, "delta": { "content": "a" } }] });
    let refusal = json!({ "error": { "code": 503, "message": "Overloaded", "status": "UNAVAILABLE" } });
    for (model, chunk, named) in
        [("gemini/gemini-2.5-flash", gemini, "vertex_ai_beta"), ("groq/m", openai, "groq")]
    {
        for (events, more) in [(vec![chunk.clone(), refusal.clone()], 0), (vec![chunk.clone()], 100)] {
            let error = failure(model, &events, more).await;
            assert_eq!(error.kind(), Kind::MidStream, "{error}");
            assert_eq!(error.facts().provider.as_deref(), Some(named), "{error}");
            let cause = error.facts().cause.as_ref().unwrap();
            assert_eq!(cause.facts().provider.as_deref(), Some(named), "{cause}");
        }
    }
}
