//! Those who are told of requests: metrics, the log, and OpenTelemetry.
//!
//! A request only leaves its record in a bounded queue; a record that finds no place is dropped and counted. A thread of
//! the gateway's, or whoever asks for the metrics, takes the records out and does the work, so that no request waits
//! for another, for a pipe or for a collector.

mod genai;
pub mod logs;
mod metrics;
mod otlp;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use self::genai::GenAi;
use self::logs::Logs;
use self::metrics::Metrics;
use super::config::Config;
use super::record::Record;
use super::state::Gateway;
use crate::config::Environment;
use crate::router::View;

/// The most records that wait.
const WAITING: usize = 64 * 1024;
/// The most spans that wait for the collector.
const SPANS: usize = 8 * 1024;
/// How long a record waits at most.
const LOOK: Duration = Duration::from_millis(100);

/// Takes records of requests.
pub struct Observer {
    queue: mpsc::Sender<Box<Record>>,
    dropped: AtomicU64,
    behind: Mutex<Behind>,
    logs: Option<Logs>,
    otlp: Option<otlp::Settings>,
    is_stopping: AtomicBool,
    /// Nanoseconds since the epoch.
    begun: u128,
}

/// What the records become.
struct Behind {
    waiting: mpsc::Receiver<Box<Record>>,
    metrics: Metrics,
    spans: VecDeque<Record>,
    lost_spans: u64,
    genai: GenAi,
}

impl Observer {
    /// As the configuration and the environment say.
    pub fn new(config: &Config, environment: &dyn Environment) -> Arc<Self> {
        let (queue, waiting) = mpsc::channel(WAITING);
        Arc::new(Self {
            queue,
            dropped: AtomicU64::new(0),
            behind: Mutex::new(Behind {
                waiting,
                metrics: Metrics::default(),
                spans: VecDeque::new(),
                lost_spans: 0,
                genai: GenAi::default(),
            }),
            logs: Logs::of_requests(config, environment),
            otlp: otlp::Settings::read(config, environment),
            is_stopping: AtomicBool::new(false),
            begun: otlp::nanoseconds(),
        })
    }

    /// Takes a record. Never waits.
    pub fn tell(&self, record: Record) {
        if self.queue.try_send(Box::new(record)).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn behind(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works off what waits.
    fn look(&self, view: &View) -> MutexGuard<'_, Behind> {
        let mut behind = self.behind();
        let mut lines = Vec::new();
        while let Ok(record) = behind.waiting.try_recv() {
            if let Some(logs) = &self.logs {
                logs.line(&record, &mut lines);
            }
            if !record.is_call {
                continue;
            }
            behind.metrics.count(&record, view);
            let Some(settings) = &self.otlp else { continue };
            if settings.has_metrics {
                behind.genai.count(&record, view);
            }
            if !settings.has_traces {
                continue;
            }
            if behind.spans.len() < SPANS {
                behind.spans.push_back(*record);
            } else {
                behind.lost_spans += 1;
            }
        }
        if !lines.is_empty() {
            logs::write(lines);
        }
        behind
    }

    /// The page of metrics.
    #[expect(clippy::cast_precision_loss, reason = "the format's numbers are such")]
    pub fn page(&self, gateway: &Gateway) -> String {
        let router = gateway.running().router.clone();
        let view = router.view();
        let behind = self.look(&view);
        let more = [
            (
                "ferrolite_dropped_records",
                "Requests that were not counted: there were too many at once.",
                self.dropped.load(Ordering::Relaxed) as f64,
            ),
            (
                "ferrolite_dropped_spans",
                "Spans that the collector did not take in time.",
                behind.lost_spans as f64,
            ),
            ("ferrolite_requests_under_way", "Requests that are being answered.", gateway.under_way() as f64),
            ("ferrolite_uptime_seconds", "Seconds since the start.", gateway.begun.elapsed().as_secs_f64()),
        ];
        behind.metrics.text(&view, router.clock.now(), &more)
    }

    /// Begins the work of a gateway that serves. To be called within a tokio runtime.
    pub fn begin(self: &Arc<Self>, gateway: &Arc<Gateway>) -> Watch {
        let (observer, watched) = (self.clone(), gateway.clone());
        let work = move || {
            while !observer.is_stopping.load(Ordering::Relaxed) {
                std::thread::park_timeout(LOOK);
                drop(observer.look(&watched.running().router.view()));
            }
        };
        // Without a thread the metrics are there all the same, for who asks for them works off what waits.
        let thread = std::thread::Builder::new().name("ferrolite-observer".to_owned()).spawn(work).ok();
        let exporter = self.otlp.clone().map(|settings| tokio::spawn(otlp::export(self.clone(), settings)));
        Watch { observer: self.clone(), thread, exporter }
    }

    /// Spans that wait, at most so many.
    fn take_spans(&self, most: usize) -> Vec<Record> {
        let mut behind = self.behind();
        let count = behind.spans.len().min(most);
        behind.spans.drain(..count).collect()
    }

    fn lose_spans(&self, count: usize) {
        self.behind().lost_spans += count as u64;
    }
}

/// The work of an observer, until it is ended.
pub struct Watch {
    observer: Arc<Observer>,
    thread: Option<std::thread::JoinHandle<()>>,
    exporter: Option<tokio::task::JoinHandle<()>>,
}

/// How long a stopping gateway waits for its collector.
const LAST_EXPORT: Duration = Duration::from_secs(5);

impl Watch {
    /// Works off what is left: the log's lines, and what the collector takes within a few seconds.
    pub async fn end(self) {
        self.observer.is_stopping.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread {
            thread.thread().unpark();
            // A panic of the thread's has been reported by it.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        if let Some(exporter) = self.exporter {
            exporter.abort();
            if let Some(settings) = &self.observer.otlp
                && tokio::time::timeout(LAST_EXPORT, otlp::export_rest(&self.observer, settings))
                    .await
                    .is_err()
            {
                tracing::warn!("the collector of OpenTelemetry did not take the last spans in time");
            }
        }
        logs::flush();
    }
}
