//! Agent2Agent: every message has an id of its own, the same one when the call is repeated.

use crate::engine::new_uuid;
use crate::providers::Route;

pub fn adapt(route: &mut Route) {
    route.target.vars.insert("message_id".to_owned(), new_uuid());
}
