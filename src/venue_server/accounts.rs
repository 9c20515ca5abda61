//! Who may trade here: wallets, signers and keys with what they begin with. Knows no request.

use crate::aster::secret::Secret;
use crate::aster::sign::{Address, ApiKey, Wallet};
use serde::Deserialize;
use swarm_core::model::Usd;

/// Accounts served at most.
const MAX_ACCOUNTS: usize = 256;

/// An account as it begins.
#[derive(Clone)]
pub struct AccountSpec {
    /// Its name, for people.
    pub name: String,
    /// Wallet at the start, in USDT.
    pub balance: Usd,
    /// Address of the wallet that owns it.
    pub user: Address,
    /// Addresses whose keys may sign for it, the user's own among them where it may.
    pub signers: Vec<Address>,
    /// Its V1 key.
    pub key: ApiKey,
    /// Name of the account it is a sub-account of.
    pub parent: Option<String>,
}

/// A list of accounts that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// Not the format.
    #[error("the accounts cannot be read: {0}")]
    Format(String),
    /// None, or too many.
    #[error("give between 1 and {MAX_ACCOUNTS} accounts, not {0}")]
    Count(usize),
    /// Not an address.
    #[error("account `{account}`: {error}")]
    Address {
        /// Which account.
        account: String,
        /// What is wrong.
        error: String,
    },
    /// Shared where it must be one account's own.
    #[error("account `{0}` shares its name, signer or API key with an earlier one")]
    Shared(String),
    /// Not the name of an account of the list that is a main one itself.
    #[error("account `{0}`: `parent` must name an account of this list that has no parent itself")]
    Parent(String),
    /// Negative, or more than is exact.
    #[error("account `{0}`: the balance must be between 0 and 1,000,000,000 USDT")]
    Balance(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    accounts: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    balance: Usd,
    user: String,
    #[serde(default)]
    signers: Vec<String>,
    api_key: String,
    api_secret: String,
    #[serde(default)]
    parent: Option<String>,
}

/// Three accounts of 10,000 USDT. Their keys are public knowledge and good for nothing but play: V3 keys of 32 bytes
/// of 1, 2 and 3, V1 keys `paper-1` to `paper-3` with secrets `paper-1-secret` to `paper-3-secret`.
pub fn default_accounts() -> Vec<AccountSpec> {
    (1u8..=3)
        .map(|number| {
            let wallet = Wallet::new(&Secret::new(format!("{number:02x}").repeat(32)))
                .expect("invariant: small numbers are private keys");
            let name = format!("paper-{number}");
            let key = ApiKey::new(Secret::new(name.clone()), &Secret::new(format!("{name}-secret")));
            let user = wallet.address();
            AccountSpec { name, balance: Usd::whole(10_000), user, signers: vec![user], key, parent: None }
        })
        .collect()
}

/// Accounts from YAML (or JSON): `accounts`, a list of name, balance, user, signers (default: the user), api_key,
/// api_secret, and the parent of a sub-account.
///
/// # Errors
/// Says which account is wrong, and how.
pub fn read_accounts(text: &str) -> Result<Vec<AccountSpec>, AccountsError> {
    let file: File = serde_saphyr::from_str(text).map_err(|error| AccountsError::Format(error.to_string()))?;
    if !(1..=MAX_ACCOUNTS).contains(&file.accounts.len()) {
        return Err(AccountsError::Count(file.accounts.len()));
    }
    let mut accounts: Vec<AccountSpec> = Vec::new();
    for written in file.accounts {
        let address = |text: &String| {
            text.parse::<Address>()
                .map_err(|error| AccountsError::Address { account: written.name.clone(), error: error.to_string() })
        };
        let user = address(&written.user)?;
        let mut signers = written.signers.iter().map(address).collect::<Result<Vec<_>, _>>()?;
        if signers.is_empty() {
            signers.push(user);
        }
        if written.balance < Usd::ZERO || written.balance > Usd::whole(1_000_000_000) {
            return Err(AccountsError::Balance(written.name));
        }
        let key = ApiKey::new(Secret::new(written.api_key), &Secret::new(written.api_secret));
        let shares = |other: &AccountSpec| {
            other.name == written.name
                || other.key.key() == key.key()
                || other.signers.iter().any(|signer| signers.contains(signer))
        };
        if accounts.iter().any(shares) {
            return Err(AccountsError::Shared(written.name));
        }
        let (name, balance, parent) = (written.name, written.balance, written.parent);
        accounts.push(AccountSpec { name, balance, user, signers, key, parent });
    }
    let is_main = |name: &String| accounts.iter().any(|other| other.name == *name && other.parent.is_none());
    if let Some(orphan) = accounts.iter().find(|account| account.parent.as_ref().is_some_and(|name| !is_main(name))) {
        return Err(AccountsError::Parent(orphan.name.clone()));
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match read_accounts(text) {
            Ok(accounts) => format!("{} accounts", accounts.len()),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{text}: {found}");
    }

    #[test]
    fn accounts_are_read_or_what_is_wrong_is_said() {
        let user = default_accounts()[0].user;
        let one = format!("{{name: a, balance: 5, user: '{user}', api_key: k, api_secret: s}}");
        check(&format!("accounts: [{one}]"), "1 accounts");
        check(&format!("accounts: [{one}, {one}]"), "shares its name");
        check(&format!("accounts: [{}]", one.replace("name: a", "name: a, parent: b")), "`parent` must name");
        check("accounts: []", "not 0");
        check("accounts: [{name: a}]", "cannot be read");
        check(&format!("accounts: [{}]", one.replace("0x", "zz")), "not a wallet address");
        check(&format!("accounts: [{}]", one.replace("balance: 5", "balance: -5")), "balance must be");
    }

    #[test]
    fn the_default_accounts_are_three_with_keys_of_their_own() {
        let accounts = default_accounts();
        assert_eq!(accounts.len(), 3);
        assert!(accounts.iter().all(|account| account.balance == Usd::whole(10_000)));
        assert_eq!(accounts[1].key.key().expose(), "paper-2");
        assert_ne!(accounts[0].user, accounts[1].user);
    }
}
