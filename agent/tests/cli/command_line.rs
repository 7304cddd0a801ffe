//! Arguments: the seed's line, usage errors, completions and the manual page.

use super::home::Home;

#[test]
fn without_a_configuration_run_says_what_to_do() {
    for arguments in [&[][..], &["run"], &["-regions", "us-west-2,us-west-1", "-frequency", "10"]] {
        let ended = Home::new().run(arguments);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stderr.contains("awslambdaproxy run --local"), "{ended:?}");
        assert!(ended.stdout.is_empty());
    }
}

#[test]
fn the_seeds_line_sets_regions_and_frequency() {
    let home = Home::new();
    let ended = home.run(&["-regions", "us-west-2,moon", "-frequency=often"]);
    assert_eq!(ended.code, Some(2), "the command line alone is wrong: {ended:?}");
    for part in ["--regions: regions", "\"moon\" is not a region's name", "--frequency: frequency = \"often\""] {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let slip = home.run(&["-region", "us-west-2"]);
    assert_eq!(slip.code, Some(2), "no other name takes one dash");
    assert!(slip.stderr.contains("tip: `-regions` may be meant"), "{slip:?}");
}

#[test]
fn a_level_that_is_none_is_named_with_those_that_are() {
    let home = Home::new();
    let mut command = home.command(&["config", "path"]);
    let ended: super::home::Ended = command.env("AWSLAMBDAPROXY_LOG", "warn,verbose").output().expect("started").into();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    let told = "AWSLAMBDAPROXY_LOG: \"verbose\" is no level; there are off, error, warn, info, debug and trace";
    assert!(ended.stderr.contains(told), "{ended:?}");
}

#[test]
fn help_and_version_are_data() {
    let home = Home::new();
    for (arguments, part) in [(["--help"], "rotate"), (["--version"], env!("CARGO_PKG_VERSION"))] {
        let ended = home.run(&arguments);
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.contains(part), "{ended:?}");
    }
    let ended = home.run(&["fly"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
}

#[test]
fn completions_know_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let ended = home.run(&["completions", shell]);
        assert_eq!(ended.code, Some(0));
        assert!(ended.stdout.contains("rotate") && ended.stdout.contains("frequency"), "{shell}");
    }
}

#[test]
fn the_manual_page_is_one() {
    let ended = Home::new().run(&["man"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains(".TH awslambdaproxy"), "{}", ended.stdout);
}
