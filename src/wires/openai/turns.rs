//! The verbs of a row that change messages: each in one function. What they mean is said in `hub::Accent`.

use std::borrow::Cow;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::accent::{Asides, reasoning_text};
use crate::hub::{Accent, Content, Flatten, Message, Part, PastReasoning, Role, Target};
use crate::json::{Map, spaced};

/// Applies the verbs to one message, before what is only ours is stripped.
pub fn apply(message: &mut Cow<'_, Message>, asides: &Asides, target: &Target) {
    let accent = &*target.accent;
    past_reasoning(message, asides, target);
    names(message, accent);
    if accent.cache_control_in_parts && message.cache_control.is_some() {
        mark_last_part(message.to_mut());
    }
    if accent.bare_file_ids {
        bare_file_ids(message);
    }
    if let Some(length) = accent.tool_id_length.filter(|_| target.options.modify_params) {
        tool_ids(message, length);
    }
}

/// Applies the verbs that look at all messages.
pub fn apply_all(messages: &mut Vec<Cow<'_, Message>>, asides: &Asides, accent: &Accent) {
    if accent.drops_empty {
        messages.retain(|message| !says_nothing(message));
    }
    if let Some(text) = asides.system {
        put_in_front(messages, text);
    }
    if accent.joins_systems {
        join_systems(messages);
    }
    if accent.splits_calls {
        split_calls(messages);
    }
    messages.extend(asides.messages.iter().cloned().map(Cow::Owned));
}

/// `past_reasoning`
fn past_reasoning(message: &mut Cow<'_, Message>, asides: &Asides, target: &Target) {
    if message.role != Role::Assistant {
        return;
    }
    match target.accent.past_reasoning {
        PastReasoning::Plain => {}
        PastReasoning::Drop => {
            if message.reasoning_content.is_some() {
                message.to_mut().reasoning_content = None;
            }
        }
        PastReasoning::Chunks => reasoning_chunks(message, target.facts.can("reasoning")),
        PastReasoning::Required => required_reasoning(message, asides, target),
    }
}

fn reasoning_chunks(message: &mut Cow<'_, Message>, takes_chunks: bool) {
    let Some(text) = reasoning_text(message) else { return };
    let message = message.to_mut();
    message.reasoning_content = None;
    if !takes_chunks {
        return;
    }
    let mut chunk = Map::new();
    chunk.insert("type".into(), "thinking".into());
    chunk.insert("thinking".into(), json!([{ "type": "text", "text": text }]));
    chunk.insert("closed".into(), Value::Bool(true));
    let mut parts = vec![Part::Other(chunk)];
    match message.content.take() {
        None => {}
        Some(Content::Text(text)) if text.is_empty() => {}
        Some(Content::Text(text)) => parts.push(Part::from_text(text)),
        Some(Content::Parts(rest)) => parts.extend(rest),
    }
    message.content = Some(Content::Parts(parts));
}

fn required_reasoning(message: &mut Cow<'_, Message>, asides: &Asides, target: &Target) {
    match asides.thinks {
        Some(false) => {
            if message.reasoning_content.is_some() {
                message.to_mut().reasoning_content = None;
            }
        }
        None if !target.facts.can("reasoning") => {}
        _ if message.tool_calls.is_empty() || message.reasoning_content.is_some() => {}
        _ => {
            let text = reasoning_text(message);
            if text.is_none() {
                tracing::warn!("an earlier answer with tool calls has lost its reasoning");
            }
            message.to_mut().reasoning_content = Some(text.unwrap_or_else(|| " ".to_owned()));
        }
    }
}

/// `keeps_names`
fn names(message: &mut Cow<'_, Message>, accent: &Accent) {
    let Some(roles) = &accent.keeps_names else { return };
    if message.name.is_some() && !roles.iter().any(|role| role == message.role.as_str()) {
        message.to_mut().name = None;
    }
}

/// `cache_control_in_parts`
fn mark_last_part(message: &mut Message) {
    let mark = message.cache_control.take();
    if let Some(Content::Text(text)) = &mut message.content {
        message.content = Some(Content::Parts(vec![Part::from_text(std::mem::take(text))]));
    }
    let Some(Content::Parts(parts)) = &mut message.content else { return };
    match (parts.last_mut(), mark) {
        (
            Some(
                Part::Text { cache_control, .. }
                | Part::ImageUrl { cache_control, .. }
                | Part::File { cache_control, .. },
            ),
            mark,
        ) => *cache_control = mark,
        (Some(Part::InputAudio { extra, .. } | Part::Other(extra)), Some(mark)) => {
            extra.insert("cache_control".into(), mark);
        }
        _ => {}
    }
}

/// `bare_file_ids`
fn bare_file_ids(message: &mut Cow<'_, Message>) {
    let is_id = |part: &Part| matches!(part, Part::File { file, .. } if file.contains_key("file_id"));
    if !message.content.as_ref().and_then(Content::parts).is_some_and(|parts| parts.iter().any(is_id)) {
        return;
    }
    let Some(Content::Parts(parts)) = &mut message.to_mut().content else { return };
    for part in parts {
        if let Part::File { file, .. } = part
            && let Some(id) = file.shift_remove("file_id")
        {
            let mut bare = Map::new();
            bare.insert("type".into(), "file".into());
            bare.insert("file_id".into(), id);
            *part = Part::Other(bare);
        }
    }
}

