//! A server that answers each connection with the next of its replies.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread::{JoinHandle, spawn};

/// A status line, headers, a body.
pub struct Reply {
    status: &'static str,
    headers: String,
    body: String,
}

impl Reply {
    pub fn new(status: &'static str, body: impl Into<String>) -> Self {
        let body = body.into();
        let length = body.len();
        Self { status, headers: format!("content-length: {length}\r\n"), body }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        for part in [name, ": ", value, "\r\n"] {
            self.headers.push_str(part);
        }
        self
    }

    /// Without its length: the end of the connection is the end of the body.
    pub fn endless(status: &'static str, body: impl Into<String>) -> Self {
        Self { status, headers: String::new(), body: body.into() }
    }
}

/// Its address, and the first lines of what it is asked once all replies are given.
pub fn server(replies: Vec<Reply>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let served = spawn(move || {
        let mut asked = Vec::new();
        for Reply { status, headers, body } in replies {
            let (peer, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(peer);
            let mut first = String::new();
            reader.read_line(&mut first).unwrap();
            asked.push(first.trim_end().to_owned());
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let text = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n{body}");
            // A caller that has read enough may be gone already.
            let _ = reader.into_inner().write_all(text.as_bytes());
        }
        asked
    });
    (base, served)
}
