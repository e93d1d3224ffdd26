//! Thought signatures: where they are kept, and which part each belongs to (GEM-07, GEM-10, GEM-11).

use serde_json::Value;

use super::parts::Part;
use crate::hub::{Message, ToolCall};
use crate::json::{Map, str_at};

/// Between a tool call's id and the thought signature that travels with it (GEM-07).
pub const SIGNATURE_MARK: &str = "__thought__";

/// An id and the signature behind it (GEM-07).
pub fn split_id(id: &str) -> (&str, Option<&str>) {
    match id.split_once(SIGNATURE_MARK) {
        Some((id, signature)) => (id, Some(signature).filter(|signature| !signature.is_empty())),
        None => (id, None),
    }
}

/// The signature in the fields of a call.
pub fn thought_signature(fields: &Map) -> Option<&str> {
    str_at(fields, "thought_signature").filter(|signature| !signature.is_empty())
}

/// The signature of a call, wherever the caller kept it.
pub fn signature_of(call: &ToolCall) -> Option<&str> {
    [&call.provider_specific_fields, &call.function.provider_specific_fields]
        .into_iter()
        .find_map(|fields| thought_signature(fields.as_ref()?))
        .or_else(|| split_id(call.id.as_deref()?).1)
        .or_else(|| {
            // Google's own OpenAI-compatible endpoint puts it here.
            call.extra.get("extra_content")?.get("google")?.get("thought_signature")?.as_str()
        })
}

/// The signatures of a message, and which of them have found their part. One that a call carries is not repeated
/// (GEM-10).
#[derive(Debug)]
pub struct Signatures<'a> {
    all: Vec<&'a str>,
    used: Vec<bool>,
    /// Where those of calls begin: what comes later is not the text's.
    calls_from: usize,
}

impl<'a> Signatures<'a> {
    pub fn of(message: &'a Message) -> Self {
        let fields = message.provider_specific_fields.as_ref();
        let listed = fields.and_then(|fields| fields.get("thought_signatures")).and_then(Value::as_array);
        let all: Vec<&str> = listed.into_iter().flatten().filter_map(Value::as_str).collect();
        let mut signatures = Self { used: vec![false; all.len()], calls_from: all.len(), all };
        let server_calls = message.provider_specific_fields.as_ref().map_or(&[][..], server_invocations);
        let on_server_calls =
            server_calls.iter().filter_map(|call| thought_signature(call.as_object()?)).collect::<Vec<_>>();
        for signature in message.tool_calls.iter().filter_map(signature_of).chain(on_server_calls) {
            if let Some(at) = signatures.take(signature) {
                signatures.calls_from = signatures.calls_from.min(at);
            }
        }
        signatures
    }

    /// Marks one and tells its place; `None` when it is not of this provider.
    fn take(&mut self, signature: &str) -> Option<usize> {
        let at = self.all.iter().zip(&self.used).position(|(known, used)| *known == signature && !used)?;
        *self.used.get_mut(at)? = true;
        Some(at)
    }

    /// The one that the text came with.
    pub fn of_text(&self) -> Option<&'a str> {
        let before_calls = self.all.iter().zip(&self.used).take(self.calls_from);
        before_calls.filter(|(_, used)| !**used).map(|(signature, _)| *signature).next()
    }
}

/// Thoughts go back as parts of their own; a signature stays on the thought it came with (GEM-11). Signatures that
/// another provider made are not sent.
pub fn thoughts<'a>(message: &'a Message, signatures: &mut Signatures<'a>) -> Vec<Part<'a>> {
    let mut signed = false;
    let mut out = Vec::new();
    for block in &message.thinking_blocks {
        let Some(text) = str_at(block, "thinking") else { continue };
        let signature = str_at(block, "signature").filter(|signature| signatures.take(signature).is_some());
        signed |= signature.is_some();
        if !text.is_empty() || signature.is_some() {
            out.push(Part::thought(text, signature));
        }
    }
    if signed {
        return out;
    }
    let reasoning = message.reasoning_content.as_deref().filter(|text| !text.is_empty());
    reasoning.map(|text| Part::thought(text, None)).into_iter().collect()
}

/// Calls of the provider's own tools, as an earlier answer told them.
pub fn server_invocations(fields: &Map) -> &[Value] {
    fields.get("server_side_tool_invocations").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
