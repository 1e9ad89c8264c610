//! Which values of the role claim make somebody what.

use console::roles::Role;

/// Values of the claim and the role that each one gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMap(Vec<(String, Role)>);

/// The mapping cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not ROLE=VALUE with a role of viewer, operator, admin; write viewer=VALUE,operator=VALUE,admin=VALUE"
)]
pub struct BadRoles(String);

impl Default for RoleMap {
    /// The roles' own words.
    fn default() -> Self {
        Self([Role::Viewer, Role::Operator, Role::Admin].map(|role| (role.code().to_owned(), role)).to_vec())
    }
}

impl RoleMap {
    /// Reads `viewer=VALUE,operator=VALUE,admin=VALUE`; a role may stand there several times. Empty is the default.
    pub fn parse(text: &str) -> Result<Self, BadRoles> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let bad = || BadRoles(pair.to_owned());
            let (word, value) = pair.split_once('=').ok_or_else(bad)?;
            let role = match word.trim() {
                "viewer" => Role::Viewer,
                "operator" => Role::Operator,
                "admin" => Role::Admin,
                _ => return Err(bad()),
            };
            let value = value.trim();
            if value.is_empty() { Err(bad()) } else { Ok((value.to_owned(), role)) }
        };
        let map = pairs.map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(if map.is_empty() { Self::default() } else { Self(map) })
    }

    /// Returns the highest role that one of the values gives.
    pub(crate) fn role(&self, values: &[&str]) -> Option<Role> {
        self.0.iter().filter(|(value, _)| values.contains(&value.as_str())).map(|(_, role)| *role).max()
    }
}
