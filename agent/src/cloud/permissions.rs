//! The permissions that calls need, by the names that IAM gives them. What asks for one names it from here: the call, the
//! policy that grants it, and the hint when it is missing.

/// Runs a function.
pub const INVOKE: &str = "lambda:InvokeFunction";
/// Reads what the account may run at a time.
pub const GET_ACCOUNT_SETTINGS: &str = "lambda:GetAccountSettings";

/// Of functions in Lambda.
pub mod functions {
    /// Reads a function's configuration and how its change goes.
    pub const GET: &str = "lambda:GetFunctionConfiguration";
    /// Reads a function's tags.
    pub const LIST_TAGS: &str = "lambda:ListTags";
    /// Makes a function; with it goes [`TAG`], and `iam:PassRole` for its role.
    pub const CREATE: &str = "lambda:CreateFunction";
    /// Replaces a function's code.
    pub const UPDATE_CODE: &str = "lambda:UpdateFunctionCode";
    /// Changes a function's configuration; with a role goes `iam:PassRole`.
    pub const UPDATE_CONFIGURATION: &str = "lambda:UpdateFunctionConfiguration";
    /// Sets a function's tags.
    pub const TAG: &str = "lambda:TagResource";
    /// Removes a function.
    pub const DELETE: &str = "lambda:DeleteFunction";
}

/// Of log groups in CloudWatch Logs.
pub mod log_groups {
    /// Finds a log group and its retention. AWS grants it for all groups of a region or for none.
    pub const DESCRIBE: &str = "logs:DescribeLogGroups";
    /// Reads a log group's tags.
    pub const LIST_TAGS: &str = "logs:ListTagsForResource";
    /// Makes a log group; with it goes [`TAG`].
    pub const CREATE: &str = "logs:CreateLogGroup";
    /// Sets how long a log group keeps what it gets.
    pub const SET_RETENTION: &str = "logs:PutRetentionPolicy";
    /// Sets a log group's tags.
    pub const TAG: &str = "logs:TagResource";
    /// Removes a log group.
    pub const DELETE: &str = "logs:DeleteLogGroup";
}

/// Of roles in IAM.
pub mod roles {
    /// Reads a role with its trust and its tags.
    pub const GET: &str = "iam:GetRole";
    /// Reads which policies stand in a role.
    pub const LIST_POLICIES: &str = "iam:ListRolePolicies";
    /// Reads a policy that stands in a role.
    pub const GET_POLICY: &str = "iam:GetRolePolicy";
    /// Reads which policies are attached to a role.
    pub const LIST_ATTACHED: &str = "iam:ListAttachedRolePolicies";
    /// Makes a role; with it goes [`TAG`].
    pub const CREATE: &str = "iam:CreateRole";
    /// Sets whom a role trusts.
    pub const UPDATE_TRUST: &str = "iam:UpdateAssumeRolePolicy";
    /// Sets a role's tags.
    pub const TAG: &str = "iam:TagRole";
    /// Takes tags off a role.
    pub const UNTAG: &str = "iam:UntagRole";
    /// Sets a policy in a role.
    pub const PUT_POLICY: &str = "iam:PutRolePolicy";
    /// Removes a policy from a role.
    pub const DELETE_POLICY: &str = "iam:DeleteRolePolicy";
    /// Takes an attached policy off a role.
    pub const DETACH: &str = "iam:DetachRolePolicy";
    /// Removes a role.
    pub const DELETE: &str = "iam:DeleteRole";
    /// Hands a role to a service; asked for by calls that name a role, not by one of its own.
    pub const PASS: &str = "iam:PassRole";
}
