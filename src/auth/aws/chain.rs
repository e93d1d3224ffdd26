//! Where keys come from: the first of many places that has some.

use std::path::PathBuf;

use super::{Credentials, Metadata, MetadataSource, Profiles};
use crate::auth::Secret;
use crate::config::Environment;
use crate::error::{Error, Kind, Result};

/// Profiles may name each other as the source of a role; a chain longer than this is a circle.
const PROFILE_LIMIT: usize = 8;

/// What a caller said of AWS.
#[derive(Debug, Clone, Default)]
pub struct Keywords {
    pub access_key_id: Option<String>,
    pub secret_access_key: Option<Secret>,
    pub session_token: Option<Secret>,
    pub region_name: Option<String>,
    pub profile_name: Option<String>,
    pub role_name: Option<String>,
    pub session_name: Option<String>,
    pub external_id: Option<String>,
    pub web_identity_token: Option<Secret>,
    pub sts_endpoint: Option<String>,
    pub runtime_endpoint: Option<String>,
}

/// Keys, or what they are to be had for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Keys(Credentials),
    /// Another role, for the keys of `base`.
    Role {
        base: Box<Source>,
        role: Role,
    },
    /// A role, for a token of another identity provider.
    WebIdentity {
        token: Token,
        role: Role,
    },
    /// What the machine or the container is given.
    Metadata(MetadataSource),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub arn: String,
    pub session: String,
    pub external_id: Option<String>,
    /// Where the token service answers, without a trailing slash.
    pub sts: String,
}

/// A token of another identity provider; files are read when they are needed, since they are renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    Text(Secret),
    File(PathBuf),
}

impl Keywords {
    /// Reads the keywords by their names.
    pub fn read(mut text: impl FnMut(&str) -> Result<Option<String>>) -> Result<Self> {
        Ok(Self {
            access_key_id: text("aws_access_key_id")?,
            secret_access_key: text("aws_secret_access_key")?.map(Secret::new),
            session_token: text("aws_session_token")?.map(Secret::new),
            region_name: text("aws_region_name")?,
            profile_name: text("aws_profile_name")?,
            role_name: text("aws_role_name")?,
            session_name: text("aws_session_name")?,
            external_id: text("aws_external_id")?,
            web_identity_token: text("aws_web_identity_token")?.map(Secret::new),
            sts_endpoint: text("aws_sts_endpoint")?,
            runtime_endpoint: text("aws_bedrock_runtime_endpoint")?,
        })
    }

    pub fn profile_name(&self, environment: &dyn Environment) -> Option<String> {
        self.profile_name
            .clone()
            .or_else(|| ["AWS_PROFILE_NAME", "AWS_PROFILE"].iter().find_map(|name| environment.get(name)))
    }

    fn role(&self, arn: &str, region: &str, environment: &dyn Environment) -> Role {
        let session = self.session_name.clone().or_else(|| {
            ["AWS_SESSION_NAME", "AWS_ROLE_SESSION_NAME"].iter().find_map(|name| environment.get(name))
        });
        Role {
            arn: arn.to_owned(),
            session: session.unwrap_or_else(|| "ferrolite".to_owned()),
            external_id: self.external_id.clone().or_else(|| environment.get("AWS_EXTERNAL_ID")),
            sts: self.sts_endpoint.as_deref().map_or_else(
                || format!("https://sts.{region}.amazonaws.com"),
                |endpoint| endpoint.trim_end_matches('/').to_owned(),
            ),
        }
    }
}

impl Source {
    /// Keywords before the environment, the environment before files, files before the machine's own.
    pub fn find(keywords: &Keywords, region: &str, environment: &dyn Environment) -> Result<Self> {
        let role = keywords.role_name.clone().or_else(|| environment.get("AWS_ROLE_NAME"));
        if let Some(arn) = role {
            let role = keywords.role(&arn, region, environment);
            let token = keywords.web_identity_token.clone();
            if let Some(token) = token.or_else(|| environment.get("AWS_WEB_IDENTITY_TOKEN").map(Secret::new))
            {
                return Ok(Self::WebIdentity { token: Token::read(&token, environment)?, role });
            }
            let base = Box::new(Self::own(keywords, region, environment)?);
            return Ok(Self::Role { base, role });
        }
        Self::own(keywords, region, environment)
    }

