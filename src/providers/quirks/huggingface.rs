//! Hugging Face: the router takes the host that runs a model behind the model's name.

use crate::hub::CallType;
use crate::providers::Route;

/// `host/owner/model` is `owner/model:host` to the router; an endpoint of the caller's knows its own names.
pub fn adapt(route: &mut Route) {
    if route.target.call_type == CallType::Embedding && Some(&route.target.base) != route.row.base.as_ref() {
        // A server of the caller's is asked at the very address.
        route.target.path = None;
    }
    if route.target.call_type != CallType::Chat || Some(&route.target.base) != route.row.base.as_ref() {
        return;
    }
    let mut parts = route.target.model.splitn(3, '/');
    if let (Some(host), Some(owner), Some(name)) = (parts.next(), parts.next(), parts.next()) {
        route.target.model = format!("{owner}/{name}:{host}");
    }
}
