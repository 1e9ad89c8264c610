//! The one-machine deployment from outside: contracts, the data folder, the death of a process.

mod contracts;
mod death;
mod folder;
