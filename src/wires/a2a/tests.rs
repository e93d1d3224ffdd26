//! The conversation as a message, and the two generations of answers.
#![expect(clippy::needless_pass_by_value, reason = "tests pass `json!` values")]

use std::sync::Arc;

use serde_json::{Value, json};

use super::A2a;
use crate::error::{Error, Kind};
use crate::hub::{CallType, ChatRequest, ChatResponse, Collector, Deltas, ModelFacts, Options, Target};
use crate::wires::framing::Frame;
use crate::wires::{HttpReply, Memo, Seen, StreamWire, Wire, WireId};

fn target() -> Target {
    Target {
        provider: "a2a".into(),
        error_prefix: "A2aException".into(),
        wire: WireId::A2a,
        model: "agent".to_owned(),
        base: "https://agent.example".into(),
        path: None,
        stream_path: None,
        vars: [("message_id".to_owned(), "m-1".to_owned())].into(),
        facts: Arc::new(ModelFacts::default()),
        accent: Arc::default(),
        call_type: CallType::Chat,
        call_accent: Arc::default(),
        options: Options::default(),
    }
}

fn sent(request: Value) -> Result<Value, Error> {
    let Value::Object(map) = request else { panic!("not an object") };
    let call = A2a.encode(&ChatRequest::from_map(map).unwrap(), &target())?.call;
    assert_eq!(call.url, "https://agent.example");
    Ok(serde_json::from_slice(&call.body).unwrap())
}

fn reply(result: Value) -> HttpReply {
    let body = json!({ "jsonrpc": "2.0", "id": "1", "result": result }).to_string();
    HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.into() }
}

fn answer(result: Value) -> Result<ChatResponse, Error> {
    A2a.decode(&reply(result), &Memo::default(), &target())
}

fn text(result: Value) -> String {
    answer(result).unwrap().choices[0].message.content.clone().unwrap()
}

fn stream(results: &[Value]) -> Result<ChatResponse, Error> {
    let mut decoder = A2a.decoder(Memo::default(), &target());
    let mut deltas = Deltas::default();
    let mut seen = Seen::Known;
    for result in results {
        let data = json!({ "jsonrpc": "2.0", "id": "1", "result": result }).to_string();
        seen = decoder.frame(Frame { event: None, data: data.as_bytes() }, &mut deltas)?;
        if seen == Seen::Done {
            break;
        }
    }
    if seen != Seen::Done {
        decoder.end(&mut deltas)?;
    }
    let mut collector = Collector::new();
    deltas.0.into_iter().for_each(|delta| collector.add(delta));
    Ok(collector.finish())
}

fn status(state: &str, words: &str, last: bool) -> Value {
    let message = json!({ "role": "agent", "parts": [{ "kind": "text", "text": words }] });
    json!({ "kind": "status-update", "taskId": "t", "status": { "state": state, "message": message }, "final": last })
}

fn piece(words: &str) -> Value {
    json!({ "kind": "artifact-update", "taskId": "t", "artifact": { "parts": [{ "kind": "text", "text": words }] } })
}

#[test]
fn a_conversation_is_one_message() {
    let messages = json!([
        { "role": "system", "content": "Be brief." },
        { "role": "user", "content": [{ "type": "text", "text": "Hi" }] },
    ]);
    let body = sent(json!({ "messages": messages, "temperature": 0.5, "metadata_of_mine": 1 })).unwrap();
    assert_eq!(
        body,
        json!({
            "jsonrpc": "2.0", "id": "m-1", "method": "message/send",
            "params": {
                "message": {
                    "kind": "message", "role": "user", "messageId": "m-1",
                    "parts": [{ "kind": "text", "text": "system: Be brief.\nuser: Hi" }],
                },
                "configuration": { "blocking": true },
                "metadata_of_mine": 1,
            },
        })
    );
    let body = sent(json!({ "messages": messages, "stream": true })).unwrap();
    assert_eq!(body["method"], "message/stream");
    assert!(body["params"].get("configuration").is_none());
}

#[test]
fn an_image_is_refused_and_not_lost() {
    let part = json!({ "type": "image_url", "image_url": { "url": "https://x.example/a.png" } });
    let error = sent(json!({ "messages": [{ "role": "user", "content": [part] }] })).unwrap_err();
    assert_eq!(error.kind(), Kind::BadRequest);
}

#[test]
fn answers_of_both_generations_are_read() {
    let said = json!([{ "kind": "text", "text": "Hello" }, { "kind": "text", "text": "there" }]);
    assert_eq!(text(json!({ "kind": "message", "role": "agent", "parts": said })), "Hello there");
    assert_eq!(text(json!({ "message": { "role": "ROLE_AGENT", "parts": [{ "text": "new" }] } })), "new");
    let task =
        |state: &str| json!({ "id": "t", "status": { "state": state }, "artifacts": [{ "parts": said }] });
    assert_eq!(text(task("completed")), "Hello there");
    assert_eq!(text(json!({ "task": task("TASK_STATE_COMPLETED") })), "Hello there");
    assert_eq!(text(status("input-required", "Which one?", true)), "Which one?");
}

