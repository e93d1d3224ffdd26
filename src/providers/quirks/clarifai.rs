//! Clarifai: models are known by their address.

use crate::error::{Error, Result};
use crate::providers::Route;

/// `user.app.model` stands for the address of a model.
pub fn adapt(route: &mut Route) -> Result<()> {
    let model = &mut route.target.model;
    if model.starts_with("https://") {
        return Ok(());
    }
    let mut parts = model.splitn(3, '.');
    let (Some(user), Some(app), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Error::bad_request(format!(
            "Clarifai's models are named 'clarifai/user.app.model', or by their address; '{model}' is neither."
        ))
        .with_param("model"));
    };
    *model = format!("https://clarifai.com/{user}/{app}/models/{name}");
    Ok(())
}
