//! LangFlow: a flow is run with the last message of the user; what was said before is the flow's to remember.

use super::{COMMON, Format, Streams, Text};
use crate::hub::Role;

/// `/api/v1/run/{flow}`
pub const LANGFLOW: Text = Text(&Format {
    url: |target, _| format!("{}/api/v1/run/{}", target.base, target.model),
    prompt: "input_value",
    finish: |parts, request, _| {
        let last = request.messages.iter().rev().find(|message| message.role == Role::User);
        if let Some(message) = last.or(request.messages.last()) {
            parts.prompt = message.text().into();
        }
        for name in ["input_type", "output_type"] {
            parts.top.insert(name.to_owned(), "chat".into());
        }
    },
    streams: Streams::No,
    text: &[
        "/outputs/0/outputs/0/results/message/text",
        "/outputs/0/outputs/0/results/message/data/text",
        "/outputs/0/outputs/0/artifacts/message",
        "/outputs/0/outputs/0/messages/0/message",
    ],
    ..COMMON
});
