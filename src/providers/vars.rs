//! Names in braces: parts of an address that differ from caller to caller, such as an account or a region.

use super::row::names_in;
use super::{Provider, Wanted};
use crate::config::Environment;
use crate::error::{Error, Result};

/// Where the names of one call get their values from.
pub struct Values<'a> {
    row: &'a Provider,
    wanted: &'a Wanted,
    model: &'a str,
    /// Of a call that is signed for one.
    region: Option<&'a str>,
    environment: &'a dyn Environment,
}

impl<'a> Values<'a> {
    pub fn of(
        row: &'a Provider,
        wanted: &'a Wanted,
        model: &'a str,
        region: Option<&'a str>,
        environment: &'a dyn Environment,
    ) -> Self {
        Self { row, wanted, model, region, environment }
    }

    /// The template with every name filled in; an error names what to set.
    pub fn fill(&self, template: &str) -> Result<String> {
        let mut filled = template.to_owned();
        for name in names_in(template) {
            filled = filled.replace(&format!("{{{name}}}"), &self.value(name)?);
        }
        Ok(filled)
    }

    fn value(&self, name: &str) -> Result<String> {
        if let ("region", Some(region)) = (name, self.region) {
            return Ok(region.to_owned());
        }
        if name == "model" {
            return Ok(in_path(self.model));
        }
        let Some(variable) = self.row.vars.get(name) else { return Ok(String::new()) };
        let given = variable.keyword.as_deref().and_then(|keyword| self.wanted.value(keyword));
        given
            .map(str::to_owned)
            .or_else(|| self.environment.first(&variable.env))
            .or_else(|| variable.default.clone())
            .ok_or_else(|| {
                Error::bad_request(format!(
                    "The address of '{}' has a part that differs for everyone: pass `api_base`, or set {} for '{name}'.",
                    self.row.name,
                    variable.env.join(" or ")
                ))
                .with_param("api_base")
            })
    }
}

/// A model's name in a path, of which its slashes are part.
fn in_path(model: &str) -> String {
    use crate::wires::bedrock::model::encoded;
    model.split('/').map(encoded).collect::<Vec<_>>().join("/")
}
