//! Fireworks: the short name of a model of theirs stands for its whole path.

use crate::hub::CallType;
use crate::providers::Route;

/// Names that say whose model or deployment they mean stay.
pub fn adapt(route: &mut Route) {
    let model = &mut route.target.model;
    match route.target.call_type {
        CallType::Chat => {}
        CallType::Rerank if !model.contains('/') => return model.insert_str(0, "fireworks/"),
        _ => return,
    }
    if !model.starts_with("accounts/") && !model.contains('#') {
        model.insert_str(0, "accounts/fireworks/models/");
    }
}
