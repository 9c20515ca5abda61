//! An account's keys as an operator gives them: in environment variables, or in files that these name, whose names
//! begin with the account's. `main-1` is `MAIN_1_PRIVATE_KEY` (and `MAIN_1_USER`, where the wallet signs for another
//! address), or `MAIN_1_API_KEY` and `MAIN_1_API_SECRET`. Shows no key to anybody.

use super::environment::{Scheme, Version};
use super::secret::{Secret, SecretError};
use super::sign::{Address, ApiKey, Credentials, KeySigner, Wallet, WalletSigner};

/// How late a V1 request may arrive.
const RECEIVE_WINDOW_MS: u32 = 5_000;

/// The keys of an account. Which kind there is decides the version of the API.
#[derive(Clone, Debug)]
pub enum Keys {
    /// A wallet: V3.
    Wallet {
        /// Signs.
        wallet: Wallet,
        /// Address of the account, where it is not the wallet's own.
        user: Option<Address>,
    },
    /// An API key: V1.
    Key(ApiKey),
}

/// Keys that could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There are none.
    #[error(
        "account `{account}` has no keys: set {prefix}_PRIVATE_KEY (and {prefix}_USER, where it signs for another \
         address), or {prefix}_API_KEY and {prefix}_API_SECRET; {prefix}_PRIVATE_KEY_FILE and so on name files instead"
    )]
    None {
        /// The account.
        account: String,
        /// What the variables begin with.
        prefix: String,
    },
    /// Keys of both kinds.
    #[error("account `{account}` has both {prefix}_PRIVATE_KEY and {prefix}_API_KEY: unset one of them")]
    Both {
        /// The account.
        account: String,
        /// What the variables begin with.
        prefix: String,
    },
    /// A variable or file that cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Something that is not what its name says.
    #[error("{name}: {why}")]
    Malformed {
        /// The variable.
        name: String,
        /// What is wrong, without the value.
        why: String,
    },
}

/// What the names of an account's variables begin with.
pub fn prefix(account: &str) -> String {
    account
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}

impl Keys {
    /// From this process's environment.
    ///
    /// # Errors
    /// Fails when there are none, and when they are not what they should be.
    pub fn from_environment(account: &str) -> Result<Self, KeysError> {
        Self::find(account, |name| std::env::var(name).ok())
    }

    /// As [`from_environment`](Self::from_environment) with another source of variables.
    ///
    /// # Errors
    /// The same.
    pub fn find(account: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, KeysError> {
        let prefix = prefix(account);
        let name = |what: &str| format!("{prefix}_{what}");
        let is_set = |name: &str| lookup(name).is_some() || lookup(&format!("{name}_FILE")).is_some();
        let malformed = |name: &str, why: String| KeysError::Malformed { name: name.to_owned(), why };
        let (private, key) = (name("PRIVATE_KEY"), name("API_KEY"));
        match (is_set(&private), is_set(&key)) {
            (true, true) => Err(KeysError::Both { account: account.to_owned(), prefix }),
            (false, false) => Err(KeysError::None { account: account.to_owned(), prefix }),
            (true, false) => {
                let wallet = Wallet::new(&Secret::find(&private, &lookup)?);
                let wallet = wallet.map_err(|error| malformed(&private, error.to_string()))?;
                let user = name("USER");
                let address = lookup(&user).map(|text| text.trim().parse::<Address>()).transpose();
                // Whoever mixes the variables up must not read the key in a log.
                let wrong = "it is no address: expected 0x and 40 hex digits";
                let address = address.map_err(|_| malformed(&user, wrong.to_owned()))?;
                Ok(Self::Wallet { wallet, user: address })
            }
            (false, true) => {
                let secret = Secret::find(&name("API_SECRET"), &lookup)?;
                Ok(Self::Key(ApiKey::new(Secret::find(&key, &lookup)?, &secret)))
            }
        }
    }

    /// The version of the API that these are for.
    pub const fn version(&self) -> Version {
        match self {
            Self::Wallet { .. } => Version::V3,
            Self::Key(_) => Version::V1,
        }
    }

    /// What signs with these under a scheme of their version.
    pub fn credentials(self, scheme: Scheme) -> Credentials {
        match (self, scheme) {
            (Self::Wallet { wallet, user }, Scheme::V3 { chain_id }) => {
                Credentials::Wallet(WalletSigner::new(wallet, user, chain_id))
            }
            // A client refuses credentials that do not fit its environment.
            (Self::Wallet { wallet, user }, Scheme::V1) => Credentials::Wallet(WalletSigner::new(wallet, user, 0)),
            (Self::Key(key), _) => Credentials::Key(KeySigner::new(key, RECEIVE_WINDOW_MS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)]) -> Result<Keys, KeysError> {
        let known =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Keys::find("main-1", known)
    }

    const ONE: &str = "0x0101010101010101010101010101010101010101010101010101010101010101";
    const ADDRESS: &str = "0x1a642f0e3c3af545e7acbd38b07251b3990914f1";

    #[test]
    fn what_there_is_decides_the_version() {
        let wallet = find(&[("MAIN_1_PRIVATE_KEY", ONE), ("MAIN_1_USER", ADDRESS)]).unwrap();
        assert_eq!(wallet.version(), Version::V3);
        let credentials = wallet.credentials(Scheme::V3 { chain_id: 714 });
        assert!(credentials.fit(Scheme::V3 { chain_id: 714 }).is_ok());
        let key = find(&[("MAIN_1_API_KEY", "paper-1"), ("MAIN_1_API_SECRET", "paper-1-secret")]).unwrap();
        assert_eq!(key.version(), Version::V1);
        assert!(key.credentials(Scheme::V1).fit(Scheme::V1).is_ok());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_and_never_shown() {
        let check = |variables: &[(&str, &str)], says: &str| {
            let message = find(variables).unwrap_err().to_string();
            assert!(message.contains(says) && !message.contains("hush"), "{message}");
        };
        check(&[], "MAIN_1_PRIVATE_KEY");
        check(&[("MAIN_1_PRIVATE_KEY", ONE), ("MAIN_1_API_KEY", "hush")], "unset one");
        check(&[("MAIN_1_PRIVATE_KEY", "hush")], "MAIN_1_PRIVATE_KEY:");
        check(&[("MAIN_1_PRIVATE_KEY", ONE), ("MAIN_1_USER", "hush")], "MAIN_1_USER:");
        check(&[("MAIN_1_API_KEY", "hush")], "MAIN_1_API_SECRET");
        check(&[("MAIN_1_PRIVATE_KEY_FILE", "/nowhere/at-all")], "cannot be read");
    }
}
