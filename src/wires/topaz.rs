//! Topaz: an image, enhanced.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::calls::{self, CallWire};
use super::openai;
use super::{HttpReply, Memo, Prepared};
use crate::error::Result;
use crate::hub::{CallRequest, CallResponse, Target, Upload};

pub static VARIATION: CallWire = CallWire {
    takes: |parameter, _| matches!(parameter, "n" | "response_format" | "size"),
    encode,
    decode,
    next: None,
    errors: openai::ERRORS,
};

fn encode(request: &CallRequest, target: &Target) -> Result<Prepared> {
    let mut fields = calls::form_fields(request, target);
    // One image, as data: whatever OpenAI's interface says by default.
    for name in ["n", "response_format", "size"] {
        fields.shift_remove(name);
    }
    if let Some((width, height)) = calls::size(request) {
        fields.insert("output_width".to_owned(), width.into());
        fields.insert("output_height".to_owned(), height.into());
    }
    let file = calls::file(request)?;
    let file = Upload { field: "image".to_owned(), ..file.clone() };
    Ok(calls::form_call(target.url("/image/v1/enhance"), &fields, &[file], Memo::default()))
}

fn decode(reply: &HttpReply, _memo: &Memo, _target: &Target) -> Result<CallResponse> {
    if reply.body.is_empty() {
        return Err(calls::unreadable(reply));
    }
    Ok(calls::images(vec![json!({ "b64_json": STANDARD.encode(&reply.body) })], None))
}
