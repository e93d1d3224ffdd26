//! Asks a server over connections that stay open, and says how many answers came and how long each took.
//! `load ADDRESS CONNECTIONS SECONDS REQUEST_FILE [RATE]`: the file holds a whole HTTP/1.1 request; with a rate, so many
//! requests a second are begun, on whichever connection is free, and latency counts from the moment each was due.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(Default)]
struct Counts {
    answers: u64,
    failures: u64,
    bytes: u64,
    events: u64,
    micros: Vec<u32>,
}

/// Reads one answer; its status, and how many events it has. `kept` holds what came after it.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>, counts: &mut Counts) -> std::io::Result<bool> {
    let mut chunk = [0u8; 16 * 1024];
    let head = loop {
        if let Some(at) = memchr::memmem::find(buffer, b"\r\n\r\n") {
            break at + 4;
        }
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer.extend_from_slice(&chunk[..read]);
    };
    let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
    let good = text.starts_with("http/1.1 200");
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    let end = match length {
        Some(length) => {
            while buffer.len() < head + length {
                let read = stream.read(&mut chunk).await?;
                if read == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                buffer.extend_from_slice(&chunk[..read]);
            }
            head + length
        }
        None => loop {
            if buffer.len() >= head + 5 && buffer.ends_with(b"0\r\n\r\n") {
                break buffer.len();
            }
            let read = stream.read(&mut chunk).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            buffer.extend_from_slice(&chunk[..read]);
        },
    };
    counts.events += memchr::memmem::find_iter(&buffer[head..end], b"data: ").count() as u64;
    counts.bytes += end as u64;
    buffer.drain(..end);
    Ok(good)
}

async fn ask(address: String, request: std::sync::Arc<Vec<u8>>, until: Instant, pace: Option<(Instant, Duration)>) -> Counts {
    let mut counts = Counts::default();
    let mut buffer = Vec::with_capacity(32 * 1024);
    let mut connection: Option<TcpStream> = None;
    let mut due = pace.map(|(first, _)| first);
    loop {
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        let began = due.unwrap_or_else(Instant::now);
        if Instant::now() >= until {
            return counts;
        }
        let asked = async {
            if connection.is_none() {
                let stream = TcpStream::connect(&address).await?;
                stream.set_nodelay(true)?;
                connection = Some(stream);
                buffer.clear();
            }
            let stream = connection.as_mut().expect("a connection");
            stream.write_all(&request).await?;
            answer(stream, &mut buffer, &mut counts).await
        };
        match asked.await {
            Ok(true) => {
                counts.answers += 1;
                counts.micros.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            Ok(false) => counts.failures += 1,
            Err(_) => {
                counts.failures += 1;
                connection = None;
            }
        }
        if let (Some(next), Some((_, pause))) = (&mut due, pace) {
            *next += pause;
        }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("an address");
    let connections: u32 = arguments.next().and_then(|text| text.parse().ok()).expect("connections");
    let seconds: f64 = arguments.next().and_then(|text| text.parse().ok()).expect("seconds");
    let request = std::sync::Arc::new(std::fs::read(arguments.next().expect("a request's file")).expect("the file"));
    let rate: Option<f64> = arguments.next().and_then(|text| text.parse().ok());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let all = runtime.block_on(async {
        let now = Instant::now();
        let until = now + Duration::from_secs_f64(seconds);
        let tasks: Vec<_> = (0..connections)
            .map(|number| {
                let pace = rate.map(|rate| {
                    let pause = Duration::from_secs_f64(f64::from(connections) / rate);
                    (now + pause * number / connections, pause)
                });
                tokio::spawn(ask(address.clone(), request.clone(), until, pace))
            })
            .collect();
        let mut all = Counts::default();
        for task in tasks {
            let counts = task.await.expect("a task");
            all.answers += counts.answers;
            all.failures += counts.failures;
            all.bytes += counts.bytes;
            all.events += counts.events;
            all.micros.extend(counts.micros);
        }
        all
    });
    let mut micros = all.micros;
    micros.sort_unstable();
    let at = |share: f64| micros.get(((micros.len() as f64 * share) as usize).min(micros.len().saturating_sub(1))).copied().unwrap_or(0);
    println!(
        "{}",
        serde_json::json!({
            "answers": all.answers, "failures": all.failures, "events": all.events, "bytes": all.bytes,
            "p50_us": at(0.5), "p99_us": at(0.99), "max_us": at(1.0),
        })
    );
}
