//! The tests package has no code of its own; see `tests/it`.
