//! What a running agent says of itself: for scripts ([`model`]) and for people ([`text`]).

pub mod model;
#[cfg(test)]
pub(crate) mod sample;
pub mod text;
