//! Keeps a certificate: serves the one on disk, has it renewed in time, and serves it on while that fails.
//!
//! ```text
//!   serving ──(due)──▶ attempt ──▶ served, and kept on disk as soon as that can be done ──▶ serving
//!      ▲                  │ failed: written down, said, waited for
//!      └──────────────────┘
//! ```

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use instant_acme::{Account, CertificateIdentifier, Error, NewAccount};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::attempts::Attempts;
use super::contact::Contact;
use super::http::Http;
use super::order::{Issued, Ordering};
use super::renewal::{self, Window};
use super::store::Store;
use super::{AcmeError, Authority};
use crate::metrics::Metrics;
use crate::tls::CertificateSlot;

/// Longest sleep: clocks are set, and machines suspended, and the next look finds out.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long one order may take as a whole.
const ORDER_TIME: Duration = Duration::from_secs(300);
/// How often the CA is asked when it would like the renewal, at most and at least.
const SUGGESTION_PACE: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(86_400));
/// Below this much life a failed renewal is an error, above it a warning.
const LITTLE_LIFE: Duration = Duration::from_secs(7 * 86_400);

/// Keeps one certificate.
pub struct Keeper {
    authority: Authority,
    store: Store,
    slot: Arc<CertificateSlot>,
    wishes: Wishes,
    metrics: Metrics,
    attempts: Attempts,
    /// Whether the CA may have issued something in the present attempt: then it counts that, however it ends for us.
    is_finalized: AtomicBool,
    /// What is served and could not be kept on disk yet.
    unkept: Option<Issued>,
    suggestion: Suggestion,
    /// Where within what is allowed this relay renews.
    pick: f64,
}

/// What the relay's owner wants while it runs.
pub struct Wishes {
    /// Told when a failed attempt is to be repeated.
    pub hurry: Arc<Notify>,
    /// Whom the CA may write to.
    pub email: watch::Receiver<Option<String>>,
}

/// What the CA has suggested, and when it is to be asked again.
#[derive(Default)]
struct Suggestion {
    window: Option<Window>,
    again: Option<SystemTime>,
}

impl Keeper {
    /// Serves what an earlier run has left in `state_dir`, if anything, and is ready to keep it.
    pub fn new(authority: Authority, state_dir: &Path, slot: Arc<CertificateSlot>, wishes: Wishes, metrics: Metrics) -> Self {
        let store = Store::new(state_dir, &authority);
        let served = store.certificate().and_then(|found| found.map(|certified| slot.serve(certified)).transpose());
        if let Err(error) = served {
            tracing::warn!(%error, "the certificate of an earlier run is of no use, and is ordered anew");
        }
        metrics.certificate(slot.facts().as_ref());
        let (attempts, suggestion) = (store.attempts(), Suggestion::default());
        let (is_finalized, unkept, pick) = (AtomicBool::new(false), None, fastrand::f64());
        Self { authority, store, slot, wishes, metrics, attempts, is_finalized, unkept, suggestion, pick }
    }

    /// Keeps the certificate for as long as it is polled.
    pub async fn keep(mut self) {
        if self.slot.facts().is_none() {
            tracing::info!(domain = %self.authority.domain, "there is no certificate yet; the CA is asked for one");
        }
        loop {
            if self.unkept.is_some() && self.keep_issued().is_ok() {
                tracing::info!(domain = %self.authority.domain, "the certificate that is served is kept on disk now");
            }
            self.introduce().await;
            let begin = self.due().await.max(self.attempts.next());
            match begin.duration_since(SystemTime::now()) {
                Ok(wait) if !wait.is_zero() => self.wait(wait).await,
                _ => self.attempt().await,
            }
        }
    }

    async fn wait(&mut self, wait: Duration) {
        tokio::select! {
            () = sleep(wait.min(LONGEST_SLEEP)) => {}
            () = self.wishes.hurry.notified() => {
                self.attempts = self.attempts.hurry(SystemTime::now());
                let contact = self.store.contact();
                self.note(&contact.hurry());
            }
        }
    }

    /// Tells the CA whom it may write to, if it knows the account by somebody else's name.
    async fn introduce(&self) {
        let (email, now, contact) = (self.email(), SystemTime::now(), self.store.contact());
        if !contact.is_due(email.as_deref(), now) || self.store.account().is_none() {
            return;
        }
        // Unwritten, it would be told at each start.
        if !self.note(&contact.trying(now)) {
            return;
        }
        let told = timeout(ORDER_TIME, self.tell(email.as_deref())).await.unwrap_or_else(|_| Err(self.too_slow()));
        match told {
            Ok(()) => {
                // Said once it is written: whoever reads it may end this process.
                self.note(&Contact::known(email.clone()));
                tracing::info!(email, "the CA knows the new acme_email");
            }
            Err(error) => tracing::warn!(%error, "the CA does not know the new acme_email; it is told again in an hour"),
        }
    }

