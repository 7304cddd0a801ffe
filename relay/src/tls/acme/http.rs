//! How the CA is reached: HTTP/1.1 over TLS, a connection for each of the dozen requests that a certificate takes.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{HOST, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::http::uri::Authority as UriAuthority;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use crate::tls::TlsError;

/// How long one request may take, from the name's resolution to the last byte of the answer.
const REQUEST_TIME: Duration = Duration::from_secs(30);
/// Largest answer, bytes: a certificate chain is below 16 KiB.
const LARGEST_ANSWER: usize = 256 * 1024;
/// Longest wait that a CA may ask for: renewal is looked at every day.
const LONGEST_WAIT: Duration = Duration::from_secs(86_400);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A client for one CA.
#[derive(Clone)]
pub(super) struct Http {
    tls: Arc<ClientConfig>,
    patience: Patience,
}

/// Until when the CA wants to be left alone, if its last refusal said so.
#[derive(Clone, Default)]
pub(super) struct Patience(Arc<Mutex<Option<SystemTime>>>);

impl Http {
    /// A client that trusts the roots in this PEM file, or the public ones.
    pub(super) fn new(root: Option<&Path>) -> Result<Self, TlsError> {
        let roots = root.map_or_else(|| Ok(public_roots()), read_roots)?;
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("the provider has suites for the default versions");
        let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols.push(b"http/1.1".to_vec());
        Ok(Self { tls: Arc::new(tls), patience: Patience::default() })
    }

    /// What was heard of the CA's patience.
    pub(super) fn patience(&self) -> Patience {
        self.patience.clone()
    }
}

impl Patience {
    pub(super) fn until(&self) -> Option<SystemTime> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, answer: &Response<Full<Bytes>>) {
        if !matches!(answer.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return;
        }
        let told = answer.headers().get(RETRY_AFTER).and_then(seconds).map(|wait| SystemTime::now() + wait);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.clone();
        Box::pin(async move {
            let asked = timeout(REQUEST_TIME, client.ask(request)).await;
            let asked = asked.unwrap_or_else(|_| Err(format!("no answer within {} s", REQUEST_TIME.as_secs()).into()));
            asked.map(BytesResponse::from).map_err(Error::Other)
        })
    }
}

impl Http {
    async fn ask(&self, mut request: Request<BodyWrapper<Bytes>>) -> Result<Response<Full<Bytes>>, Failure> {
        let authority = https_authority(request.uri())?;
        request.headers_mut().insert(HOST, HeaderValue::from_str(authority.as_str())?);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = Uri::from_str(path)?;

        // An address in brackets is one for sockets and none for certificates.
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(443));
        let name = ServerName::try_from(host.trim_matches(['[', ']']))?.to_owned();
        let socket = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
        let tls = TlsConnector::from(Arc::clone(&self.tls)).connect(name, socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await?;
        let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
        let (mut head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await?.to_bytes();
        tame(&mut head.headers);
        let answer = Response::from_parts(head, Full::new(body));
        self.patience.hear(&answer);
        Ok(answer)
    }
}

fn https_authority(uri: &Uri) -> Result<UriAuthority, Failure> {
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"));
    authority.cloned().ok_or_else(|| format!("{uri} is no https:// URL").into())
}

fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn read_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let unreadable = |source| TlsError::Pem { path: path.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(unreadable)? {
        let added = roots.add(certificate.map_err(unreadable)?);
        added.map_err(|source| TlsError::Unusable { path: path.to_owned(), source })?;
    }
    if roots.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(roots) }
}

/// A `Retry-After` in seconds; the other form, a date, is used by no CA that we know, and is none.
fn seconds(value: &HeaderValue) -> Option<Duration> {
    Some(Duration::from_secs(value.to_str().ok()?.trim().parse().ok()?).min(LONGEST_WAIT))
}

/// No wait that a CA asks for goes beyond what clocks can hold, or what anybody would wait.
fn tame(headers: &mut HeaderMap) {
    if let Some(value) = headers.get_mut(RETRY_AFTER)
        && let Some(wait) = seconds(value)
    {
        *value = wait.as_secs().into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status: u16, retry_after: Option<&'static str>) -> Option<Duration> {
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::from_u16(status).expect("status");
        if let Some(value) = retry_after {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(value));
        }
        let patience = Patience::default();
        patience.hear(&answer);
        patience.until().map(|until| until.duration_since(SystemTime::now()).expect("later"))
    }

    #[test]
    fn only_a_refusal_tells_of_patience() {
        assert!(heard(429, Some("3600")).is_some_and(|wait| wait > Duration::from_secs(3500)));
        assert!(heard(503, Some(" 60 ")).is_some());
        assert_eq!(heard(200, Some("3600")), None, "a poll's pace is no refusal");
        assert_eq!(heard(429, None), None);
        assert_eq!(heard(429, Some("soon")), None);
    }

    #[test]
    fn a_wait_beyond_all_clocks_is_a_day() {
        assert!(heard(429, Some("18446744073709551615")).is_some_and(|wait| wait <= LONGEST_WAIT));
        let mut headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("18446744073709551615"))]);
        tame(&mut headers);
        assert_eq!(headers[RETRY_AFTER], "86400");
    }

    #[tokio::test]
    async fn only_https_is_spoken() {
        let http = Http::new(None).expect("public roots");
        let request = Request::get("http://127.0.0.1:1/directory").body(BodyWrapper::default()).expect("request");
        let error = http.request(request).await.err().expect("refused").to_string();
        assert!(error.contains("https://"), "{error}");
    }

    #[test]
    fn a_file_of_roots_that_holds_none_is_named() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("roots.pem");
        std::fs::write(&path, "nothing").expect("written");
        let error = Http::new(Some(&path)).err().expect("no roots").to_string();
        assert!(error.contains("roots.pem") && error.contains("no certificate"), "{error}");
    }
}
