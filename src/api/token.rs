//! The secret that every change needs: made or taken over at the start, compared in constant time,
//! written only to files that no one else can read. It is never printed by `Debug`, journaled or served.

use rand::TryRng;
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

/// The environment variable that sets the token.
pub const TOKEN_VARIABLE: &str = "SWARM_API_TOKEN";

/// A bearer token.
#[derive(Clone)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for a token: {0}; set {TOKEN_VARIABLE} instead")]
    NoRandomness(String),
    /// The token holds what an HTTP header cannot carry.
    #[error("the token in {0} must be printable ASCII without blanks")]
    NotPrintable(String),
    /// The file holds nothing.
    #[error("{0} is empty; expected a token")]
    Empty(PathBuf),
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Token {
    /// The token that the environment sets, else 32 random bytes in hex.
    pub fn from_environment() -> Result<Self, TokenError> {
        match Self::set_in_environment()? {
            Some(token) => Ok(token),
            None => Self::random(),
        }
    }

    /// The token that the environment sets, if any; blank is unset.
    pub fn set_in_environment() -> Result<Option<Self>, TokenError> {
        match std::env::var_os(TOKEN_VARIABLE) {
            None => Ok(None),
            Some(value) => {
                let value = value.into_string().map_err(|_| TokenError::NotPrintable(TOKEN_VARIABLE.into()))?;
                if value.trim().is_empty() {
                    return Ok(None);
                }
                Self::new(&value, TOKEN_VARIABLE).map(Some)
            }
        }
    }

    /// A new token.
    pub fn random() -> Result<Self, TokenError> {
        let mut bytes = [0u8; 32];
        rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|error| TokenError::NoRandomness(error.to_string()))?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// A token from a text; blanks around it are dropped. `place` is where it comes from, for the error.
    pub fn new(text: &str, place: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::NotPrintable(place.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The token in a file.
    pub fn read_file(path: &Path) -> Result<Self, TokenError> {
        let file_error = |source| TokenError::File { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(file_error)?;
        if text.trim().is_empty() {
            return Err(TokenError::Empty(path.to_owned()));
        }
        Self::new(&text, &path.display().to_string())
    }

    /// Writes the token to a new file that only its owner can read; one that is there is replaced, so
    /// that neither its permissions nor a link in its place are taken over. Directories are made.
    pub fn write_file(&self, path: &Path) -> Result<(), TokenError> {
        self.try_write(path).map_err(|source| TokenError::File { path: path.to_owned(), source })
    }

    fn try_write(&self, path: &Path) -> std::io::Result<()> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?.write_all(format!("{}\n", self.0).as_bytes())
    }

    /// Where `run` leaves the token for commands started in the same working directory.
    pub fn file_for_port(directory: &Path, port: u16) -> PathBuf {
        directory.join(".swarm").join(format!("api-{port}.token"))
    }

    /// Where `run` leaves the token in its state directory.
    pub fn file_in_state(state: &Path) -> PathBuf {
        state.join("api-token")
    }

    /// The secret itself: for the line that `run` prints and for the header that a client sends.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `other` is this token. Takes the same time wherever they differ.
    pub fn matches(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_tokens_are_64_hex_digits_and_differ() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert!(one.0.len() == 64 && one.0.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(one.matches(&one.0) && !one.matches(&other.0) && !one.matches(&one.0[..63]) && !one.matches(""));
        assert_eq!(format!("{one:?}"), "Token(..)");
    }

    #[test]
    fn what_a_header_cannot_carry_is_no_token() {
        assert!(Token::new(" abc\n", "here").unwrap().matches("abc"));
        for text in ["", "  ", "a b", "a\nb", "ü"] {
            assert!(Token::new(text, "here").is_err(), "{text:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only_whatever_was_there_before() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = Token::file_for_port(directory.path(), 8080);
        let elsewhere = directory.path().join("elsewhere");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&elsewhere, "untouched").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();

        let token = Token::random().unwrap();
        token.write_file(&path).unwrap();
        token.write_file(&path).unwrap();
        assert!(path.ends_with(".swarm/api-8080.token"));
        assert_eq!(std::fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "untouched");
        assert!(Token::read_file(&path).unwrap().matches(token.reveal()));
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(Token::read_file(&path), Err(TokenError::Empty(_))));
    }
}
