//! The real program, in a home directory of its own: what it prints, and its exit codes.
//!
//! Never: nothing here needs a network, an account or another user's files.

mod agent;
mod command_line;
mod configuration;
mod doctor;
mod failures;
mod home;
mod package;
