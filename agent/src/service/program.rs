//! The name of a program that stays its name when it is updated: package managers put a link to each version on the path.
//!
//! Never: a name that leads to another file than the one that runs.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The name by which the program of `file` was called, made absolute; `file` itself where that is not to be told. `called` is its
/// first argument, `path` where shells look for programs.
pub fn lasting(file: PathBuf, called: Option<OsString>, path: Option<&OsStr>) -> PathBuf {
    let Some(called) = called else { return file };
    let names = if Path::new(&called).components().count() > 1 { vec![called.into()] } else { on(path, &called) };
    let mut names = names.into_iter().filter_map(|name| std::path::absolute(name).ok());
    names.find(|name| is_same(name, &file)).unwrap_or(file)
}

fn on(path: Option<&OsStr>, called: &OsStr) -> Vec<PathBuf> {
    path.map(|path| env::split_paths(path).map(|directory| directory.join(called)).collect()).unwrap_or_default()
}

fn is_same(name: &Path, file: &Path) -> bool {
    matches!((name.canonicalize(), file.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_that_outlives_a_version_is_the_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let (kept, bin) = (directory.path().join("1.2/bin"), directory.path().join("bin"));
        for folder in [&kept, &bin] {
            fs::create_dir_all(folder).expect("made");
        }
        let (file, link) = (kept.join("awslambdaproxy"), bin.join("awslambdaproxy"));
        fs::write(&file, "").expect("written");
        symlink(&file, &link).expect("linked");
        let other = directory.path().join("other");
        fs::create_dir(&other).expect("made");
        fs::write(other.join("awslambdaproxy"), "").expect("written");
        let path = env::join_paths([other.clone(), bin]).expect("a path");
        let named = |called: &Path| lasting(file.clone(), Some(called.into()), Some(&path));
        assert_eq!(named(&link), link);
        assert_eq!(named(Path::new("awslambdaproxy")), link, "the first on the path is another program");
        // Who starts it may call it anything.
        for called in [other.join("awslambdaproxy"), "other".into(), "".into()] {
            assert_eq!(named(&called), file, "{}", called.display());
        }
        assert_eq!(lasting(file.clone(), None, None), file);
    }
}
