//! The functions' role in IAM: read with all that it grants, create, change, delete.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::Client;
use aws_sdk_iam::error::BuildError;
use aws_sdk_iam::types::{Role as Found, Tag};

use super::account::Account;
use super::error::Call;
use super::region;
use crate::cloud::CloudError;
use crate::cloud::permissions::roles::{
    CREATE, DELETE, DELETE_POLICY, DETACH, GET, GET_POLICY, LIST_ATTACHED, LIST_POLICIES, PUT_POLICY, TAG, UNTAG, UPDATE_TRUST,
};

/// IAM is one for all regions: what its calls are said to be about.
const EVERYWHERE: &str = "the account";

/// A role as IAM tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its full name.
    pub arn: String,
    /// Whom it trusts, as JSON.
    pub trust: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Names of the policies that stand in it.
    pub policies: BTreeSet<String>,
    /// The one of them that was asked for, as JSON.
    pub policy: Option<String>,
    /// Full names of the policies that are attached to it.
    pub attached: Vec<String>,
}

impl Account {
    /// A role with all that it grants; `None` where there is none of that name. Of its policies one may be asked for.
    pub async fn role(&self, name: &str, policy: Option<&str>) -> Result<Option<Role>, CloudError> {
        self.roles(name, async |calls| calls.read(policy).await).await
    }

    /// A role's tags; `None` where there is none of that name.
    pub async fn role_tags(&self, name: &str) -> Result<Option<BTreeMap<String, String>>, CloudError> {
        self.roles(name, async |calls| Ok(calls.find().await?.as_ref().map(tags))).await
    }

    /// Makes a role.
    pub async fn create_role(
        &self,
        name: &str,
        trust: &str,
        about: &str,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.create(trust, about, tags).await).await
    }

    /// Sets whom a role trusts.
    pub async fn set_trust(&self, name: &str, trust: &str) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.set_trust(trust).await).await
    }

    /// Sets tags of a role; others stay.
    pub async fn tag_role(&self, name: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.tag(tags).await).await
    }

    /// Takes tags off a role, by their keys; others stay.
    pub async fn untag_role(&self, name: &str, keys: &[String]) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.untag(keys).await).await
    }

    /// Sets a policy in a role.
    pub async fn put_policy(&self, name: &str, policy: &str, document: &str) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.put_policy(policy, document).await).await
    }

    /// Removes a policy from a role.
    pub async fn delete_policy(&self, name: &str, policy: &str) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.delete_policy(policy).await).await
    }

    /// Takes an attached policy off a role.
    pub async fn detach(&self, name: &str, policy: &str) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.detach(policy).await).await
    }

    /// Removes a role.
    pub async fn delete_role(&self, name: &str) -> Result<(), CloudError> {
        self.roles(name, async |calls| calls.delete().await).await
    }

    async fn roles<T>(&self, name: &str, calls: impl AsyncFnOnce(Calls<'_>) -> Result<T, CloudError>) -> Result<T, CloudError> {
        let session = self.session();
        // The SDK's futures are large.
        match Box::pin(calls(Calls { client: &session.iam(), name })).await {
            Ok(done) => Ok(done),
            Err(error) => Err(region::told(self, &session, session.home(), error).await),
        }
    }
}

/// The calls about one role.
struct Calls<'a> {
    client: &'a Client,
    name: &'a str,
}

