//! The fixer's command line, which goes over the settings.

/// What `--help` says.
pub(crate) const HELP: &str = "\
Carries out attempts: finds, proves and publishes fixes.

Usage: fixer [--kinds KIND,…] [--workers N]

  --kinds KIND,…   which kinds of attempts to take (fixer.kinds): fix; analyse and validate cannot be carried out yet
  --workers N      attempts at once, over all kinds (fixer.workers)
  --help           this text

Everything else is a setting; config/default.toml says what each means, and by which name the environment sets it.
";

/// What somebody typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// What there is to type.
    Help,
    /// These settings: key and value.
    Set(Vec<(&'static str, String)>),
}

/// Something that nobody can type.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Mistake(String);

/// Reads the arguments behind the program's name.
pub(crate) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Arguments, Mistake> {
    let (mut arguments, mut set) = (arguments.into_iter(), Vec::new());
    while let Some(argument) = arguments.next() {
        let (flag, value) = argument
            .split_once('=')
            .map_or((argument.as_str(), None), |(flag, value)| {
                (flag, Some(value.to_owned()))
            });
        let key = match flag {
            "--kinds" => "fixer.kinds",
            "--workers" => "fixer.workers",
            "--help" | "-h" => return Ok(Arguments::Help),
            _ => {
                return Err(Mistake(format!(
                    "`{flag}` is no flag of the fixer: --kinds, --workers and --help are"
                )));
            }
        };
        let value = value.or_else(|| arguments.next()).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| Mistake(format!("{flag} needs a value; --help shows one")))?;
        set.push((key, value));
    }
    Ok(Arguments::Set(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Arguments, Mistake> {
        read(line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned))
    }

    #[test]
    fn flags_are_settings_and_a_mistake_is_a_sentence() {
        let set = |all: &[(&'static str, &str)]| {
            let all = all.iter().map(|(key, value)| (*key, (*value).to_owned()));
            Ok(Arguments::Set(all.collect()))
        };
        assert_eq!(typed(""), set(&[]));
        assert_eq!(
            typed("--kinds fix,analyse --workers=3"),
            set(&[("fixer.kinds", "fix,analyse"), ("fixer.workers", "3")])
        );
        assert_eq!(typed("--workers 2 --help"), Ok(Arguments::Help));
        for (line, sentence) in [
            (
                "--kind fix",
                "`--kind` is no flag of the fixer: --kinds, --workers and --help are",
            ),
            (
                "fix",
                "`fix` is no flag of the fixer: --kinds, --workers and --help are",
            ),
            ("--workers", "--workers needs a value; --help shows one"),
            ("--kinds=", "--kinds needs a value; --help shows one"),
        ] {
            assert_eq!(typed(line), Err(Mistake(sentence.into())), "{line}");
        }
    }
}
