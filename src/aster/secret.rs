//! Secrets: read from the environment or a file it names, wiped when dropped, never printed.
//!
//! Knows no format: what a secret means is for [`sign`](super::sign) to say, which never quotes one in an error.

use std::fmt;
use zeroize::Zeroizing;

/// Longest secret file that is read, in bytes. A key is far shorter; anything longer is the wrong file.
const MAX_FILE: u64 = 16 * 1024;

/// A text that must not be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// A secret that could not be had. Says where it was looked for, never what was found.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither the variable nor its file variant is set.
    #[error("no secret: set {name}, or set {name}_FILE to the path of a file that holds it")]
    Missing {
        /// The variable.
        name: String,
    },
    /// Both are set, so it is not clear which is meant.
    #[error("both {name} and {name}_FILE are set: unset one of them")]
    Twice {
        /// The variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("{name}_FILE names `{path}`, which cannot be read: {cause}")]
    Unreadable {
        /// The variable.
        name: String,
        /// The file.
        path: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Nothing but white space, or much too long.
    #[error("{name} (or the file of {name}_FILE) is empty or too long to be a key")]
    NotASecret {
        /// The variable.
        name: String,
    },
}

impl Secret {
    /// Takes a text over; white space around it is not part of a secret.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self(Zeroizing::new(text.trim().to_owned()))
    }

    /// From the environment variable `name`, or the file that `name_FILE` names.
    ///
    /// # Errors
    /// Fails when neither or both are set, when the file cannot be read, and on an empty secret.
    pub fn from_environment(name: &str) -> Result<Self, SecretError> {
        Self::find(name, |variable| std::env::var(variable).ok())
    }

    /// As [`from_environment`](Self::from_environment) with another source of variables.
    ///
    /// # Errors
    /// The same.
    pub fn find(name: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SecretError> {
        let owned = || name.to_owned();
        let secret = match (lookup(name), lookup(&format!("{name}_FILE"))) {
            (Some(_), Some(_)) => return Err(SecretError::Twice { name: owned() }),
            (None, None) => return Err(SecretError::Missing { name: owned() }),
            (Some(text), None) => Self::new(text),
            (None, Some(path)) => {
                let unreadable = |cause| SecretError::Unreadable { name: owned(), path: path.clone(), cause };
                if std::fs::metadata(&path).map_err(unreadable)?.len() > MAX_FILE {
                    return Err(SecretError::NotASecret { name: owned() });
                }
                Self::new(std::fs::read_to_string(&path).map_err(unreadable)?)
            }
        };
        if secret.0.is_empty() || secret.0.len() as u64 > MAX_FILE {
            return Err(SecretError::NotASecret { name: owned() });
        }
        Ok(secret)
    }

    /// The text itself, for signing. Do not keep it, log it or put it into an error.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_secret_comes_from_the_variable_or_its_file_and_not_from_both() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"  from-file\n").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let direct = |name: &str| (name == "KEY").then(|| "direct".to_owned());
        let through = |name: &str| (name == "KEY_FILE").then(|| path.clone());
        assert_eq!(Secret::find("KEY", direct).unwrap().expose(), "direct");
        assert_eq!(Secret::find("KEY", through).unwrap().expose(), "from-file");
        assert!(matches!(Secret::find("KEY", |_| Some("x".to_owned())), Err(SecretError::Twice { .. })));
        assert!(matches!(Secret::find("KEY", |_| None), Err(SecretError::Missing { .. })));
        let empty = |name: &str| (name == "KEY").then(|| " \n".to_owned());
        assert!(matches!(Secret::find("KEY", empty), Err(SecretError::NotASecret { .. })));
        let nowhere = |name: &str| (name == "KEY_FILE").then(|| "/does/not/exist".to_owned());
        assert!(matches!(Secret::find("KEY", nowhere), Err(SecretError::Unreadable { .. })));
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("abc")), "[secret]");
    }
}
