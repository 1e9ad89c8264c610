//! The built functions, started as Lambda starts them: by a Runtime API on loopback.

mod connections;
mod deployed;
mod runtime_api;
mod stand_in;
mod started;
