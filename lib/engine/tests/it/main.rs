//! Whole runs in memory.

mod costs;
mod invocations;
mod lab;
mod machine;
mod office;
mod pipeline;
mod simulation;
mod together;
