//! The AWS adapters from outside: against recorded answers, and against a stand-in where one is named.

mod answers;
mod stand_in;