#[test]
fn a_task_that_failed_is_an_error() {
    for (state, kind) in [
        ("failed", Kind::InternalServer),
        ("TASK_STATE_CANCELED", Kind::InternalServer),
        ("rejected", Kind::BadRequest),
        ("auth-required", Kind::Authentication),
    ] {
        let error = answer(status(state, "no room", true)).unwrap_err();
        assert_eq!(error.kind(), kind, "{state}");
        assert!(error.message().contains("no room"), "{error}");
        assert_eq!(stream(&[piece("a"), status(state, "no room", true)]).unwrap_err().kind(), kind);
    }
    for (code, kind) in [(-32602, Kind::BadRequest), (-32001, Kind::NotFound), (-32603, Kind::InternalServer)]
    {
        let body = json!({ "error": { "code": code, "message": "no such task" } }).to_string();
        let reply = HttpReply { status: 200, headers: http::HeaderMap::new(), body: body.into() };
        let error = A2a.decode(&reply, &Memo::default(), &target()).unwrap_err();
        assert_eq!((error.kind(), error.message()), (kind, "A2A error: no such task"));
    }
}

#[test]
fn a_task_that_goes_on_is_asked_for() {
    let next =
        |result| A2a.next(&ChatRequest::default(), &reply(result), &mut Memo::default(), &target()).unwrap();
    let going = next(json!({ "kind": "task", "id": "t9", "status": { "state": "working" } })).unwrap();
    let body: Value = serde_json::from_slice(&going.call.body).unwrap();
    assert_eq!((&body["method"], &body["params"]["id"]), (&json!("tasks/get"), &json!("t9")));
    assert!(next(json!({ "kind": "task", "id": "t9", "status": { "state": "completed" } })).is_none());
    assert!(next(json!({ "kind": "message", "parts": [] })).is_none());
}

#[test]
fn str_14_a_stream_ends_with_its_task() {
    let going = status("working", "", false);
    let whole = stream(&[going.clone(), piece("One "), piece("two"), status("completed", "", true)]).unwrap();
    assert_eq!(whole.choices[0].message.content.as_deref(), Some("One two"));
    let task = json!({ "kind": "task", "id": "t", "status": { "state": "completed" },
        "artifacts": [{ "parts": [{ "text": "all" }] }] });
    // A task at the end repeats what came in pieces.
    assert_eq!(
        stream(&[piece("all"), task.clone()]).unwrap().choices[0].message.content.as_deref(),
        Some("all")
    );
    assert_eq!(stream(&[going, task]).unwrap().choices[0].message.content.as_deref(), Some("all"));
    let wrapped = json!({ "statusUpdate": { "status": { "state": "TASK_STATE_COMPLETED" }, "final": true } });
    assert!(stream(&[piece("a"), wrapped]).is_ok());
    assert_eq!(stream(&[piece("a")]).unwrap_err().kind(), Kind::Connection);
}

#[test]
fn what_a_task_says_of_its_work_hides_no_answer_and_no_question() {
    let said = |results: &[Value]| stream(results).unwrap().choices[0].message.content.clone().unwrap();
    let working = status("working", "Looking it up.", false);
    let task = json!({ "kind": "task", "id": "t", "status": { "state": "completed" },
        "artifacts": [{ "parts": [{ "text": "42" }] }] });
    assert_eq!(said(&[working.clone(), task.clone()]), "Looking it up.\n42");
    assert_eq!(said(&[working.clone(), status("completed", "42", true)]), "Looking it up.\n42");
    assert_eq!(said(&[working.clone(), piece("4"), piece("2"), task]), "Looking it up.\n42");
    let question = status("input-required", "Which one?", true);
    assert_eq!(said(&[working.clone(), question.clone()]), "Looking it up.\nWhich one?");
    assert_eq!(said(&[piece("Two"), question]), "Two\nWhich one?");
    // One that tells its answer while it works says it once.
    let told = [status("working", "4", false), status("working", "2", false)];
    assert_eq!(said(&[&told[..], &[status("completed", "42", true)]].concat()), "42");
    assert_eq!(said(&[working, status("completed", "Looking it up.", true)]), "Looking it up.");
    assert_eq!(said(&[piece("ha"), piece("ha"), status("completed", "Done.", true)]), "haha");
    let both = json!({ "kind": "task", "artifacts": [{ "parts": [{ "text": "Two" }] }], "status": {
        "state": "input-required", "message": { "parts": [{ "text": "Which one?" }] } } });
    assert_eq!(text(both), "Two\nWhich one?");
}
