//! What a single provider does and no key of a row can say: one file each, named in the row.

mod azure_ai;
mod clarifai;
mod fireworks;
mod huggingface;
mod ragflow;
mod snowflake;

use serde::Deserialize;

use super::Route;
use crate::error::Result;
use crate::models;

/// The hooks that rows may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    AzureAi,
    Clarifai,
    Fireworks,
    Huggingface,
    Ragflow,
    Snowflake,
}

impl Quirk {
    /// Changes a route that is otherwise ready.
    pub fn adapt(self, route: &mut Route) -> Result<()> {
        match self {
            Self::AzureAi => azure_ai::adapt(route),
            Self::Clarifai => clarifai::adapt(route)?,
            Self::Fireworks => fireworks::adapt(route),
            Self::Huggingface => huggingface::adapt(route),
            Self::Ragflow => ragflow::adapt(route)?,
            Self::Snowflake => snowflake::adapt(route),
        }
        let target = &mut route.target;
        if target.facts.key.is_none() {
            // The model may have got the name under which it is listed.
            target.facts = models::facts(&target.provider, &target.model);
        }
        Ok(())
    }
}