    /// What must not be shown of it, as far as that is known before anything is fetched.
    pub fn secrets(&self, found: &mut Vec<Secret>) {
        match self {
            Self::Keys(keys) => found.extend(keys.secrets().cloned()),
            Self::Role { base, .. } => base.secrets(found),
            Self::WebIdentity { token: Token::Text(token), .. } => found.push(token.clone()),
            Self::Metadata(MetadataSource::Container { authorization, .. }) => {
                found.extend(authorization.clone());
            }
            Self::WebIdentity { token: Token::File(_), .. }
            | Self::Metadata(MetadataSource::Machine { .. }) => {}
        }
    }

    /// Without a role of the caller's.
    fn own(keywords: &Keywords, region: &str, environment: &dyn Environment) -> Result<Self> {
        if let (Some(id), Some(secret)) = (&keywords.access_key_id, &keywords.secret_access_key) {
            return Ok(Self::Keys(Credentials {
                access_key_id: id.clone(),
                secret_access_key: secret.clone(),
                session_token: keywords.session_token.clone(),
                expires: None,
            }));
        }
        if keywords.access_key_id.is_some() || keywords.secret_access_key.is_some() {
            let missing =
                if keywords.access_key_id.is_none() { "aws_access_key_id" } else { "aws_secret_access_key" };
            let what = format!("`{missing}` is missing: the two keys belong together.");
            return Err(Error::new(Kind::Authentication, what).with_param(missing));
        }
        if let Some(name) = &keywords.profile_name {
            return Self::profile(name, keywords, region, environment);
        }
        let keys = |id: &str, secret: &str, token: &str| {
            Some(Self::Keys(Credentials {
                access_key_id: environment.get(id)?,
                secret_access_key: Secret::new(environment.get(secret)?),
                session_token: environment.get(token).map(Secret::new),
                expires: None,
            }))
        };
        if let Some(found) = keys("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN") {
            return Ok(found);
        }
        if let (Some(arn), Some(file)) =
            (environment.get("AWS_ROLE_ARN"), environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"))
        {
            let role = keywords.role(&arn, region, environment);
            return Ok(Self::WebIdentity { token: Token::File(file.into()), role });
        }
        match keywords.profile_name(environment) {
            Some(name) => return Self::profile(&name, keywords, region, environment),
            None if Profiles::load(environment).contains("default") => {
                if let Ok(found) = Self::profile("default", keywords, region, environment) {
                    return Ok(found);
                }
            }
            None => {}
        }
        Metadata::find(environment).map(Self::Metadata).ok_or_else(nothing)
    }

    /// The keys of a profile, or its role.
    fn profile(name: &str, keywords: &Keywords, region: &str, environment: &dyn Environment) -> Result<Self> {
        let profiles = Profiles::load(environment);
        if !profiles.contains(name) {
            let what = format!("the AWS profile '{name}' is not in ~/.aws/config or ~/.aws/credentials");
            return Err(Error::new(Kind::Authentication, what).with_param("aws_profile_name"));
        }
        Self::of_profile(name, &profiles, keywords, region, environment, PROFILE_LIMIT)
    }

    fn of_profile(
        name: &str,
        profiles: &Profiles,
        keywords: &Keywords,
        region: &str,
        environment: &dyn Environment,
        left: usize,
    ) -> Result<Self> {
        let get = |key: &str| profiles.get(Some(name), key);
        let broken = |what: &str| {
            Error::new(Kind::Authentication, format!("the AWS profile '{name}' {what}"))
                .with_param("aws_profile_name")
        };
        let keys = match (get("aws_access_key_id"), get("aws_secret_access_key")) {
            (Some(id), Some(secret)) => Some(Self::Keys(Credentials {
                access_key_id: id.to_owned(),
                secret_access_key: Secret::new(secret),
                session_token: get("aws_session_token").map(Secret::new),
                expires: None,
            })),
            _ => None,
        };
        let Some(arn) = get("role_arn") else {
            return keys.ok_or_else(|| {
                let other = ["credential_process", "sso_session", "sso_start_url"];
                match other.into_iter().find(|key| get(key).is_some()) {
                    Some(key) => broken(&format!("has its keys from '{key}', which is not supported")),
                    None => broken("has no keys"),
                }
            });
        };
        let mut role = keywords.role(arn, region, environment);
        role.external_id = get("external_id").map(str::to_owned).or(role.external_id);
        if let Some(session) = get("role_session_name") {
            session.clone_into(&mut role.session);
        }
        if let Some(file) = get("web_identity_token_file") {
            return Ok(Self::WebIdentity { token: Token::File(file.into()), role });
        }
        let base = match (get("source_profile"), get("credential_source")) {
            (Some(_), _) if left == 0 => return Err(broken("has sources in a circle")),
            // A profile may be its own source: its keys then.
            (Some(source), _) if source == name => keys.ok_or_else(|| broken("has no keys"))?,
            (Some(source), _) => Self::of_profile(source, profiles, keywords, region, environment, left - 1)?,
            (None, Some("Environment")) => {
                let unnamed = Keywords { profile_name: None, ..Keywords::default() };
                Self::own(&unnamed, region, environment)?
            }
            (None, Some(_)) => Metadata::find(environment).map(Self::Metadata).ok_or_else(nothing)?,
            (None, None) => keys.ok_or_else(|| broken("has a role but no source of keys"))?,
        };
        Ok(Self::Role { base: Box::new(base), role })
    }
}

impl Token {
    /// A token itself, the path of a file, or `oidc/env/…` and `oidc/file/…` which name one.
    fn read(given: &Secret, environment: &dyn Environment) -> Result<Self> {
        let text = given.expose();
        if let Some(name) = text.strip_prefix("oidc/env/").or_else(|| text.strip_prefix("os.environ/")) {
            return environment.get(name).map(|token| Self::Text(Secret::new(token))).ok_or_else(|| {
                let what =
                    format!("the web identity token is to be in the variable {name}, which is not set");
                Error::new(Kind::Authentication, what).with_param("aws_web_identity_token")
            });
        }
        if let Some(path) = text.strip_prefix("oidc/file/").or_else(|| text.strip_prefix("oidc/env_path/")) {
            return Ok(Self::File(path.into()));
        }
        if text.starts_with('/') {
            return Ok(Self::File(text.into()));
        }
        Ok(Self::Text(given.clone()))
    }

