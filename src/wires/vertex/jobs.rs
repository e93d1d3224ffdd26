//! Batch predictions and tuning jobs: both are started, asked for, listed and cancelled the same way.

use http::Method;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{CallRequest, CallResponse, CallType, Resource, Target};
use crate::json::{Map, str_at};
use crate::wires::calls::{self, CallWire};
use crate::wires::{HttpReply, Memo, Next, Prepared, gemini};

pub static JOBS: CallWire = CallWire {
    takes: |parameter, target| {
        target.call_type == CallType::CreateBatch && parameter != "output_expires_after"
            || matches!(parameter, "after" | "limit" | "model")
            || target.call_type == CallType::CreateFineTuningJob
                && matches!(parameter, "hyperparameters" | "suffix" | "training_file" | "validation_file")
    },
    encode,
    decode,
    next: Some(next),
    errors: gemini::ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let all = target.url("");
    match target.call_type {
        CallType::CreateBatch => start_batch(all, request),
        CallType::CreateFineTuningJob => calls::json_call(all, tuning(request)?, request, Memo::default()),
        CallType::ListBatches | CallType::ListFineTuningJobs => {
            let names = [("after", "pageToken"), ("limit", "pageSize")];
            Ok(calls::bare_call(Method::GET, calls::listed(&all, request, &names)))
        }
        call_type => {
            // The name of a job may have the whole path to it in front.
            let id = calls::id(request, target)?;
            let one = format!("{all}/{}", calls::segment(id.rsplit('/').next().unwrap_or(id)));
            if !matches!(call_type, CallType::CancelBatch | CallType::CancelFineTuningJob) {
                return Ok(calls::bare_call(Method::GET, one));
            }
            let mut memo = Memo::default();
            memo.notes.insert("then".into(), one.as_str().into());
            calls::json_call(format!("{one}:cancel"), Map::new(), request, memo)
        }
    }
}

/// Cancelling answers with nothing: the job is asked for. What an endpoint runs is asked for before its batch starts.
fn next(request: &CallRequest, reply: &HttpReply, memo: &mut Memo, target: &Target) -> Result<Option<Next>> {
    if let Some(Value::String(url)) = memo.notes.shift_remove("then") {
        return Ok(Some(Next::now(calls::get(url))));
    }
    let Some(Value::String(endpoint)) = memo.notes.shift_remove("endpoint") else { return Ok(None) };
    let answer = calls::json_object(reply)?;
    let model = answer.get("deployedModels").and_then(|models| models.get(0)?.get("model")?.as_str());
    let model = model.ok_or_else(|| {
        Error::bad_request(format!("The endpoint '{endpoint}' has no model that batches could run on."))
            .with_param("input_file_id")
    })?;
    let input = calls::text(request, "input_file_id")?;
    let body = prediction(request, input, folder(input).1, model);
    Ok(Some(Next::now(calls::json_call(target.url(""), body, request, Memo::default())?.call)))
}

/// A batch runs on the model that the name of its input says.
fn start_batch(all: String, request: &CallRequest) -> Result<Prepared> {
    let input = calls::text(request, "input_file_id")?;
    let (resource, folder) = folder(input);
    match resource {
        Some(("publishers", model)) => {
            let body = prediction(request, input, folder, model);
            calls::json_call(all, body, request, Memo::default())
        }
        Some((_, endpoint)) => {
            let root = all.trim_end_matches("/batchPredictionJobs");
            let mut prepared = calls::bare_call(Method::GET, format!("{root}/{endpoint}"));
            prepared.memo.notes.insert("endpoint".into(), endpoint.into());
            Ok(prepared)
        }
        None => Err(Error::bad_request(format!(
            "Invalid 'input_file_id': '{input}' does not say which model the batch is for. Upload the file with \
             `create_file`, or give it a name like \
             'gs://bucket/folder/publishers/google/models/gemini-2.0-flash/file.jsonl'."
        ))
        .with_param("input_file_id")),
    }
}

