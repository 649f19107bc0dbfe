//! The four services, and which settings each of them may know.

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Takes webhooks.
    Ingest,
    /// Decides and remembers.
    Planner,
    /// Carries out attempts.
    Fixer,
    /// Tells people.
    Notifier,
}

/// What only some may know, by the beginning of its name. Everything else is handed to all.
const PRIVATE: [(&str, &[Service]); 9] = [
    ("GITHUB_WEBHOOK_SECRET", &[Service::Ingest]),
    ("SENTRY_WEBHOOK_SECRET", &[Service::Ingest]),
    ("FIXPOINT__INGEST__", &[Service::Ingest]),
    ("DATABASE_URL", &[Service::Planner]),
    ("FIXPOINT__DATABASE__", &[Service::Planner]),
    ("GITHUB_TOKEN", &[Service::Planner]),
    ("FIXPOINT__GITHUB__AUTH__", &[Service::Planner]),
    ("SLACK_", &[Service::Notifier]),
    ("FIXPOINT__SLACK__", &[Service::Notifier]),
];

impl Service {
    /// Every service, in the order of a signal's way.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Planner, Self::Fixer, Self::Notifier];

    /// Its name, which is its program's.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Planner => "planner",
            Self::Fixer => "fixer",
            Self::Notifier => "notifier",
        }
    }

    /// Whether it may know a setting, by its name in the environment.
    #[must_use]
    pub fn may_know(self, name: &str) -> bool {
        PRIVATE
            .iter()
            .find(|(beginning, _)| name.starts_with(beginning))
            .is_none_or(|(_, who)| who.contains(&self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_to_whom_it_is_for_and_to_nobody_else() {
        let who = |name| {
            Service::ALL
                .into_iter()
                .filter(|service| service.may_know(name))
                .collect::<Vec<_>>()
        };
        assert_eq!(who("GITHUB_WEBHOOK_SECRET"), [Service::Ingest]);
        assert_eq!(who("GITHUB_TOKEN"), [Service::Planner]);
        assert_eq!(who("FIXPOINT__GITHUB__AUTH__APP__PRIVATE_KEY"), [Service::Planner]);
        assert_eq!(who("DATABASE_URL"), [Service::Planner]);
        assert_eq!(who("SLACK_BOT_TOKEN"), [Service::Notifier]);
        for open in [
            "AMQP_URL",
            "GITHUB_API_URL",
            "SENTRY_FIXER_ENABLED",
            "FIXPOINT__GITHUB__RETRY__LADDER_MS",
        ] {
            assert_eq!(who(open), Service::ALL, "{open}");
        }
    }
}