    async fn tell(&self, email: Option<&str>) -> Result<(), AcmeError> {
        let http = Http::new(self.authority.root.as_deref())?;
        let account = self.account(&http).await?;
        let addresses = addresses(email);
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        account.update_contacts(&addresses).await.map_err(|error| self.failed(&http, error))
    }

    fn email(&self) -> Option<String> {
        self.wishes.email.borrow().clone()
    }

    /// Writes down what the CA knows; whether that could be done.
    fn note(&self, contact: &Contact) -> bool {
        let kept = self.store.keep_contact(contact);
        kept.inspect_err(|error| tracing::warn!(%error, "it could not be written down whom the CA may write to")).is_ok()
    }

    /// When the certificate that is served wants to be renewed; at once if there is none.
    async fn due(&mut self) -> SystemTime {
        let Some(facts) = self.slot.facts() else { return SystemTime::UNIX_EPOCH };
        let now = SystemTime::now();
        // A failing CA is asked for nothing but the certificate.
        if self.attempts.failed() == 0 && self.suggestion.again.is_none_or(|again| again <= now) {
            self.ask_for_suggestion(now).await;
        }
        renewal::due(&facts, self.suggestion.window, self.pick)
    }

    /// Asks the CA when it would like the renewal. That it does not say is no failure.
    async fn ask_for_suggestion(&mut self, now: SystemTime) {
        let (shortest, longest) = SUGGESTION_PACE;
        let asked = match self.identifier() {
            Some(identifier) if self.store.account().is_some() => self.suggested(&identifier).await,
            _ => Ok((None, longest)),
        };
        let (window, pace) = asked.unwrap_or_else(|error| {
            tracing::debug!(%error, "the CA suggests no time for the renewal");
            (self.suggestion.window, shortest)
        });
        self.suggestion = Suggestion { window, again: Some(now + pace.clamp(shortest, longest)) };
    }

    async fn suggested(&self, identifier: &CertificateIdentifier<'_>) -> Result<(Option<Window>, Duration), AcmeError> {
        let http = Http::new(self.authority.root.as_deref())?;
        let account = self.account(&http).await?;
        match account.renewal_info(identifier).await {
            Ok((info, pace)) => {
                let window = info.suggested_window;
                Ok((Some(Window { start: window.start.into(), end: window.end.into() }), pace))
            }
            Err(Error::Unsupported(_)) => Ok((None, SUGGESTION_PACE.1)),
            Err(error) => Err(self.failed(&http, error)),
        }
    }