/// Which model a file's name says, as `publishers/…/models/…` or `endpoints/…`, and the name up to there.
fn folder(input: &str) -> (Option<(&'static str, &str)>, &str) {
    for (kind, parts) in [("publishers", 4), ("endpoints", 2)] {
        let Some(start) = input.find(&format!("/{kind}/")).map(|at| at + 1) else { continue };
        let mut ends = input[start..].match_indices('/').map(|(at, _)| start + at);
        // A file comes after it.
        let Some(end) = ends.nth(parts - 1) else { continue };
        let resource = &input[start..end];
        let is_model = kind == "endpoints" || resource.split('/').nth(2) == Some("models");
        if is_model && resource.split('/').all(|part| !part.is_empty()) {
            return (Some((kind, resource)), &input[..end]);
        }
    }
    (None, input)
}

fn prediction(request: &CallRequest, input: &str, folder: &str, model: &str) -> Map {
    let body = json!({
        "inputConfig": { "gcsSource": { "uris": [input] }, "instancesFormat": "jsonl" },
        "outputConfig": { "predictionsFormat": "jsonl", "gcsDestination": { "outputUriPrefix": folder } },
        "model": model,
        "displayName": format!("ferrolite-batch-{}", request.fresh_name),
    });
    if let Value::Object(body) = body { body } else { Map::new() }
}

fn tuning(request: &CallRequest) -> Result<Map> {
    let mut spec = Map::new();
    spec.insert("trainingDatasetUri".into(), calls::text(request, "training_file")?.into());
    if request.params.contains_key("validation_file") {
        spec.insert("validationDatasetUri".into(), calls::text(request, "validation_file")?.into());
    }
    if let Some(Value::Object(said)) = request.params.get("hyperparameters").filter(|said| !is_empty(said)) {
        let known = [
            ("n_epochs", "epochCount"),
            ("learning_rate_multiplier", "learningRateMultiplier"),
            ("adapter_size", "adapterSize"),
        ];
        let named = said.iter().map(|(name, value)| {
            let other =
                known.iter().find(|(ours, _)| ours == name).map_or(name.as_str(), |(_, theirs)| theirs);
            (other.to_owned(), value.clone())
        });
        spec.insert("hyperParameters".into(), named.collect::<Map>().into());
    }
    let mut body = Map::new();
    body.insert("baseModel".into(), calls::text(request, "model")?.into());
    body.insert("supervisedTuningSpec".into(), spec.into());
    if let Some(suffix) = request.params.get("suffix") {
        body.insert("tunedModelDisplayName".into(), suffix.clone());
    }
    let read = ["hyperparameters", "model", "suffix", "training_file", "validation_file"];
    let others = request.params.iter().filter(|(name, _)| !read.contains(&name.as_str()));
    body.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    Ok(body)
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty)
}

fn decode(reply: &HttpReply, _memo: &Memo, target: &Target) -> Result<CallResponse> {
    let answer = calls::json_object(reply)?;
    let (list, read): (_, fn(&Map) -> Option<Value>) = match target.call_type.resource() {
        Some(Resource::FineTuningJob) => ("tuningJobs", tuning_job),
        _ => ("batchPredictionJobs", batch),
    };
    if !matches!(target.call_type, CallType::ListBatches | CallType::ListFineTuningJobs) {
        return read(&answer).map(CallResponse::Json).ok_or_else(|| calls::unreadable(reply));
    }
    let found = answer.get(list).and_then(Value::as_array);
    let data: Vec<Value> = found.into_iter().flatten().filter_map(|one| read(one.as_object()?)).collect();
    Ok(calls::page_by_token(&data, &answer, "nextPageToken"))
}

