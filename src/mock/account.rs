//! What OpenAI keeps for an account: files, batches that are worked off at once, and fine-tuning jobs that never begin.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::dialect::{Failure, JSON};
use super::endpoint::{Kept, Part};

/// The most that is kept; what was there first goes first.
const MAX_ITEMS: usize = 256;
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// All of one server, oldest first.
#[derive(Default)]
pub(super) struct Account {
    files: Vec<(Value, Bytes)>,
    batches: Vec<Value>,
    jobs: Vec<Value>,
}

/// A request about it.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) kept: Kept,
    pub(super) part: Part<'a>,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    /// Names what is made.
    pub(super) id: &'a str,
    pub(super) now: u64,
}

/// The answer to one line of a batch, for its address and its body: a status and what is said.
pub(super) type Answer<'a> = &'a dyn Fn(&str, &Value) -> (u16, Value);

type Reply = (HeaderValue, Bytes);

impl Account {
    pub(super) fn answer(&mut self, asked: &Asked<'_>, answer: Answer<'_>) -> Result<Reply, Failure> {
        let is_post = asked.method == Method::POST;
        match (asked.kept, asked.part) {
            (Kept::File, Part::All) if is_post => self.upload(asked),
            (Kept::Batch, Part::All) if is_post => self.begin(asked, answer),
            (Kept::FineTuningJob, Part::All) if is_post => self.tune(asked),
            (kept, Part::All) => Ok(json(&page(self.list(kept), asked.query))),
            (Kept::File, Part::Content(id)) => {
                let (_, content) = &self.files[self.place_of_file(id)?];
                Ok((HeaderValue::from_static("application/octet-stream"), content.clone()))
            }
            (Kept::File, Part::One(id)) if asked.method == Method::DELETE => {
                self.files.remove(self.place_of_file(id)?);
                Ok(json(&json!({ "id": id, "object": "file", "deleted": true })))
            }
            (kept, Part::One(id)) => {
                let found = self.list(kept).into_iter().find(|item| item["id"] == id).cloned();
                found.as_ref().map(json).ok_or_else(|| missing(id))
            }
            (kept, Part::Cancel(id)) => {
                let list = if kept == Kept::Batch { &mut self.batches } else { &mut self.jobs };
                let found = list.iter_mut().find(|item| item["id"] == id).ok_or_else(|| missing(id))?;
                if found["status"] != "completed" {
                    found["status"] = "cancelled".into();
                }
                Ok(json(found))
            }
            (_, Part::Content(id)) => Err(missing(id)),
        }
    }

    fn list(&self, kept: Kept) -> Vec<&Value> {
        match kept {
            Kept::File => self.files.iter().map(|(file, _)| file).collect(),
            Kept::Batch => self.batches.iter().collect(),
            Kept::FineTuningJob => self.jobs.iter().collect(),
        }
    }

    fn place_of_file(&self, id: &str) -> Result<usize, Failure> {
        self.files.iter().position(|(file, _)| file["id"] == id).ok_or_else(|| missing(id))
    }

    fn upload(&mut self, asked: &Asked<'_>) -> Result<Reply, Failure> {
        let form = form(asked.headers, asked.body).map_err(Failure::bad_request)?;
        let purpose = form.iter().find(|field| field.name == "purpose");
        let purpose = purpose.map(|field| String::from_utf8_lossy(&field.content).into_owned());
        let purpose = purpose.ok_or_else(|| Failure::bad_request("'purpose' is a required property"))?;
        let file = form.into_iter().find(|field| field.name == "file");
        let file = file.ok_or_else(|| Failure::bad_request("'file' is a required property"))?;
        let name = file.file.unwrap_or_else(|| "upload".to_owned());
        Ok(json(&self.keep(asked, "", &name, &purpose, file.content)))
    }

    fn keep(&mut self, asked: &Asked<'_>, mark: &str, name: &str, purpose: &str, content: Bytes) -> Value {
        let file = json!({
            "id": format!("file-{mark}{}", asked.id),
            "object": "file",
            "bytes": content.len(),
            "created_at": asked.now,
            "filename": name,
            "purpose": purpose,
            "status": "processed",
        });
        self.files.push((file.clone(), content));
        while self.files.len() > MAX_ITEMS
            || self.files.iter().map(|(_, content)| content.len()).sum::<usize>() > MAX_BYTES
        {
            self.files.remove(0);
        }
        file
    }

