//! The least that a call costs: reqwest posts a body that is ready and reads the reply, on one thread.
//!
//! Reads commands from standard input, one JSON object a line, and answers each with one line:
//! `{"url": …, "body": …, "count": 1000, "concurrency": 64}` gives `{"cpu_us": …, "wall_us": …, "events": …}`.
//! A blank line (as it ends a server-sent event) counts as an event. Nothing is parsed.

use std::cell::Cell;
use std::error::Error;
use std::io::{BufRead as _, Write as _};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::task::LocalSet;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let client = reqwest::Client::builder().default_headers(headers).tcp_nodelay(true).build()?;
    let mut answers = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| command[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| command[name].as_u64().unwrap_or(1);
        let job = Job { client: client.clone(), url: text("url"), body: text("body").into() };
        let started = Instant::now();
        let before = cpu_time();
        let events = runtime.block_on(LocalSet::new().run_until(run(job, number("count"), number("concurrency"))))?;
        let (cpu, wall) = (cpu_time() - before, started.elapsed());
        let answer = serde_json::json!({ "cpu_us": micros(cpu), "wall_us": micros(wall), "events": events });
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// User and system time of this process.
fn cpu_time() -> Duration {
    // SAFETY: `rusage` is plain numbers, for which zero is a value, and the call fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let time = |value: libc::timeval| {
        Duration::new(value.tv_sec.unsigned_abs(), u32::try_from(value.tv_usec).unwrap_or(0) * 1000)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

#[derive(Clone)]
struct Job {
    client: reqwest::Client,
    url: String,
    body: Bytes,
}

/// Posts `count` times, `concurrency` at once; returns the events seen.
async fn run(job: Job, count: u64, concurrency: u64) -> Result<u64, Failure> {
    let left = std::rc::Rc::new(Cell::new(count));
    let tasks: Vec<_> = (0..concurrency)
        .map(|_| {
            let (job, left) = (job.clone(), left.clone());
            tokio::task::spawn_local(async move {
                let mut events = 0;
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    events += job.post().await?;
                }
                Ok::<u64, reqwest::Error>(events)
            })
        })
        .collect();
    let mut events = 0;
    for task in tasks {
        events += task.await??;
    }
    Ok(events)
}

impl Job {
    async fn post(&self) -> reqwest::Result<u64> {
        let request = self.client.post(&self.url).body(self.body.clone());
        let mut response = request.send().await?.error_for_status()?;
        let mut events = 0;
        while let Some(read) = response.chunk().await? {
            events += memchr::memmem::find_iter(&read, b"\n\n").count() as u64;
        }
        Ok(events)
    }
}
