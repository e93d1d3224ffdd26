//! The gateway's log on stderr: a line for each request, and what the core has to say. Lines are JSON or plain text.
//!
//! One thread of the process writes; a line that finds its queue full is dropped and counted, since nobody is to wait
//! for a pipe that is not read. Lines have no texts of questions and answers, and no keys: an upstream's words about a
//! failed call, which may quote the question, are written at the level `debug` only.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::config::{Environment, parse_switch};
use crate::gateway::config::Config;
use crate::gateway::record::Record;
use crate::json::Map;

/// The most pieces of text that wait to be written.
const PIECES: usize = 1024;
/// How long the end of the process waits for a pipe.
const FLUSH: Duration = Duration::from_secs(1);

enum Piece {
    Text(Vec<u8>),
    /// Answered once all before it is written.
    Flush(SyncSender<()>),
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

fn writer() -> Option<&'static SyncSender<Piece>> {
    static WRITER: OnceLock<Option<SyncSender<Piece>>> = OnceLock::new();
    let start = || {
        let (send, receive) = sync_channel(PIECES);
        let work = move || {
            while let Ok(piece) = receive.recv() {
                match piece {
                    Piece::Text(text) => {
                        // Nobody is left to be told that stderr is closed.
                        let _ = std::io::stderr().write_all(&text);
                    }
                    Piece::Flush(done) => {
                        let _ = done.try_send(());
                    }
                }
            }
        };
        std::thread::Builder::new().name("ferrolite-log".to_owned()).spawn(work).ok()?;
        Some(send)
    };
    WRITER.get_or_init(start).as_ref()
}

/// Writes lines, unless too many wait already.
pub fn write(lines: Vec<u8>) {
    if writer().is_none_or(|writer| writer.try_send(Piece::Text(lines)).is_err()) {
        DROPPED.fetch_add(1, Ordering::Relaxed);
    }
}

