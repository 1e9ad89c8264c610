//! Name resolution that hands out only addresses that may be called.
//!
//! The check sits between the look-up and the connection: what was judged is what is connected to, so a name that
//! answers differently the second time gains nothing.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::{self, Reach};

/// Looks a name up: the system's resolver, or a table in tests.
pub(crate) type Lookup = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Asks the system's resolver.
pub(crate) fn system_lookup(name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
    Box::pin(async move {
        let addresses = tokio::net::lookup_host((name, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    })
}

/// The cause of a connection that was not made because of where the name led.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to {address}: {why}")]
pub(crate) struct LeadsInward {
    address: IpAddr,
    why: &'static str,
}

/// A resolver for one reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded {
    /// Who is asked.
    pub(crate) lookup: Lookup,
    /// What may come out.
    pub(crate) reach: Reach,
}

impl Resolve for Guarded {
    /// Fails if a single one of the addresses is forbidden: an honest name has no such mixture.
    fn resolve(&self, name: Name) -> Resolving {
        let Guarded { lookup, reach } = *self;
        Box::pin(async move {
            let addresses = lookup(name.as_str().to_owned()).await?;
            for address in &addresses {
                if let Some(why) = address::refusal(*address, reach) {
                    return Err(LeadsInward { address: *address, why }.into());
                }
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
