//! The exit from outside: an agent's session in memory, real sites on loopback.

mod harness;
mod invocations;
mod pipe;
mod program;
mod refusals;
mod streams;
