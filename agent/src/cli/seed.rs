//! The seed's command line as it stands: `awslambdaproxy -regions us-west-2,us-west-1 -frequency 10`.
//!
//! Never: any other long name takes one dash; `-regions` would else be `-r egions`.

use std::ffi::OsString;

/// The two names.
const ONE_DASH: [&str; 2] = ["-regions", "-frequency"];

/// Letters that may be wrong or missing. With three, shorter names of one dash would be near.
const SLIPS: usize = 2;

/// Gives these two their second dash, also as `-regions=…`; what follows `--` is left alone.
pub(super) fn rewrite(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut after_dashes = false;
    let mend = |argument: OsString| {
        after_dashes |= argument == "--";
        if after_dashes || !is_one_dash(&argument) {
            return argument;
        }
        let mut mended = OsString::from("-");
        mended.push(argument);
        mended
    };
    arguments.into_iter().map(mend).collect()
}

/// The one of the two that is meant by an argument that is nearly it, which else is read as `-r` or `-f` with a value.
pub(super) fn meant(arguments: &[OsString]) -> Option<&'static str> {
    let typed = arguments.iter().take_while(|argument| *argument != "--").map(|argument| argument.to_string_lossy());
    typed.filter_map(|text| nearest(text.split_once('=').map_or(text.as_ref(), |(name, _)| name))).next()
}

fn nearest(name: &str) -> Option<&'static str> {
    let is_one_dash = name.starts_with('-') && !name.starts_with("--");
    ONE_DASH.into_iter().find(|known| is_one_dash && (1..=SLIPS).contains(&strsim::osa_distance(name, known)))
}

fn is_one_dash(argument: &OsString) -> bool {
    let text = argument.to_string_lossy();
    let name = text.split_once('=').map_or(text.as_ref(), |(name, _)| name);
    ONE_DASH.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_names_get_a_dash() {
        for (line, expected) in [
            ("-regions a -frequency 10", "--regions a --frequency 10"),
            ("-regions=a,b -frequency=10", "--regions=a,b --frequency=10"),
            ("-region a -frequenc -r -f", "-region a -frequenc -r -f"),
            ("--regions a -- -regions", "--regions a -- -regions"),
        ] {
            let words = |line: &str| -> Vec<OsString> { line.split(' ').map(OsString::from).collect() };
            assert_eq!(rewrite(words(line)), words(expected));
        }
    }

    #[test]
    fn a_slip_is_told_from_what_is_right_and_from_what_is_another() {
        for (line, expected) in [
            ("-region a", Some("-regions")),
            ("--local -frequenzy=5", Some("-frequency")),
            ("-regions a -frequency 5 -v -rus-west-2 --region x", None),
            ("exec -- -region", None),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(meant(&words), expected, "{line}");
        }
    }
}
