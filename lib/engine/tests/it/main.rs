//! Whole runs in memory.

mod machine;
mod pipeline;
mod simulation;