    /// How the CA names the certificate that is served.
    fn identifier(&self) -> Option<CertificateIdentifier<'static>> {
        let facts = self.slot.facts()?;
        CertificateIdentifier::try_from(facts.certificate()).ok().map(CertificateIdentifier::into_owned)
    }

    async fn attempt(&mut self) {
        let before = self.attempts.clone();
        self.is_finalized.store(false, Relaxed);
        let result = match self.write_down(before.begin(SystemTime::now(), fastrand::f64())) {
            Ok(()) => timeout(ORDER_TIME, self.order_or_begin_anew()).await.unwrap_or_else(|_| Err(self.too_slow())),
            Err(error) => Err(error),
        };
        match result {
            Ok(issued) => self.succeeded(issued),
            Err(error) => self.failed_after(&before, &error),
        }
    }

    /// A CA that has forgotten us, as one for tests does at each start, gets to know us again.
    async fn order_or_begin_anew(&self) -> Result<Issued, AcmeError> {
        match self.order().await {
            Err(error) if error.is_unknown_account() => {
                tracing::info!("the CA does not know the account; a new one is made");
                self.store.forget_account()?;
                self.order().await
            }
            done => done,
        }
    }

    /// Has a certificate issued, and serves it.
    async fn order(&self) -> Result<Issued, AcmeError> {
        let http = Http::new(self.authority.root.as_deref())?;
        let account = self.account(&http).await?;
        let failed = |error| self.failed(&http, error);
        let not_proven = |reason| AcmeError::NotProven {
            authority: self.authority.directory.clone(),
            domain: self.authority.domain.clone(),
            reason,
        };
        let (domain, slot) = (self.authority.domain.as_str(), self.slot.as_ref());
        let (account, is_finalized) = (&account, &self.is_finalized);
        let ordering = Ordering { account, domain, slot, failed: &failed, not_proven: &not_proven, is_finalized };
        // A CA that suggests times wants to be told what is replaced; one that refuses is not told again.
        let may_replace = self.suggestion.window.is_some() && self.attempts.failed() == 1;
        let replaces = may_replace.then(|| self.identifier()).flatten();
        let issued = ordering.run(replaces).await?;
        self.slot.serve(self.store.certified(&issued)?)?;
        Ok(issued)
    }

    async fn account(&self, http: &Http) -> Result<Account, AcmeError> {
        let builder = || Account::builder_with_http(Box::new(http.clone()));
        if let Some(account) = self.store.account() {
            return builder().from_credentials(account).await.map_err(|error| self.failed(http, error));
        }
        let email = self.email();
        let addresses = addresses(email.as_deref());
        let contact: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = builder().create(&new, self.authority.directory.clone(), None).await;
        let (account, credentials) = made.map_err(|error| self.failed(http, error))?;
        self.store.keep_account(&credentials)?;
        self.store.keep_contact(&Contact::known(email))?;
        Ok(account)
    }

    fn write_down(&mut self, attempts: Attempts) -> Result<(), AcmeError> {
        self.attempts = attempts;
        self.store.keep_attempts(&self.attempts)
    }

    fn succeeded(&mut self, issued: Issued) {
        (self.suggestion, self.attempts, self.unkept) = (Suggestion::default(), Attempts::default(), Some(issued));
        let facts = self.slot.facts();
        self.metrics.certificate(facts.as_ref());
        let days = facts.map_or(0, |facts| facts.remaining(SystemTime::now()).as_secs() / 86_400);
        tracing::info!(domain = %self.authority.domain, days, "a new certificate is served");
        if let Err(error) = self.keep_issued() {
            tracing::warn!(%error, "the new certificate could not be kept on disk, which is tried again; a restart would order another");
        }
    }

    /// Keeps what was issued, and then that it was: until it is kept, an attempt whose end is not known is written down, so
    /// that restarts order no more than the CA bears.
    fn keep_issued(&mut self) -> Result<(), AcmeError> {
        if let Some(issued) = &self.unkept {
            self.store.keep_certificate(issued)?;
            self.unkept = None;
            self.store.keep_attempts(&self.attempts)?;
        }
        Ok(())
    }

    fn failed_after(&mut self, before: &Attempts, error: &AcmeError) {
        self.metrics.certificate_failed();
        let now = SystemTime::now();
        let counts = error.counts() || self.is_finalized.load(Relaxed);
        let attempts = before.after(now, counts, error.until(), fastrand::f64());
        if let Err(error) = self.write_down(attempts) {
            tracing::warn!(%error, "it could not be written down that there is no new certificate");
        }
        self.complain(error, now);
    }

    fn complain(&self, error: &AcmeError, now: SystemTime) {
        let domain = &self.authority.domain;
        let again = self.attempts.next().duration_since(now).unwrap_or_default();
        let again = humantime::format_duration(Duration::from_secs(again.as_secs()));
        match self.slot.facts().map(|facts| facts.remaining(now)) {
            None => tracing::error!(%domain, %error, %again, "no certificate yet, so nobody can connect"),
            Some(Duration::ZERO) => tracing::error!(%domain, %error, %again, "no new certificate, and the old one has ended"),
            Some(rest) if rest < LITTLE_LIFE => {
                let ends = humantime::format_duration(Duration::from_secs(rest.as_secs()));
                tracing::error!(%domain, %error, %again, %ends, "no new certificate; the old one is served on");
            }
            Some(_) => tracing::warn!(%domain, %error, %again, "no new certificate; the old one is served on"),
        }
    }

    fn too_slow(&self) -> AcmeError {
        let reason = format!("the order was not done within {} s", ORDER_TIME.as_secs());
        AcmeError::Unreachable { authority: self.authority.directory.clone(), reason }
    }

    fn failed(&self, http: &Http, error: Error) -> AcmeError {
        let authority = self.authority.directory.clone();
        match error {
            Error::Api(problem) => AcmeError::Refused { authority, problem, until: http.patience().until() },
            other => AcmeError::Unreachable { authority, reason: other.to_string() },
        }
    }
}

/// The CA's way to write an address.
fn addresses(email: Option<&str>) -> Vec<String> {
    email.iter().map(|email| format!("mailto:{email}")).collect()
}
