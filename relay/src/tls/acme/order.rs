//! One order: from the relay's name, over the proof that it is ours, to a chain of certificates.

use std::sync::atomic::{self, AtomicBool};
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, Identifier, KeyAuthorization, NewOrder, Order,
    OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::CertifiedKey;

use super::AcmeError;
use crate::tls::CertificateSlot;
use crate::tls::slot::Proving;

/// How the CA is asked whether it is done: soon at first, then ever less often. A CA looks within seconds, or tries some more.
const POLLS: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_secs(90));

/// What an order yields.
pub(super) struct Issued {
    /// The chain (PEM).
    pub(super) chain: String,
    /// Its key (PEM), which was made for it.
    pub(super) key: String,
}

/// What asks, and who answers for it.
pub(super) struct Ordering<'a> {
    pub(super) account: &'a Account,
    pub(super) domain: &'a str,
    /// Where the CA looks for its proof.
    pub(super) slot: &'a CertificateSlot,
    /// What turns a failure of the protocol into an error of ours.
    pub(super) failed: &'a (dyn Fn(Error) -> AcmeError + Send + Sync),
    /// Makes the error of a proof that was not found.
    pub(super) not_proven: &'a (dyn Fn(String) -> AcmeError + Send + Sync),
    /// Set once the CA may have issued something, whether or not it arrives.
    pub(super) is_finalized: &'a AtomicBool,
}

impl Ordering<'_> {
    /// Orders a certificate, in place of the one that is named.
    pub(super) async fn run(&self, replaces: Option<CertificateIdentifier<'static>>) -> Result<Issued, AcmeError> {
        let identifiers = [Identifier::Dns(self.domain.to_owned())];
        let new = NewOrder::new(&identifiers);
        let new = replaces.into_iter().fold(new, NewOrder::replaces);
        let mut order = self.account.new_order(&new).await.map_err(self.failed)?;
        let proving = self.prove(&mut order).await?;
        let polled = order.poll_ready(&POLLS).await;
        drop(proving);
        // Some CAs say at the order what was wrong, others at the name's own authorization.
        if let Some(problem) = &order.state().error {
            return Err((self.not_proven)(said(problem)));
        }
        if polled.map_err(self.failed)? == OrderStatus::Invalid {
            return Err((self.not_proven)(self.reason(&mut order).await?));
        }
        self.finalize(order).await
    }

    /// Answers the CA's question at the relay's port until the returned value is dropped. There is none when the CA still
    /// remembers an earlier answer.
    async fn prove(&self, order: &mut Order) -> Result<Option<Proving<'_>>, AcmeError> {
        let mut proving = None;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(self.failed)?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let mut challenge = challenge.ok_or_else(|| (self.failed)(Error::Unsupported("TLS-ALPN-01")))?;
            let key = self.proof(&challenge.key_authorization())?;
            proving = Some(self.slot.prove(self.domain, key));
            challenge.set_ready().await.map_err(self.failed)?;
        }
        Ok(proving)
    }

    /// The certificate that only the holder of the account can make for this question (RFC 8737 section 3).
    fn proof(&self, authorization: &KeyAuthorization) -> Result<CertifiedKey, AcmeError> {
        let mut params = self.params()?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(authorization.digest().as_ref())];
        let key = KeyPair::generate().map_err(|error| self.cannot_make(&error))?;
        let certificate = params.self_signed(&key).map_err(|error| self.cannot_make(&error))?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let key = aws_lc_rs::default_provider().key_provider.load_private_key(key).map_err(|error| self.cannot_make(&error))?;
        // Not checked against the certificate: its extension is critical and meant for the CA, and rustls knows it not.
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }

    async fn finalize(&self, mut order: Order) -> Result<Issued, AcmeError> {
        let key = KeyPair::generate().map_err(|error| self.cannot_make(&error))?;
        let mut params = self.params()?;
        params.distinguished_name = DistinguishedName::new();
        let request = params.serialize_request(&key).map_err(|error| self.cannot_make(&error))?;
        self.is_finalized.store(true, atomic::Ordering::Relaxed);
        order.finalize_csr(request.der()).await.map_err(self.failed)?;
        let chain = order.poll_certificate(&POLLS).await.map_err(self.failed)?;
        Ok(Issued { chain, key: key.serialize_pem() })
    }

    /// Why the CA has found no proof, in its own words.
    async fn reason(&self, order: &mut Order) -> Result<String, AcmeError> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(self.failed)?;
            let state = authorization.refresh().await.map_err(self.failed)?;
            if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.as_ref()) {
                return Ok(said(problem));
            }
        }
        Ok("it does not say why".to_owned())
    }

    fn params(&self) -> Result<CertificateParams, AcmeError> {
        CertificateParams::new([self.domain.to_owned()]).map_err(|error| self.cannot_make(&error))
    }

    fn cannot_make(&self, reason: &dyn std::fmt::Display) -> AcmeError {
        AcmeError::Request { domain: self.domain.to_owned(), reason: reason.to_string() }
    }
}

/// A CA's own words.
fn said(problem: &Problem) -> String {
    problem.detail.clone().unwrap_or_else(|| problem.to_string())
}
