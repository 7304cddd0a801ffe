//! The functions' log groups: read, create, change, delete.

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::Client;

use super::account::Account;
use super::error::Call;
use crate::cloud::CloudError;
use crate::cloud::permissions::log_groups::{CREATE, DELETE, DESCRIBE, LIST_TAGS, SET_RETENTION, TAG};

/// A log group as CloudWatch Logs tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogGroup {
    /// Its full name, without the `:*` of its streams.
    pub arn: String,
    /// How many days it keeps what it gets; `None` for ever.
    pub retention_days: Option<u32>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Account {
    /// A log group with its tags; `None` where there is none of that name.
    pub async fn log_group(&self, region: &str, name: &str) -> Result<Option<LogGroup>, CloudError> {
        self.log_groups(region, name, async |calls| calls.read().await).await
    }

    /// Makes a log group.
    pub async fn create_log_group(&self, region: &str, name: &str, tags: BTreeMap<String, String>) -> Result<(), CloudError> {
        self.log_groups(region, name, async |calls| calls.create(tags).await).await
    }

    /// Sets how long a log group keeps what it gets.
    pub async fn set_retention(&self, region: &str, name: &str, days: u32) -> Result<(), CloudError> {
        self.log_groups(region, name, async |calls| calls.set_retention(days).await).await
    }

    /// Sets tags of a log group; others stay.
    pub async fn tag_log_group(&self, region: &str, arn: &str, tags: BTreeMap<String, String>) -> Result<(), CloudError> {
        self.log_groups(region, arn, async |calls| calls.tag(tags).await).await
    }

    /// Removes a log group and all that is in it.
    pub async fn delete_log_group(&self, region: &str, name: &str) -> Result<(), CloudError> {
        self.log_groups(region, name, async |calls| calls.delete().await).await
    }

    async fn log_groups<T>(
        &self,
        region: &str,
        name: &str,
        calls: impl AsyncFnOnce(Calls<'_>) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        self.within(region, async |clients| calls(Calls { client: clients.logs, region, name }).await).await
    }
}

/// The calls about one log group in one region.
struct Calls<'a> {
    client: Client,
    region: &'a str,
    name: &'a str,
}

impl Calls<'_> {
    async fn read(&self) -> Result<Option<LogGroup>, CloudError> {
        let call = Call::new(DESCRIBE, self.region);
        let mut groups = self.client.describe_log_groups().log_group_name_prefix(self.name).into_paginator().items().send();
        while let Some(group) = groups.next().await {
            let group = group.map_err(|error| call.failed(error))?;
            if group.log_group_name() == Some(self.name) {
                let arn = group.arn().ok_or_else(|| call.strange("it names no log group"))?;
                let arn = arn.strip_suffix(":*").unwrap_or(arn).to_owned();
                let retention_days = group.retention_in_days().and_then(|days| u32::try_from(days).ok());
                return Ok(self.tags(&arn).await?.map(|tags| LogGroup { arn, retention_days, tags }));
            }
        }
        Ok(None)
    }

    /// The tags; `None` where the log group has just gone.
    async fn tags(&self, arn: &str) -> Result<Option<BTreeMap<String, String>>, CloudError> {
        let call = Call::new(LIST_TAGS, self.region);
        match self.client.list_tags_for_resource().resource_arn(arn).send().await.map_err(|error| call.failed(error)) {
            Ok(listed) => Ok(Some(listed.tags.unwrap_or_default().into_iter().collect())),
            Err(CloudError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, tags: BTreeMap<String, String>) -> Result<(), CloudError> {
        let request = self.client.create_log_group().log_group_name(self.name).set_tags(Some(tags.into_iter().collect()));
        request.send().await.map(drop).map_err(|error| Call::new(CREATE, self.region).failed(error))
    }

    async fn set_retention(&self, days: u32) -> Result<(), CloudError> {
        let days = i32::try_from(days).unwrap_or(i32::MAX);
        let sent = self.client.put_retention_policy().log_group_name(self.name).retention_in_days(days).send().await;
        sent.map(drop).map_err(|error| Call::new(SET_RETENTION, self.region).failed(error))
    }

    async fn tag(&self, tags: BTreeMap<String, String>) -> Result<(), CloudError> {
        let request = self.client.tag_resource().resource_arn(self.name).set_tags(Some(tags.into_iter().collect()));
        request.send().await.map(drop).map_err(|error| Call::new(TAG, self.region).failed(error))
    }

    async fn delete(&self) -> Result<(), CloudError> {
        let sent = self.client.delete_log_group().log_group_name(self.name).send().await;
        sent.map(drop).map_err(|error| Call::new(DELETE, self.region).failed(error))
    }
}