impl Calls<'_> {
    async fn find(&self) -> Result<Option<Found>, CloudError> {
        let call = Call::new(GET, EVERYWHERE);
        match self.client.get_role().role_name(self.name).send().await.map_err(|error| call.failed(error)) {
            Ok(answer) => answer.role.map(Some).ok_or_else(|| call.strange("it names no role")),
            Err(CloudError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read(&self, wanted: Option<&str>) -> Result<Option<Role>, CloudError> {
        let Some(found) = self.find().await? else { return Ok(None) };
        let trust = decoded(found.assume_role_policy_document().unwrap_or_default());
        let (policies, attached) = (self.policies().await?, self.attached().await?);
        let policy = match wanted.filter(|wanted| policies.contains(*wanted)) {
            Some(wanted) => Some(self.policy(wanted).await?),
            None => None,
        };
        Ok(Some(Role { arn: found.arn().to_owned(), trust, tags: tags(&found), policies, policy, attached }))
    }

    async fn policies(&self) -> Result<BTreeSet<String>, CloudError> {
        let call = Call::new(LIST_POLICIES, EVERYWHERE);
        let mut pages = self.client.list_role_policies().role_name(self.name).into_paginator().items().send();
        let mut policies = BTreeSet::new();
        while let Some(name) = pages.next().await {
            policies.insert(name.map_err(|error| call.failed(error))?);
        }
        Ok(policies)
    }

    async fn policy(&self, policy: &str) -> Result<String, CloudError> {
        let asked = self.client.get_role_policy().role_name(self.name).policy_name(policy).send().await;
        asked.map(|found| decoded(found.policy_document())).map_err(|error| Call::new(GET_POLICY, EVERYWHERE).failed(error))
    }

    async fn attached(&self) -> Result<Vec<String>, CloudError> {
        let call = Call::new(LIST_ATTACHED, EVERYWHERE);
        let mut pages = self.client.list_attached_role_policies().role_name(self.name).into_paginator().items().send();
        let mut attached = Vec::new();
        while let Some(policy) = pages.next().await {
            attached.extend(policy.map_err(|error| call.failed(error))?.policy_arn);
        }
        Ok(attached)
    }

    async fn create(&self, trust: &str, about: &str, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
        let call = Call::new(CREATE, EVERYWHERE);
        let request = self.client.create_role().role_name(self.name).assume_role_policy_document(trust).description(about);
        let sent = request.set_tags(Some(built(tags, &call)?)).send().await;
        sent.map(drop).map_err(|error| call.failed(error))
    }

    async fn set_trust(&self, trust: &str) -> Result<(), CloudError> {
        let sent = self.client.update_assume_role_policy().role_name(self.name).policy_document(trust).send().await;
        sent.map(drop).map_err(|error| Call::new(UPDATE_TRUST, EVERYWHERE).failed(error))
    }

    async fn tag(&self, tags: &BTreeMap<String, String>) -> Result<(), CloudError> {
        let call = Call::new(TAG, EVERYWHERE);
        let sent = self.client.tag_role().role_name(self.name).set_tags(Some(built(tags, &call)?)).send().await;
        sent.map(drop).map_err(|error| call.failed(error))
    }

    async fn untag(&self, keys: &[String]) -> Result<(), CloudError> {
        let sent = self.client.untag_role().role_name(self.name).set_tag_keys(Some(keys.to_vec())).send().await;
        sent.map(drop).map_err(|error| Call::new(UNTAG, EVERYWHERE).failed(error))
    }

    async fn put_policy(&self, policy: &str, document: &str) -> Result<(), CloudError> {
        let request = self.client.put_role_policy().role_name(self.name).policy_name(policy).policy_document(document);
        request.send().await.map(drop).map_err(|error| Call::new(PUT_POLICY, EVERYWHERE).failed(error))
    }

    async fn delete_policy(&self, policy: &str) -> Result<(), CloudError> {
        let sent = self.client.delete_role_policy().role_name(self.name).policy_name(policy).send().await;
        sent.map(drop).map_err(|error| Call::new(DELETE_POLICY, EVERYWHERE).failed(error))
    }

    async fn detach(&self, policy: &str) -> Result<(), CloudError> {
        let sent = self.client.detach_role_policy().role_name(self.name).policy_arn(policy).send().await;
        sent.map(drop).map_err(|error| Call::new(DETACH, EVERYWHERE).failed(error))
    }

    async fn delete(&self) -> Result<(), CloudError> {
        let sent = self.client.delete_role().role_name(self.name).send().await;
        sent.map(drop).map_err(|error| Call::new(DELETE, EVERYWHERE).failed(error))
    }
}

fn tags(role: &Found) -> BTreeMap<String, String> {
    role.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}

fn built(tags: &BTreeMap<String, String>, call: &Call<'_>) -> Result<Vec<Tag>, CloudError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let built: Result<Vec<Tag>, BuildError> = tags.iter().map(tag).collect();
    built.map_err(|error| CloudError::Refused(call.reply("InvalidTag", &error.to_string(), None)))
}

/// IAM gives documents percent-encoded (RFC 3986).
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|digits| hex::decode(digits).ok());
        match escaped.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded_and_what_is_no_escape_stays() {
        assert_eq!(decoded("%7B%22a%22%3A%20%22%C3%A9%22%7D"), "{\"a\": \"é\"}");
        for text in ["{\"a\": 1}", "100%", "%", "%2", "%zz", "é%"] {
            assert_eq!(decoded(text), text);
        }
    }
}
