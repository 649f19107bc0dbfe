//! Where a command line has unittest look for tests: its folder, and the options of `discover`.

use engines::runner::Discover;

/// The folder that the tests are started in, relative to the checkout, and how they are found there.
#[must_use]
pub fn read(command: &str, working_directory: &str) -> (String, Discover) {
    let mut folder = working_directory.to_owned();
    let mut rest = command.trim();
    while let Some((first, after)) = rest.split_once("&&")
        && let Some(next) = first.trim().strip_prefix("cd ").and_then(plain)
    {
        folder = match folder.as_str() {
            "" => next.to_owned(),
            above => format!("{above}/{next}"),
        };
        rest = after.trim();
    }
    let mut discover = Discover::default();
    let mut words = rest.split_whitespace().map(|word| word.trim_matches(['\'', '"']));
    if words.by_ref().any(|word| word == "discover") {
        let mut wanted = None;
        let mut positions = ["-s", "-p", "-t"].into_iter();
        for word in words.take_while(|word| !matches!(*word, "&&" | "||" | ";" | "|")) {
            let (option, value) = match (wanted.take(), word.split_once('=')) {
                (Some(option), _) => (option, word),
                (None, Some((option, value))) if option.starts_with("--") => (option, value),
                (None, _) if word.starts_with('-') => {
                    wanted = takes_value(word).then_some(word);
                    continue;
                }
                (None, _) => (positions.next().unwrap_or_default(), word),
            };
            let value = value.trim_matches(['\'', '"']);
            match option {
                "-s" | "--start-directory" => value.trim_end_matches('/').clone_into(&mut discover.start),
                "-p" | "--pattern" => value.clone_into(&mut discover.pattern),
                "-t" | "--top-level-directory" => value.trim_end_matches('/').clone_into(&mut discover.top),
                _ => {}
            }
        }
    }
    (folder, discover)
}

fn takes_value(option: &str) -> bool {
    matches!(
        option,
        "-s" | "--start-directory" | "-p" | "--pattern" | "-t" | "--top-level-directory" | "-k" | "--durations"
    )
}

/// A folder below the checkout, written without anything that a shell would replace.
fn plain(folder: &str) -> Option<&str> {
    let folder = folder
        .trim()
        .trim_matches(['\'', '"'])
        .trim_start_matches("./")
        .trim_end_matches('/');
    domain::path::RepoPath::parse(folder)
        .is_ok_and(|_| !folder.contains(['$', '*', ' ', '`']))
        .then_some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folder_and_options_are_read() {
        let found = |command: &str| {
            let (folder, found) = read(command, "");
            (folder, found.start, found.pattern, found.top)
        };
        let expected = |folder: &str, start: &str, pattern: &str, top: &str| {
            (folder.to_owned(), start.to_owned(), pattern.to_owned(), top.to_owned())
        };
        for (command, folder, start, pattern, top) in [
            ("python -m unittest", "", ".", "test*.py", ""),
            (
                "python -m unittest discover -s tests -t .",
                "",
                "tests",
                "test*.py",
                ".",
            ),
            (
                "cd backend && python -m unittest discover -v -p '*_test.py'",
                "backend",
                ".",
                "*_test.py",
                "",
            ),
            (
                "cd a && cd ./b/ && python3 -m unittest discover tests",
                "a/b",
                "tests",
                "test*.py",
                "",
            ),
            (
                "python -m unittest discover --start-directory=t/ -k x || true",
                "",
                "t",
                "test*.py",
                "",
            ),
            ("cd $HOME && python -m unittest", "", ".", "test*.py", ""),
        ] {
            assert_eq!(found(command), expected(folder, start, pattern, top), "{command}");
        }
        assert_eq!(read("cd x && pytest", "api").0, "api/x");
    }
}
