//! What somebody sees who is no end of a tunnel: a small, ordinary web site.
//!
//! Never: it names neither this program nor its version.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

const INDEX: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Welcome</title></head>\n\
    <body><h1>Welcome</h1><p>There is nothing to see here yet.</p></body></html>\n";
const NOT_FOUND: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Not Found</title></head>\n\
    <body><h1>Not Found</h1><p>The page you asked for does not exist.</p></body></html>\n";

/// The page at `path`.
pub(crate) fn page(path: &str) -> Response<Full<Bytes>> {
    let (status, html) = match path {
        "/" | "/index.html" => (StatusCode::OK, INDEX),
        _ => (StatusCode::NOT_FOUND, NOT_FOUND),
    };
    let mut response = Response::new(Full::new(Bytes::from_static(html.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}
