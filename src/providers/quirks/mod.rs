//! What a single provider does and no key of a row can say: one file each, named in the row.

mod azure;
mod azure_ai;
mod clarifai;
mod fireworks;
mod huggingface;
mod manus;
mod ragflow;
mod snowflake;

use serde::Deserialize;

use super::{Provider, Route, Wanted};
use crate::config::Environment;
use crate::error::Result;
use crate::models;

/// The hooks that rows may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quirk {
    A2a,
    Azure,
    AzureAi,
    Clarifai,
    Fireworks,
    Huggingface,
    Manus,
    Ragflow,
    Snowflake,
}

impl Quirk {
    /// Another provider that serves what is wanted.
    pub fn redirected(
        self,
        wanted: &Wanted,
        model: &str,
        row: &Provider,
        environment: &dyn Environment,
    ) -> Option<Wanted> {
        match self {
            Self::AzureAi => azure_ai::redirected(wanted, model, row, environment),
            _ => None,
        }
    }

    /// Changes a route that is otherwise ready.
    pub fn adapt(self, route: &mut Route, base_model: Option<&str>) -> Result<()> {
        match self {
            // Its messages are marked: see `Route::mark`.
            Self::A2a => {}
            Self::Azure => azure::adapt(route, base_model),
            Self::AzureAi => azure_ai::adapt(route),
            Self::Clarifai => clarifai::adapt(route)?,
            Self::Fireworks => fireworks::adapt(route),
            Self::Huggingface => huggingface::adapt(route),
            Self::Manus => manus::adapt(route),
            Self::Ragflow => ragflow::adapt(route)?,
            Self::Snowflake => snowflake::adapt(route),
        }
        let target = &mut route.target;
        if target.facts.key.is_none() && target.facts.base_model.is_none() {
            // The model may have got the name under which it is listed.
            target.facts = models::facts(&target.provider, &target.model);
        }
        Ok(())
    }
}
