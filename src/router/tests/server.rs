//! Servers on the loopback that behave badly, each in one way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    Good,
    /// Nobody listens.
    Refused,
    /// The request is read and never answered.
    Hang,
    /// The connection is reset after a stream's first content.
    Reset,
    /// The same, but for a conversation that holds a part of the answer.
    ResetOnce,
    /// An error status, with `retry-after` where there is one.
    Status(u16, Option<u32>),
    /// Runs of ten errors after runs of ten answers.
    Bursts,
    /// The first byte comes late.
    Slow(Duration),
    /// So many in a hundred take ten times as long as the others, which take so long.
    Uneven(usize, Duration),
}

pub struct Server {
    pub base: String,
    pub hits: Arc<AtomicUsize>,
}

pub async fn server(behaviour: Behaviour) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let hits = Arc::new(AtomicUsize::new(0));
    if !matches!(behaviour, Behaviour::Refused) {
        let hits = hits.clone();
        tokio::spawn(async move {
            while let Ok((peer, _)) = listener.accept().await {
                let _ = peer.set_nodelay(true);
                let hits = hits.clone();
                tokio::spawn(async move { serve(peer, behaviour, &hits).await });
            }
        });
    }
    Server { base, hits }
}

async fn serve(mut peer: TcpStream, behaviour: Behaviour, hits: &AtomicUsize) {
    let mut held = Vec::new();
    while let Some(body) = request(&mut peer, &mut held).await {
        let number = hits.fetch_add(1, Ordering::Relaxed);
        let stream = body.contains("\"stream\":true");
        match behaviour {
            Behaviour::Hang => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            Behaviour::Slow(wait) => tokio::time::sleep(wait).await,
            Behaviour::Uneven(slow, wait) => {
                let factor = if number * 37 % 100 < slow { 10 } else { 1 };
                tokio::time::sleep(wait * factor).await;
            }
            _ => {}
        }
        let status = match behaviour {
            Behaviour::Status(status, _) => status,
            Behaviour::Bursts if number / 10 % 2 == 1 => 500,
            _ => 200,
        };
        let reply = if status != 200 {
            let after = match behaviour {
                Behaviour::Status(_, Some(seconds)) => format!("retry-after: {seconds}\r\n"),
                _ => String::new(),
            };
            let body = r#"{"error":{"message":"boom","type":"x","param":null,"code":null}}"#;
            format!(
                "HTTP/1.1 {status} No\r\n{after}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        } else if stream {
            if peer.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").await.is_err() {
                return;
            }
            // A conversation that holds a part of the answer gets the rest.
            let goes_on = body.contains("\"one \"");
            let words: &[&str] = if goes_on { &["two ", "three"] } else { &["one ", "two ", "three"] };
            let resets = match behaviour {
                Behaviour::Reset => true,
                Behaviour::ResetOnce => !goes_on,
                _ => false,
            };
            for word in words {
                let event = format!(
                    r#"data: {{"id":"c{number}","object":"chat.completion.chunk","created":1,"model":"m","choices":[{{"index":0,"delta":{{"role":"assistant","content":"{word}"}},"finish_reason":null}}]}}"#
                );
                if send(&mut peer, &event).await.is_err() {
                    return;
                }
                if resets {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    #[expect(deprecated, reason = "a reset is what is wanted, and nothing waits for it")]
                    let _ = peer.set_linger(Some(Duration::ZERO));
                    return;
                }
            }
            for event in [
                r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                r#"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":2,"total_tokens":22}}"#,
                "data: [DONE]",
            ] {
                if send(&mut peer, event).await.is_err() {
                    return;
                }
            }
            "0\r\n\r\n".to_owned()
        } else {
            let body = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"one two three"},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23}}"#;
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        if peer.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn send(peer: &mut TcpStream, event: &str) -> std::io::Result<()> {
    let event = format!("{event}\n\n");
    peer.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await
}

/// The body of the next request on a connection.
async fn request(peer: &mut TcpStream, held: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            let length: usize = length.unwrap_or(0);
            if held.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&held[end + 4..end + 4 + length]).into_owned();
                held.drain(..end + 4 + length);
                return Some(body);
            }
        }
        if peer.read_buf(held).await.ok()? == 0 {
            return None;
        }
    }
}
