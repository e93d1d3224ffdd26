//! Manus: the model is the profile of an agent, and said as that, too.

use std::sync::Arc;

use crate::providers::Route;

pub fn adapt(route: &mut Route) {
    let model = route.target.model.clone();
    let defaults = &mut Arc::make_mut(&mut route.target.call_accent).defaults;
    defaults.insert("agent_profile".to_owned(), model.into());
}
