//! What stands below each command's help: lines that work as they are.

pub(super) const ALL: &str = "\
Examples:
  awslambdaproxy run --local                  try it, without an account
  awslambdaproxy -r us-west-2,eu-* -f 5m      a new address in every region each five minutes
  awslambdaproxy status --watch
  awslambdaproxy exec -- curl https://checkip.amazonaws.com";

pub(super) const RUN: &str = "\
Examples:
  awslambdaproxy run --local
  awslambdaproxy run --regions us-west-2,eu-west-1 --frequency 10m
  awslambdaproxy run --bypass '*.corp.example' --drain 5m";

pub(super) const STATUS: &str = "\
Examples:
  awslambdaproxy status --watch
  awslambdaproxy status --json | jq -r '.exits[] | select(.state == \"active\") | .exit_ip'";

pub(super) const ROTATE: &str = "\
Examples:
  awslambdaproxy rotate
  awslambdaproxy rotate --fresh us-west-2";

pub(super) const INIT: &str = "\
Examples:
  awslambdaproxy init
  awslambdaproxy init --yes --relay-file code.txt --profile work --regions us-east-1,eu-* --budget 5
  ssh root@relay.example.com cat pairing-code | awslambdaproxy init --relay -";

pub(super) const DOCTOR: &str = "\
Examples:
  awslambdaproxy doctor
  awslambdaproxy doctor --local               beside `run --local`: without the account
  awslambdaproxy doctor --json | jq -r '.checks[] | select(.status == \"FAIL\") | .mend'";

pub(super) const CONFIG: &str = "\
Examples:
  awslambdaproxy config check
  awslambdaproxy config show | grep exits";

pub(super) const UPDATE: &str = "\
Examples:
  awslambdaproxy update --check
  awslambdaproxy update
  awslambdaproxy update --to 0.1.0            back to an older release";

pub(super) const SERVICE: &str = "\
Examples:
  awslambdaproxy service install
  awslambdaproxy service status";

pub(super) const PROXY: &str = "\
Examples:
  awslambdaproxy proxy on
  awslambdaproxy proxy off";

pub(super) const ENV: &str = "\
Examples:
  eval \"$(awslambdaproxy env)\"               bash, zsh
  awslambdaproxy env | source                 fish
  eval \"$(awslambdaproxy env --unset)\"";

pub(super) const EXEC: &str = "\
Examples:
  awslambdaproxy exec -- curl https://checkip.amazonaws.com
  awslambdaproxy exec --region us-west-2 -- python3 scrape.py";

pub(super) const COMPLETIONS: &str = "\
Examples:
  awslambdaproxy completions bash > ~/.local/share/bash-completion/completions/awslambdaproxy
  awslambdaproxy completions fish > ~/.config/fish/completions/awslambdaproxy.fish";

pub(super) const DEPLOY: &str = "\
Examples:
  awslambdaproxy deploy --plan           what would be made or changed; writes nothing
  awslambdaproxy deploy                  do it; again after each change of [aws] or regions, or update
  awslambdaproxy deploy -r 'eu-*' -m 256
  awslambdaproxy policy deploy           the permissions that it needs

It makes one IAM role that grants nothing and, in each region, one function that costs nothing
while it does not run. What is as wished stays untouched; what an interrupted deployment left is
mended.";

pub(super) const DESTROY: &str = "\
Examples:
  awslambdaproxy destroy           show what would be removed, ask, remove it
  awslambdaproxy destroy --yes     do not ask
  awslambdaproxy policy destroy    the permissions that it needs

It looks in the regions of the configuration and in all where this desktop, or the role's tags, know
of a deployment, removes functions, log groups and the role, and ends a running proxy of this
configuration first. Safe to run again.";

pub(super) const POLICY: &str = "\
Examples:
  awslambdaproxy policy run > run.json
  aws iam create-policy --policy-name awslambdaproxy-run --policy-document file://run.json

It needs no credentials. Names and regions are those of the configuration; the account stands as *,
since a policy grants nothing outside the account in which it stands.";
