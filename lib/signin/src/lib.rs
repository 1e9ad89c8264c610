//! The console's door on AWS: people sign in at their own OpenID Connect provider.
//!
//! ```text
//! /sign-in ──► cookie {state, nonce, verifier} + the provider's page ──► /sign-in/callback
//!                                                                            │ state, once
//!              code + verifier ──► provider ──► ID token ──► verified ──► role from a claim
//!                                                                            │
//!                                             cookie {session} + audit log ◄─┘
//! ```
//!
//! The code flow with PKCE. Nothing is kept in the process but what the provider publishes; all that belongs to one
//! browser rides in its cookies, encrypted and authenticated with one key ([`seal`]). What has to be known to every
//! process at once (tries, used sign-ins, ended sessions) is in the table. Calls go through the console's own
//! [`engine::ports::Transport`], which decides what addresses may be called.
//!
//! Roles come from the provider alone. Nothing in the console gives or takes one, so that nobody can take away their own
//! right, or the last one; who loses a role at the provider loses it here with the end of their session at the latest.

mod claims;
mod door;
mod provider;
mod roles;
pub mod seal;
mod session;
mod settings;
mod token;
mod told;

pub use door::{OidcDoor, TRIES_MAX, WINDOW};
pub use provider::Provider;
pub use roles::{BadRoles, RoleMap};
pub use session::{IDLE_MAX, SESSION_MAX};
pub use settings::Settings;

#[cfg(test)]
mod tests;
