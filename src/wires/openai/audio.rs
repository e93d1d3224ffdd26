//! Sound: heard (`/audio/transcriptions`) and spoken (`/audio/speech`).

use super::ERRORS;
use crate::error::{Error, Result};
use crate::hub::{CallRequest, Target};
use crate::wires::calls::{self, CallWire, Lists};
use crate::wires::{Memo, Prepared};

pub static TRANSCRIPTION: CallWire = CallWire {
    takes: |_, _| true,
    encode: transcription,
    decode: |reply, _, _| calls::transcript(reply),
    next: None,
    errors: ERRORS,
};

pub static SPEECH: CallWire = CallWire {
    takes: |_, _| true,
    encode: speech,
    decode: |reply, _, _| Ok(calls::bytes(reply)),
    next: None,
    errors: ERRORS,
};

fn transcription(request: &CallRequest, target: &Target) -> Result<Prepared> {
    calls::file(request)?;
    let fields = calls::form_fields(request, target);
    let url = target.url("/audio/transcriptions");
    let lists = if target.call_accent.plain_lists { Lists::Plain } else { Lists::Bracketed };
    Ok(calls::form(url, &fields, &request.files, lists, Memo::default()))
}

fn speech(request: &CallRequest, target: &Target) -> Result<Prepared> {
    if !request.params.contains_key("voice") {
        return Err(Error::bad_request("'voice' is missing: this provider has no voice of its own choice.")
            .with_param("voice"));
    }
    let body = calls::named_body(request, target);
    calls::json_call(target.url("/audio/speech"), body, request, Memo::default())
}
