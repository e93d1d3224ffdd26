//! Which region a call goes to (BED-22).

use super::{Keywords, Profiles};
use crate::config::Environment;
use crate::error::{Error, Result};

const DEFAULT: &str = "us-west-2";
const VARIABLES: [&str; 3] = ["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"];

/// The keyword, what the model's name says, the environment, the profile, `us-west-2`: the first that is there.
pub fn region(keywords: &Keywords, of_model: Option<&str>, environment: &dyn Environment) -> Result<String> {
    let found = keywords
        .region_name
        .clone()
        .or_else(|| of_model.map(str::to_owned))
        .or_else(|| VARIABLES.iter().find_map(|name| environment.get(name)))
        .or_else(|| {
            let profile = keywords.profile_name(environment);
            Profiles::load(environment).get(profile.as_deref(), "region").map(str::to_owned)
        })
        .unwrap_or_else(|| DEFAULT.to_owned());
    if is_region(&found) {
        return Ok(found);
    }
    Err(Error::bad_request(format!(
        "Invalid AWS region '{found}': a region has lowercase letters, digits and hyphens, like 'us-east-1'."
    ))
    .with_param("aws_region_name"))
}

/// Whether a text may stand in a host name as a region.
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    text.len() <= 32
        && parts.clone().count() >= 2
        && parts.all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    struct Variables(&'static [(&'static str, &'static str)]);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn bed_22_the_order_of_regions() {
        const ALL: &[(&str, &str)] = &[
            ("AWS_REGION_NAME", "eu-west-1"),
            ("AWS_REGION", "eu-west-2"),
            ("AWS_DEFAULT_REGION", "eu-west-3"),
        ];
        let keywords = Keywords { region_name: Some("us-east-1".into()), ..Keywords::default() };
        let none = Keywords::default();
        let at = |keywords: &Keywords, of_model, from: &'static [_]| {
            region(keywords, of_model, &Variables(from)).unwrap()
        };
        assert_eq!(at(&keywords, Some("ap-south-1"), ALL), "us-east-1");
        assert_eq!(at(&none, Some("ap-south-1"), ALL), "ap-south-1");
        assert_eq!(at(&none, None, ALL), "eu-west-1");
        assert_eq!(at(&none, None, &ALL[1..]), "eu-west-2");
        assert_eq!(at(&none, None, &ALL[2..]), "eu-west-3");
        assert_eq!(at(&none, None, &[]), "us-west-2");
    }

    #[test]
    fn bed_22_a_region_that_is_none_never_gets_into_a_host_name() {
        for wrong in ["evil.com/x", "us-east-1.evil", "US-EAST-1", "us", "", "us--1", "a-b@c"] {
            let keywords = Keywords { region_name: Some(wrong.into()), ..Keywords::default() };
            let error = region(&keywords, None, &Variables(&[])).unwrap_err();
            assert_eq!(error.kind(), Kind::BadRequest, "{wrong}");
        }
        assert!(is_region("us-gov-west-1"));
    }
}