    /// A batch is over when the answer to its creation comes.
    fn begin(&mut self, asked: &Asked<'_>, answer: Answer<'_>) -> Result<Reply, Failure> {
        let body = super::routes::parse(asked.body)?;
        let wanted = |name: &str| {
            let missing = || Failure::bad_request(format!("'{name}' is a required property"));
            body[name].as_str().map(str::to_owned).ok_or_else(missing)
        };
        let (input, endpoint) = (wanted("input_file_id")?, wanted("endpoint")?);
        let input_place = self.place_of_file(&input)?;
        let content = self.files[input_place].1.clone();
        let (mut outputs, mut failures, mut total, mut failed) = (Vec::new(), Vec::new(), 0, 0_usize);
        for line in content.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
            total += 1;
            let line: Value = serde_json::from_slice(line).unwrap_or_default();
            let (status, said) = match line["body"] {
                Value::Object(_) => answer(line["url"].as_str().unwrap_or(&endpoint), &line["body"]),
                _ => (
                    400,
                    json!({ "error": { "message": "A line has no body.", "type": "invalid_request_error" } }),
                ),
            };
            let written = json!({
                "id": format!("batch_req_{}-{total}", asked.id),
                "custom_id": line["custom_id"],
                "response": { "status_code": status, "request_id": format!("req_{}-{total}", asked.id), "body": said },
                "error": null,
            });
            let out = if status < 400 { &mut outputs } else { &mut failures };
            failed += usize::from(status >= 400);
            out.extend_from_slice(written.to_string().as_bytes());
            out.push(b'\n');
        }
        let mut kept = |mark: &str, name: &str, content: Vec<u8>| {
            if content.is_empty() {
                return Value::Null;
            }
            self.keep(asked, mark, name, "batch_output", content.into())["id"].clone()
        };
        let output = kept("output-", "output.jsonl", outputs);
        let errors = kept("errors-", "errors.jsonl", failures);
        let batch = json!({
            "id": format!("batch_{}", asked.id),
            "object": "batch",
            "endpoint": endpoint,
            "errors": null,
            "input_file_id": input,
            "completion_window": body["completion_window"].as_str().unwrap_or("24h"),
            "status": "completed",
            "output_file_id": output,
            "error_file_id": errors,
            "created_at": asked.now,
            "in_progress_at": asked.now,
            "expires_at": asked.now + 24 * 3600,
            "finalizing_at": asked.now,
            "completed_at": asked.now,
            "failed_at": null,
            "expired_at": null,
            "cancelling_at": null,
            "cancelled_at": null,
            "request_counts": { "total": total, "completed": total - failed, "failed": failed },
            "metadata": body["metadata"],
        });
        push(&mut self.batches, batch.clone());
        Ok(json(&batch))
    }

    fn tune(&mut self, asked: &Asked<'_>) -> Result<Reply, Failure> {
        let body = super::routes::parse(asked.body)?;
        for name in ["model", "training_file"] {
            if !body[name].is_string() {
                return Err(Failure::bad_request(format!("'{name}' is a required property")));
            }
        }
        let mut job = Map::new();
        job.insert("id".into(), format!("ftjob-{}", asked.id).into());
        job.insert("object".into(), "fine_tuning.job".into());
        job.insert("created_at".into(), asked.now.into());
        job.insert("status".into(), "queued".into());
        job.insert("organization_id".into(), "org-mock".into());
        job.insert("result_files".into(), json!([]));
        for name in ["error", "fine_tuned_model", "finished_at", "trained_tokens"] {
            job.insert(name.into(), Value::Null);
        }
        let named =
            ["model", "training_file", "validation_file", "hyperparameters", "seed", "method", "metadata"];
        job.extend(named.into_iter().map(|name| (name.to_owned(), body[name].clone())));
        if body["hyperparameters"].as_object().is_none_or(Map::is_empty) {
            job.insert("hyperparameters".into(), json!({ "n_epochs": "auto" }));
        }
        push(&mut self.jobs, job.clone().into());
        Ok(json(&job.into()))
    }
}

fn push(list: &mut Vec<Value>, item: Value) {
    list.push(item);
    if list.len() > MAX_ITEMS {
        list.remove(0);
    }
}

fn json(value: &Value) -> Reply {
    (JSON, value.to_string().into())
}

fn missing(id: &str) -> Failure {
    Failure::new(StatusCode::NOT_FOUND, format!("No such object: {id}"))
}

/// The newest first, those of a purpose, after one of them, so many.
fn page(items: Vec<&Value>, query: &str) -> Value {
    let asked = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    };
    let (purpose, after) = (asked("purpose"), asked("after"));
    let limit = asked("limit").and_then(|limit| limit.parse().ok()).unwrap_or(20).clamp(1, 100);
    let mut rest: Vec<&Value> = items
        .into_iter()
        .rev()
        .filter(|item| purpose.as_deref().is_none_or(|purpose| item["purpose"] == purpose))
        .collect();
    if let Some(place) = after.and_then(|after| rest.iter().position(|item| item["id"] == after)) {
        rest.drain(..=place);
    }
    let has_more = rest.len() > limit;
    rest.truncate(limit);
    let id = |item: Option<&&Value>| item.map(|item| item["id"].clone());
    json!({
        "object": "list", "first_id": id(rest.first()), "last_id": id(rest.last()), "data": rest, "has_more": has_more,
    })
}

/// One field of a form.
struct Field {
    name: String,
    file: Option<String>,
    content: Bytes,
}

fn form(headers: &HeaderMap, body: &Bytes) -> Result<Vec<Field>, String> {
    let kind =
        headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = kind.strip_prefix("multipart/form-data").and_then(|rest| rest.split_once("boundary="));
    let (_, boundary) = boundary.ok_or("The body must be multipart/form-data with a boundary.")?;
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    let mark = format!("--{boundary}");
    let ends: Vec<usize> = memchr::memmem::find_iter(body, mark.as_bytes()).collect();
    let broken = "The form is broken.";
    let mut fields = Vec::new();
    for pair in ends.windows(2) {
        let part = body.slice(pair[0] + mark.len()..pair[1]);
        let split = memchr::memmem::find(&part, b"\r\n\r\n").ok_or(broken)?;
        let head = String::from_utf8_lossy(&part[..split]).into_owned();
        let content = part.slice(split + 4..part.len().saturating_sub(2).max(split + 4));
        let said = |name: &str| {
            let (_, rest) = head.split_once(&format!("{name}=\""))?;
            rest.split_once('"').map(|(value, _)| value.to_owned())
        };
        let name = said("; name").ok_or(broken)?;
        fields.push(Field { name, file: said("; filename"), content });
    }
    Ok(fields)
}
