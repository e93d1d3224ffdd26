//! `cache_control_injection_points`: marks put onto messages by position or role, so that a program need not.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{ChatRequest, Content, Message, Part, Role};
use crate::json::{Map, str_at};

pub fn inject(request: &mut ChatRequest, points: Option<&Value>) -> Result<()> {
    let Some(points) = points else { return Ok(()) };
    let wrong = || {
        Error::bad_request(
            "Invalid 'cache_control_injection_points': expected a list of objects with 'location' and 'index' or 'role'.",
        )
        .with_param("cache_control_injection_points")
    };
    for point in points.as_array().ok_or_else(wrong)? {
        let point = point.as_object().ok_or_else(wrong)?;
        let mark = point.get("control").cloned().unwrap_or_else(|| json!({ "type": "ephemeral" }));
        if str_at(point, "location") == Some("tool_config") {
            mark_last_tool(request, mark);
            continue;
        }
        for index in targets(point, &request.messages) {
            if let Some(message) = request.messages.get_mut(index) {
                set_mark(message, &mark);
            }
        }
    }
    Ok(())
}

/// The messages that a point means: one by index (from the end when negative), or all of a role.
fn targets(point: &Map, messages: &[Message]) -> Vec<usize> {
    let index = point.get("index").and_then(|index| match index {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    if let Some(index) = index {
        let count = i64::try_from(messages.len()).unwrap_or(i64::MAX);
        let at = if index < 0 { count + index } else { index };
        return usize::try_from(at).ok().filter(|at| *at < messages.len()).into_iter().collect();
    }
    let Some(role) = str_at(point, "role").map(Role::parse) else { return Vec::new() };
    messages.iter().enumerate().filter(|(_, message)| message.role == role).map(|(at, _)| at).collect()
}

/// A text is marked as a whole, a list on its last part.
fn set_mark(message: &mut Message, mark: &Value) {
    match &mut message.content {
        Some(Content::Parts(parts)) => match parts.last_mut() {
            Some(
                Part::Text { cache_control, .. }
                | Part::ImageUrl { cache_control, .. }
                | Part::File { cache_control, .. },
            ) => *cache_control = Some(mark.clone()),
            Some(Part::InputAudio { extra, .. } | Part::Other(extra)) => {
                extra.insert("cache_control".into(), mark.clone());
            }
            None => {}
        },
        _ => message.cache_control = Some(mark.clone()),
    }
}

fn mark_last_tool(request: &mut ChatRequest, mark: Value) {
    if let Some(Value::Array(tools)) = request.params.0.get_mut("tools")
        && let Some(Value::Object(tool)) = tools.last_mut()
    {
        tool.insert("cache_control".into(), mark);
    }
}
