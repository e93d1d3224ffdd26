//! A conversation as one prompt for `/api/generate`, which knows neither messages nor tools.
//!
//! The headings and the way tools are told of are the reference's: models that are used through this endpoint have
//! been tried out with them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{calls, images, python};
use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Content, Message, Role, Target};
use crate::json::spaced;
use crate::wires::prompt;

const TOOLS: &str = "To call a function, reply with JSON ONLY in this format \
    {\"name\": \"function_name\", \"arguments\":{\"argument_name\": \"argument_value\"}}. Once a function result answers \
    the request, reply to the user in plain text instead of calling a function again. The following functions are \
    available to you:\n";

#[derive(Debug)]
pub struct Prompt {
    pub text: String,
    pub images: Vec<String>,
}

/// Whose words a section holds. Neighbours of one kind share a heading (GEN-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    System,
    Assistant,
}

impl Speaker {
    fn of(role: &Role) -> Option<Self> {
        match role {
            // Results of tools come from the user's side.
            Role::User | Role::Tool | Role::Function => Some(Self::User),
            Role::System | Role::Developer => Some(Self::System),
            Role::Assistant => Some(Self::Assistant),
            Role::Other(_) => None,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::User => "### User:\n",
            Self::System => "### System:\n",
            Self::Assistant => "### Assistant:\n",
        }
    }
}

pub fn encode(request: &ChatRequest, tools: &[Value], target: &Target) -> Result<Prompt> {
    let mut text = String::new();
    let mut pictures = Vec::new();
    let mut section: Option<(Speaker, String)> = None;
    let mut told = tools.is_empty();
    for (index, message) in request.messages.iter().enumerate() {
        let Some(speaker) = Speaker::of(&message.role) else {
            let what = format!(
                "Invalid 'messages[{index}].role': '{}' has no place in a prompt.",
                message.role.as_str()
            );
            return Err(Error::bad_request(what).with_param(format!("messages[{index}].role")));
        };
        pictures.extend(images::of_message(message, index, request, target)?);
        if section.as_ref().is_none_or(|(current, _)| *current != speaker) {
            close(section.take(), &mut text);
        }
        let (_, words) = section.get_or_insert_with(|| (speaker, String::new()));
        match speaker {
            Speaker::User => say(message, words),
            Speaker::System => {
                words.push_str(&message.text());
                if !tools.is_empty() {
                    words.push(' ');
                    tell_of(tools, words);
                    told = true;
                }
            }
            Speaker::Assistant => answer(message, index, words)?,
        }
    }
    close(section, &mut text);
    if !told {
        let mut words = String::new();
        tell_of(tools, &mut words);
        close(Some((Speaker::System, words)), &mut text);
    }
    if let Some(template) = &target.options.prompt_template {
        text = prompt::by_template(template, &request.messages)?;
    }
    Ok(Prompt { text, images: pictures })
}

fn close(section: Option<(Speaker, String)>, text: &mut String) {
    if let Some((speaker, words)) = section
        && !words.is_empty()
    {
        text.push_str(speaker.heading());
        text.push_str(&words);
        text.push_str("\n\n");
    }
}

/// Each text on lines of its own.
fn say(message: &Message, words: &mut String) {
    let mut add = |piece: &str| {
        if !piece.is_empty() {
            if !words.is_empty() {
                words.push('\n');
            }
            words.push_str(piece);
        }
    };
    match &message.content {
        None => {}
        Some(Content::Text(text)) => add(text),
        Some(Content::Parts(parts)) => parts.iter().filter_map(|part| part.text()).for_each(add),
    }
}

/// What the model said, and the calls it made in the form it is asked for.
fn answer(message: &Message, index: usize, words: &mut String) -> Result<()> {
    words.push_str(&message.text());
    for call in calls::of_message(message, index)? {
        if !words.is_empty() {
            words.push('\n');
        }
        let written = json!({ "name": call.name, "arguments": call.arguments });
        words.push_str(&python::ascii(&spaced(&written)));
    }
    Ok(())
}

fn tell_of(tools: &[Value], words: &mut String) {
    words.push_str(TOOLS);
    for tool in tools {
        // Writing to a string does not fail.
        let _ = writeln!(words, "{}\n", python::Literal(tool));
    }
    // One empty line between tools, none after the last.
    words.pop();
}