fn batch(said: &Map) -> Option<Value> {
    let id = str_at(said, "name")?.rsplit('/').next()?;
    let at = |path: &str| {
        said.get(path.split('/').next()?).and_then(|value| value.pointer(&path[path.find('/')?..]))
    };
    let status = match str_at(said, "state").unwrap_or_default() {
        "JOB_STATE_QUEUED" | "JOB_STATE_PENDING" => "validating",
        "JOB_STATE_SUCCEEDED" | "JOB_STATE_PARTIALLY_SUCCEEDED" => "completed",
        "JOB_STATE_FAILED" | "JOB_STATE_UNSPECIFIED" => "failed",
        "JOB_STATE_CANCELLING" => "cancelling",
        "JOB_STATE_CANCELLED" => "cancelled",
        "JOB_STATE_EXPIRED" => "expired",
        _ => "in_progress",
    };
    let ended = |name: &str| if status == name { calls::moment(said, "endTime") } else { Value::Null };
    let output = at("outputInfo/gcsOutputDirectory").and_then(Value::as_str);
    let counts = said.get("completionStats").and_then(Value::as_object).map(|stats| {
        let (done, failed) =
            (calls::count(stats.get("successfulCount")), calls::count(stats.get("failedCount")));
        let left = stats.get("incompleteCount").filter(|left| left.as_str() != Some("-1"));
        json!({ "total": done + failed + calls::count(left), "completed": done, "failed": failed })
    });
    let error = said.get("error").and_then(Value::as_object).map(|error| {
        let code =
            error.get("code").map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned));
        json!({ "code": code, "message": error.get("message") })
    });
    let fields = [
        ("id", id.into()),
        ("endpoint", "".into()),
        ("errors", calls::batch_errors(error.as_slice())),
        ("input_file_id", at("inputConfig/gcsSource/uris/0").cloned().unwrap_or_else(|| "".into())),
        ("status", status.into()),
        ("output_file_id", output.map(|folder| format!("{folder}/predictions.jsonl")).into()),
        ("created_at", calls::moment(said, "createTime")),
        ("in_progress_at", calls::moment(said, "startTime")),
        ("completed_at", ended("completed")),
        ("failed_at", ended("failed")),
        ("expired_at", ended("expired")),
        ("cancelled_at", ended("cancelled")),
        ("request_counts", counts.unwrap_or_default()),
    ];
    Some(calls::batch(fields))
}

fn tuning_job(said: &Map) -> Option<Value> {
    let status = match str_at(said, "state").unwrap_or_default() {
        "JOB_STATE_QUEUED" | "JOB_STATE_PENDING" => "queued",
        "JOB_STATE_SUCCEEDED" | "JOB_STATE_PARTIALLY_SUCCEEDED" => "succeeded",
        "JOB_STATE_FAILED" | "JOB_STATE_EXPIRED" => "failed",
        "JOB_STATE_CANCELLING" | "JOB_STATE_CANCELLED" => "cancelled",
        _ => "running",
    };
    let spec = said.get("supervisedTuningSpec").cloned().unwrap_or_default();
    let size = &spec["hyperParameters"];
    let error = said.get("error").filter(|error| !is_empty(error));
    Some(json!({
        "id": str_at(said, "name")?,
        "object": "fine_tuning.job",
        "created_at": calls::moment(said, "createTime"),
        "finished_at": calls::moment(said, "endTime"),
        "error": error.map(|error| json!({ "code": error["code"].to_string(), "message": error["message"], "param": null })),
        "fine_tuned_model": said.get("tunedModel").and_then(|model| model.get("endpoint")).or(said.get("tunedModelDisplayName")),
        "hyperparameters": {
            "n_epochs": calls::count(size.get("epochCount")),
            "learning_rate_multiplier": size.get("learningRateMultiplier"),
            "batch_size": null,
        },
        "model": str_at(said, "baseModel").unwrap_or_default(),
        "organization_id": "",
        "result_files": [],
        "seed": 0,
        "status": status,
        "trained_tokens": null,
        "training_file": spec["trainingDatasetUri"].as_str().unwrap_or_default(),
        "validation_file": spec["validationDatasetUri"],
        "integrations": [],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_from_the_name_of_the_input() {
        assert_eq!(
            folder("gs://b/x/publishers/google/models/gemini-2.0-flash/in.jsonl"),
            (
                Some(("publishers", "publishers/google/models/gemini-2.0-flash")),
                "gs://b/x/publishers/google/models/gemini-2.0-flash"
            )
        );
        assert_eq!(
            folder("gs://b/endpoints/12/in.jsonl"),
            (Some(("endpoints", "endpoints/12")), "gs://b/endpoints/12")
        );
        for name in
            ["gs://b/in.jsonl", "gs://b/publishers/google/models/g", "gs://b/publishers/a/b/c/d", "", "//"]
        {
            assert_eq!(folder(name).0, None, "{name}");
        }
    }
}
