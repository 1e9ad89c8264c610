//! Command transcripts: the program as scripts and people call it, on folders of its own, against simulated vendors.

mod bench;
mod flow;
mod folders;
mod page;
mod programs;
mod psa;
mod usage;
