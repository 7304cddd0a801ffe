//! The findings for people: a table, what to do below it, and the sum last.

use std::fmt::Write as _;

use super::check::{Check, Findings, Status, Summary};
use crate::columns::table;

const HEAD: [&str; 4] = ["COMPONENT", "TARGET", "STATUS", "DETAILS"];

pub(super) fn render(findings: &Findings) -> String {
    let mut out = table(&HEAD, findings.0.iter().map(row).collect());
    let mends: Vec<String> = findings.0.iter().filter_map(mend).collect();
    if !mends.is_empty() {
        let _ = writeln!(out, "\n{}", mends.join("\n"));
    }
    let Summary { pass, warn, fail, skip } = findings.summary();
    let verdict = if fail > 0 { "something does not work" } else { "it works" };
    let _ = writeln!(out, "\nSUMMARY  {pass} PASS, {warn} WARN, {fail} FAIL, {skip} SKIP: {verdict}");
    out
}

fn mend(check: &Check) -> Option<String> {
    let mend = check.mend.as_ref()?;
    Some(format!("{} {} {}: {mend}", word(check.status), check.component, check.target))
}

fn row(check: &Check) -> Vec<String> {
    vec![check.component.to_owned(), check.target.clone(), word(check.status).to_owned(), check.details.replace('\n', " ")]
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Pass => "PASS",
        Status::Warn => "WARN",
        Status::Fail => "FAIL",
        Status::Skip => "SKIP",
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Area;
    use super::*;

    #[test]
    fn a_table_then_the_mends_then_the_sum() {
        let findings = Findings(vec![
            Check::pass(Area::Config, "config", "config.toml", "sound"),
            Check::fail(Area::Relay, "relay", "wss://relay.example.com", "TCP: refused").mend("start it"),
        ]);
        let expected = "\
COMPONENT  TARGET                   STATUS  DETAILS
config     config.toml              PASS    sound
relay      wss://relay.example.com  FAIL    TCP: refused

FAIL relay wss://relay.example.com: start it

SUMMARY  1 PASS, 0 WARN, 1 FAIL, 0 SKIP: something does not work
";
        assert_eq!(render(&findings), expected);
    }
}