/// Waits until all lines are written, for a moment.
pub fn flush() {
    let (send, receive) = sync_channel(1);
    if writer().is_some_and(|writer| writer.try_send(Piece::Flush(send)).is_ok()) {
        let _ = receive.recv_timeout(FLUSH);
    }
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logs {
    pub level: Level,
    pub is_json: bool,
}

impl Logs {
    /// The level of `FERROLITE_LOG` or `LITELLM_LOG`; without one, requests are logged where JSON is asked for, else
    /// warnings only.
    pub fn read(config: &Config, environment: &dyn Environment) -> Self {
        let switch = |value: &Value| value.as_bool().or_else(|| parse_switch(value.as_str()?));
        let of_config = config.hooks.settings.get("json_logs").and_then(switch);
        let format = environment.get("FERROLITE_LOG_FORMAT");
        let of_format = format.map(|format| format.eq_ignore_ascii_case("json"));
        let of_variable = || parse_switch(&environment.get("JSON_LOGS")?);
        let is_json = of_format.or(of_config).or_else(of_variable).unwrap_or(false);
        let of_command = config.hooks.settings.get("log_level").and_then(Value::as_str).map(str::to_owned);
        let level = of_command
            .or_else(|| environment.get("FERROLITE_LOG"))
            .or_else(|| environment.get("LITELLM_LOG"));
        let unsaid = if is_json { Level::INFO } else { Level::WARN };
        Self { level: level.and_then(|level| level_of(&level)).unwrap_or(unsaid), is_json }
    }

    /// The same where requests are logged.
    pub fn of_requests(config: &Config, environment: &dyn Environment) -> Option<Self> {
        let logs = Self::read(config, environment);
        (logs.level >= Level::INFO).then_some(logs)
    }

    /// The line of a request. Those about the gateway itself are noise unless they fail.
    pub fn line(&self, record: &Record, out: &mut Vec<u8>) {
        if !record.is_call && record.status < 400 && self.level < Level::DEBUG {
            return;
        }
        let level = if record.status >= 500 { Level::WARN } else { Level::INFO };
        let fields = fields(record);
        let line = self.written(level, "request", "ferrolite::request", record.came + record.total, &fields);
        out.extend_from_slice(line.as_bytes());
    }

    fn written(self, level: Level, message: &str, target: &str, time: SystemTime, fields: &Map) -> String {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let time = stamp(since);
        if self.is_json {
            let mut line = Map::new();
            line.insert("timestamp".to_owned(), time.into());
            line.insert("level".to_owned(), name(level).into());
            line.insert("message".to_owned(), message.into());
            line.insert("logger".to_owned(), target.into());
            line.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
            return format!("{}\n", Value::Object(line));
        }
        let mut line = format!("{time} {:7} {}", name(level), escaped(message));
        for (name, value) in fields {
            let _ = match value {
                Value::String(text) if is_word(text) => write!(line, " {name}={text}"),
                other => write!(line, " {name}={other}"),
            };
        }
        line.push('\n');
        line
    }
}

/// What a line says of a request. What is not known is left out.
fn fields(record: &Record) -> Map {
    let milliseconds = |time: Duration| json!((time.as_secs_f64() * 1e6).round() / 1e3);
    let text = |text: &str| if text.is_empty() { Value::Null } else { text.into() };
    let count = |count: u64| if count == 0 { Value::Null } else { count.into() };
    let all = [
        ("request_id", text(&record.id)),
        ("trace_id", record.trace.map_or(Value::Null, |(trace, _)| format!("{trace:032x}").into())),
        ("method", record.method.into()),
        ("route", text(record.route)),
        ("status", record.status.into()),
        ("call_type", record.call_type.map_or(Value::Null, |kind| kind.name().into())),
        ("model", text(&bounded(&record.model))),
        ("model_group", text(&record.group)),
        ("model_id", text(&record.deployment)),
        ("provider", text(&record.provider)),
        ("upstream_model", text(&bounded(&record.upstream_model))),
        ("input_tokens", count(record.tokens.input)),
        ("output_tokens", count(record.tokens.output)),
        ("cost", record.cost.map_or(Value::Null, Value::from)),
        ("duration_ms", milliseconds(record.total)),
        ("overhead_ms", record.overhead.map_or(Value::Null, milliseconds)),
        ("first_token_ms", record.first_token.map_or(Value::Null, milliseconds)),
        ("retries", count(record.retries.into())),
        ("fallbacks", count(record.fallbacks.into())),
        ("stream", if record.is_stream { true.into() } else { Value::Null }),
        ("cached", if record.is_cached { true.into() } else { Value::Null }),
        ("error", text(record.error_class())),
    ];
    let known = all.into_iter().filter(|(_, value)| !value.is_null());
    known.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The most of a client's own word that is logged, in characters.
const WORD: usize = 128;

fn bounded(text: &str) -> String {
    text.chars().take(WORD).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'=')
}

/// One line stays one, and a terminal is told nothing.
fn escaped(text: &str) -> String {
    if text.chars().any(char::is_control) { text.escape_debug().to_string() } else { text.to_owned() }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// A level by Python's names and tracing's.
fn level_of(name: &str) -> Option<Level> {
    Some(match name.trim().to_ascii_uppercase().as_str() {
        "TRACE" => Level::TRACE,
        "DEBUG" => Level::DEBUG,
        "INFO" => Level::INFO,
        "WARN" | "WARNING" => Level::WARN,
        "ERROR" | "CRITICAL" => Level::ERROR,
        _ => return None,
    })
}

const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";

/// A time as RFC 3339 writes it.
fn stamp(since: Duration) -> String {
    let text = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since);
    let milliseconds = since.subsec_millis();
    // "Sun, 06 Nov 1994 08:49:37 GMT"
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let month = MONTHS.find(part(8, 11)).map_or(0, |at| at / 3 + 1);
    format!("{}-{month:02}-{}T{}.{milliseconds:03}Z", part(12, 16), part(5, 7), part(17, 25))
}

/// Takes the core's own records for the process of a gateway: without Python, so that nothing waits for it.
pub struct ToStderr(Logs);

static INSTALLED: OnceLock<ToStderr> = OnceLock::new();

/// Writes the core's records from here on, for the process of a gateway.
pub fn install(logs: Logs) {
    // Both fail when that is done already, or when there is a subscriber that asks `installed` for itself.
    let _ = INSTALLED.set(ToStderr(logs));
    let _ = tracing::subscriber::set_global_default(ToStderr(logs));
    tracing::callsite::rebuild_interest_cache();
}

/// Who writes the core's records in place of Python.
pub fn installed() -> Option<&'static impl Subscriber> {
    INSTALLED.get()
}

impl Subscriber for ToStderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("ferrolite") && *metadata.level() <= self.0.level
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let target = event.metadata().target();
        // What is not about a call quotes no question.
        let is_quiet = self.0.level < Level::DEBUG && !target.starts_with("ferrolite::gateway::start");
        let mut line = Line { message: String::new(), fields: Map::new(), is_quiet };
        event.record(&mut line);
        let text =
            self.0.written(*event.metadata().level(), &line.message, target, SystemTime::now(), &line.fields);
        write(text.into_bytes());
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

struct Line {
    message: String,
    fields: Map,
    /// Errors are left out.
    is_quiet: bool,
}

impl Line {
    fn add(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        } else if !(self.is_quiet && field.name() == "error") {
            self.fields.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_rfc_3339() {
        assert_eq!(stamp(Duration::from_millis(784_111_777_042)), "1994-11-06T08:49:37.042Z");
    }

    #[test]
    fn a_line_is_one_line() {
        let fields = json!({ "model": "a\nb", "id": "x" }).as_object().cloned().unwrap();
        let plain = Logs { level: Level::INFO, is_json: false };
        let line = plain.written(Level::INFO, "one\ntwo", "t", SystemTime::UNIX_EPOCH, &fields);
        assert_eq!(line, "1970-01-01T00:00:00.000Z INFO    one\\ntwo model=\"a\\nb\" id=x\n");
        let json = Logs { is_json: true, ..plain };
        let line = json.written(Level::WARN, "one\ntwo", "t", SystemTime::UNIX_EPOCH, &fields);
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&read["level"], &read["message"], &read["model"]),
            (&json!("WARNING"), &json!("one\ntwo"), &json!("a\nb"))
        );
        assert_eq!(line.matches('\n').count(), 1);
    }
}