/// `tool_id_length`: call and result get the same id, because it is made of the old one.
fn tool_ids(message: &mut Cow<'_, Message>, length: usize) {
    let fits = |id: &str| id.len() == length && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let shorten = |id: &str| -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let digest = Sha256::digest(id.as_bytes());
        digest
            .iter()
            .take(length)
            .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
            .collect()
    };
    let foreign = |id: &Option<String>| id.as_deref().is_some_and(|id| !fits(id));
    if !foreign(&message.tool_call_id) && !message.tool_calls.iter().any(|call| foreign(&call.id)) {
        return;
    }
    let message = message.to_mut();
    for id in message.tool_calls.iter_mut().map(|call| &mut call.id).chain([&mut message.tool_call_id]) {
        if let Some(old) = id.as_deref().filter(|id| !fits(id)) {
            *id = Some(shorten(old));
        }
    }
}

/// `flatten`
pub fn flatten(message: &mut Cow<'_, Message>, rule: Flatten) {
    let Some(parts) = message.content.as_ref().and_then(Content::parts) else { return };
    // A mark that is sent needs a part to stand on.
    let plain = |part: &Part| matches!(part, Part::Text { cache_control: None, .. });
    let only_text = !parts.is_empty() && parts.iter().all(plain);
    let text = match rule {
        Flatten::SingleText if parts.len() == 1 && only_text => message.text().into_owned(),
        Flatten::Text if only_text => message.text().into_owned(),
        Flatten::Assistant if only_text && message.role == Role::Assistant => message.text().into_owned(),
        Flatten::ToolResults if message.role == Role::Tool && parts.len() == 1 && only_text => {
            message.text().into_owned()
        }
        // Several parts stay apart: the list itself becomes the text.
        Flatten::ToolResults if message.role == Role::Tool => {
            serde_json::to_value(parts).map(|list| spaced(&list)).unwrap_or_default()
        }
        _ => return,
    };
    message.to_mut().content = Some(Content::Text(text));
}

/// `drops_empty`
fn says_nothing(message: &Message) -> bool {
    let is_empty = match &message.content {
        None => message.role == Role::Assistant,
        Some(Content::Text(text)) => text.is_empty(),
        Some(Content::Parts(_)) => false,
    };
    is_empty
        && matches!(message.role, Role::User | Role::Assistant)
        && message.tool_calls.is_empty()
        && message.function_call.is_none()
}

/// Puts a text before the system message, or makes one of it.
fn put_in_front(messages: &mut Vec<Cow<'_, Message>>, text: &str) {
    let Some(first) = messages.first_mut().filter(|message| message.role == Role::System) else {
        messages.insert(0, Cow::Owned(Message::new(Role::System, text)));
        return;
    };
    match &mut first.to_mut().content {
        Some(Content::Parts(parts)) => parts.insert(0, Part::from_text(text)),
        Some(Content::Text(own)) => own.insert_str(0, &format!("{text}\n\n")),
        none @ None => *none = Some(Content::Text(text.to_owned())),
    }
}

/// `joins_systems`: those that follow each other.
fn join_systems(messages: &mut Vec<Cow<'_, Message>>) {
    let is_system = |message: &Message| message.role == Role::System;
    if !messages.windows(2).any(|pair| is_system(&pair[0]) && is_system(&pair[1])) {
        return;
    }
    for message in std::mem::take(messages) {
        match messages.last_mut() {
            Some(last) if is_system(last) && is_system(&message) => {
                let text = format!("{}\n\n{}", last.text(), message.text());
                last.to_mut().content = Some(Content::Text(text));
            }
            _ => messages.push(message),
        }
    }
}

/// `splits_calls`: each call in a message of its own, with the results right behind their calls.
fn split_calls(messages: &mut Vec<Cow<'_, Message>>) {
    for message in messages.iter_mut().filter(|message| !message.tool_calls.is_empty()) {
        if matches!(&message.content, Some(Content::Text(text)) if text.is_empty()) {
            message.to_mut().content = None;
        }
    }
    if !messages.iter().any(|message| message.tool_calls.len() > 1) {
        return;
    }
    let mut rest = std::mem::take(messages).into_iter().peekable();
    while let Some(message) = rest.next() {
        if message.tool_calls.len() < 2 {
            messages.push(message);
            continue;
        }
        let mut results = Vec::new();
        while let Some(result) = rest.next_if(|next| next.role == Role::Tool) {
            results.push(result);
        }
        let mut message = message.into_owned();
        for call in std::mem::take(&mut message.tool_calls) {
            let id = call.id.clone();
            let turn = Message { tool_calls: vec![call], ..message.clone() };
            messages.push(Cow::Owned(turn));
            // What the message says, it says once.
            message = Message::empty(Role::Assistant);
            let (own, others): (Vec<_>, Vec<_>) =
                results.into_iter().partition(|result: &Cow<'_, Message>| result.tool_call_id == id);
            messages.extend(own);
            results = others;
        }
        messages.extend(results);
    }
}
