//! The desktop program: a local proxy whose streams leave through AWS Lambda functions.

pub mod cloud;
