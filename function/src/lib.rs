//! The Lambda function: it dials the relay, ends the tunnel and connects to sites.

pub mod connect;
pub mod deadline;
pub mod decide;
pub mod exit;
pub mod policy;
pub mod summary;