    /// The token's text.
    pub fn load(&self) -> Result<Secret> {
        match self {
            Self::Text(token) => Ok(token.clone()),
            Self::File(path) => {
                std::fs::read_to_string(path).map(|text| Secret::new(text.trim())).map_err(|error| {
                    let what = format!("the web identity token cannot be read from '{}'", path.display());
                    Error::new(Kind::Authentication, what).with_source(error)
                })
            }
        }
    }
}

/// Nobody has keys.
pub(super) fn nothing() -> Error {
    Error::new(
        Kind::Authentication,
        "Unable to locate credentials. Pass `aws_access_key_id` and `aws_secret_access_key`, or `api_key`; or set \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or AWS_BEARER_TOKEN_BEDROCK.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Variables(Vec<(&'static str, String)>);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        }
    }

    fn keywords(pairs: &[(&str, &str)]) -> Keywords {
        Keywords::read(|name| {
            Ok(pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        })
        .unwrap()
    }

    fn id(source: &Source) -> &str {
        match source {
            Source::Keys(keys) => &keys.access_key_id,
            other => panic!("{other:?}"),
        }
    }

    fn find(pairs: &[(&str, &str)], variables: Vec<(&'static str, String)>) -> Result<Source> {
        Source::find(&keywords(pairs), "us-east-1", &Variables(variables))
    }

    fn no_machine() -> (&'static str, String) {
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned())
    }

    fn files(name: &str, config: &str, credentials: &str) -> Vec<(&'static str, String)> {
        let folder = std::env::temp_dir().join(format!("ferrolite-aws-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config"), config).unwrap();
        std::fs::write(folder.join("credentials"), credentials).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        vec![
            ("AWS_CONFIG_FILE", path("config")),
            ("AWS_SHARED_CREDENTIALS_FILE", path("credentials")),
            no_machine(),
        ]
    }

    const KEYS: &[(&str, &str)] = &[("aws_access_key_id", "AKW"), ("aws_secret_access_key", "s")];

    #[test]
    fn keywords_come_before_the_environment_and_take_nothing_from_it() {
        let variables = vec![
            ("AWS_ACCESS_KEY_ID", "AKE".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "s".to_owned()),
            ("AWS_SESSION_TOKEN", "of the other keys".to_owned()),
        ];
        let Source::Keys(keys) = find(KEYS, variables.clone()).unwrap() else { panic!("keys") };
        assert_eq!((keys.access_key_id.as_str(), keys.session_token), ("AKW", None));
        assert_eq!(id(&find(&[], variables).unwrap()), "AKE");
    }

    #[test]
    fn profiles_give_keys_or_roles() {
        let variables = files(
            "profiles",
            "[profile dev]\nrole_arn=arn:aws:iam::1:role/dev\nsource_profile=base\nexternal_id=x\n\
             [profile loop]\nrole_arn=r\nsource_profile=loop2\n[profile loop2]\nrole_arn=r\nsource_profile=loop\n\
             [profile sso]\nsso_session=y\n",
            "[default]\naws_access_key_id=AKD\naws_secret_access_key=s\n[base]\naws_access_key_id=AKB\naws_secret_access_key=s\n",
        );
        assert_eq!(id(&find(&[], variables.clone()).unwrap()), "AKD");
        assert_eq!(id(&find(&[("aws_profile_name", "base")], variables.clone()).unwrap()), "AKB");
        let Source::Role { base, role } = find(&[("aws_profile_name", "dev")], variables.clone()).unwrap()
        else {
            panic!("a role")
        };
        assert_eq!(id(&base), "AKB");
        assert_eq!((role.arn.as_str(), role.external_id.as_deref()), ("arn:aws:iam::1:role/dev", Some("x")));
        for (wrong, says) in [("loop", "circle"), ("sso", "sso_session"), ("nope", "'nope'")] {
            let error = find(&[("aws_profile_name", wrong)], variables.clone()).unwrap_err();
            assert_eq!(error.kind(), Kind::Authentication);
            assert!(error.message().contains(says), "{error}");
        }
    }

    #[test]
    fn roles_are_taken_with_keys_or_with_a_token() {
        let role = [KEYS, &[("aws_role_name", "arn:r"), ("aws_session_name", "me")]].concat();
        let Source::Role { base, role } = find(&role, vec![no_machine()]).unwrap() else { panic!("a role") };
        assert_eq!(id(&base), "AKW");
        assert_eq!((role.session.as_str(), role.sts.as_str()), ("me", "https://sts.us-east-1.amazonaws.com"));
        let web = [("aws_role_name", "arn:r"), ("aws_web_identity_token", "oidc/env/TOKEN")];
        let Source::WebIdentity { token, .. } = find(&web, vec![("TOKEN", "jwt".to_owned())]).unwrap() else {
            panic!("a web identity")
        };
        assert_eq!(token.load().unwrap().expose(), "jwt");
        assert!(find(&web, vec![]).unwrap_err().message().contains("TOKEN"));
        let of_pod = vec![
            ("AWS_ROLE_ARN", "arn:pod".to_owned()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token".to_owned()),
        ];
        let Source::WebIdentity { token, role } = find(&[], of_pod).unwrap() else {
            panic!("a web identity")
        };
        assert_eq!((token, role.arn.as_str()), (Token::File("/var/run/token".into()), "arn:pod"));
    }

    #[test]
    fn no_keys_at_all_say_what_to_set() {
        let error = find(&[], vec![no_machine()]).unwrap_err();
        assert_eq!(error.kind(), Kind::Authentication);
        assert!(error.message().contains("AWS_ACCESS_KEY_ID"), "{error}");
        assert!(matches!(find(&[], vec![]).unwrap(), Source::Metadata(_)), "the machine may have some");
    }

    #[test]
    fn bed_23_secrets_do_not_show() {
        let source = find(
            &[("aws_access_key_id", "AKW"), ("aws_secret_access_key", "hush"), ("aws_session_token", "hush")],
            vec![],
        );
        assert!(!format!("{source:?}").contains("hush"));
        let words = keywords(&[("aws_secret_access_key", "hush"), ("aws_web_identity_token", "hush")]);
        assert!(!format!("{words:?}").contains("hush"));
    }
}
