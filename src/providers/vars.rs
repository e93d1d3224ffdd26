//! Names in braces: parts of an address that differ from caller to caller, such as an account or a region.

use std::collections::BTreeMap;

use super::row::names_in;
use super::{Provider, Wanted};
use crate::auth::Scheme;
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
        if name == "project" && self.row.auth == Scheme::Google {
            // Of the credentials, which may have to be asked.
            return Ok("{project}".to_owned());
        }
        if name == "model" {
            return Ok(in_path(self.model));
        }
        let Some(variable) = self.row.vars.get(name) else { return Ok(String::new()) };
        self.get(name).ok_or_else(|| {
            let keyword = variable.keyword.iter().map(|keyword| format!("pass `{keyword}`"));
            let how = keyword.chain([format!("set {}", variable.env.join(" or "))]);
            Error::bad_request(format!(
                "The address of '{}' has a part that differs for everyone: pass `api_base`, or {} for '{name}'.",
                self.row.name,
                how.collect::<Vec<_>>().join(" or ")
            ))
            .with_param("api_base")
        })
    }

    /// The value of a variable: the call's, the environment's, or the usual one.
    pub fn get(&self, name: &str) -> Option<String> {
        let variable = self.row.vars.get(name)?;
        self.given(name)
            .or_else(|| self.environment.first(&variable.env))
            .or_else(|| variable.default.clone())
    }

    /// The value that the call itself gives.
    pub fn given(&self, name: &str) -> Option<String> {
        let keyword = self.row.vars.get(name)?.keyword.as_deref()?;
        self.wanted.value(keyword).map(str::to_owned)
    }

    /// All that are no secrets, by name.
    pub fn public(&self) -> BTreeMap<String, String> {
        let names = self.row.vars.iter().filter(|(_, variable)| !variable.secret).map(|(name, _)| name);
        names.filter_map(|name| Some((name.clone(), self.get(name)?))).collect()
    }
}

/// A model's name in a path, of which its slashes are part.
fn in_path(model: &str) -> String {
    model.split('/').map(crate::address::segment).collect::<Vec<_>>().join("/")
}
