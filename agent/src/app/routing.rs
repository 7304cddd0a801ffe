//! The router of a configuration.

use std::net::SocketAddr;

use crate::config::{Config, Mode};
use crate::routing::{Loops, Router};

pub(super) fn router(config: &Config, own: &[SocketAddr]) -> Router {
    Router::new(config.routing.rules.clone(), Loops::new(own.to_vec()), config.mode == Mode::Local)
}
