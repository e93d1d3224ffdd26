//! RAGFlow: which chat or agent answers is part of the path.

use crate::error::{Error, Result};
use crate::providers::Route;

/// `chat/<id>/<model>` and `agent/<id>/<model>`.
pub fn adapt(route: &mut Route) -> Result<()> {
    let model = route.target.model.clone();
    let mut parts = model.splitn(3, '/');
    let (kind, id, name) = match (parts.next(), parts.next(), parts.next()) {
        (Some("chat"), Some(id), Some(name)) => ("chats_openai", id, name),
        (Some("agent"), Some(id), Some(name)) => ("agents_openai", id, name),
        _ => {
            return Err(Error::bad_request(format!(
                "RAGFlow's models are named 'ragflow/chat/<id>/<model>' or 'ragflow/agent/<id>/<model>', not '{model}'."
            ))
            .with_param("model"));
        }
    };
    let target = &mut route.target;
    let root = target.base.strip_suffix("/api/v1").or_else(|| target.base.strip_suffix("/v1"));
    target.base = root.unwrap_or(&target.base).to_owned();
    target.path = Some(format!("/api/v1/{kind}/{id}/chat/completions").into());
    name.clone_into(&mut target.model);
    Ok(())
}
