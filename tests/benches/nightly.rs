//! x
fn main() { let _ = (local::memory_table(), transport::Transport::new(transport::Options::default())); }
