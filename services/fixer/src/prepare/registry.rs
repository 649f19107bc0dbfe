//! Where an installation may fetch from, asked of the machine's own package clients: no host name is written here.
use std::path::PathBuf;
use std::time::Duration;

use sandbox::{Command, HostPattern, Limits, Mount, Sandbox};
use serde::Deserialize;

use super::toolchain::{Interpreter, Node};
use super::{PrepareError, Settings};

/// Prints the index and file hosts that this pip knows by itself and what it is set to. It is the machine's pip, and sees no checkout.
const ASK_PIP: &str = "
import json, sys
found = {'index': None, 'extra': [], 'hosts': [], 'find_links': []}
try:
    from pip._internal.models.index import PyPI
    found['index'] = PyPI.simple_url
    found['hosts'].append(PyPI.file_storage_domain)
    from pip._internal.configuration import Configuration
    configuration = Configuration(isolated=False)
    configuration.load()
    for key, value in configuration.items():
        name = key.split('.', 1)[-1]
        if name == 'index-url':
            found['index'] = value
        elif name == 'extra-index-url':
            found['extra'] += value.split()
        elif name == 'find-links':
            found['find_links'] += value.split()
except ImportError:
    pass
print(json.dumps(found))
";

#[derive(Debug, Default, Deserialize)]
struct Pip {
    index: Option<String>,
    extra: Vec<String>,
    hosts: Vec<String>,
    find_links: Vec<String>,
}

/// What an installation can reach, and how its clients are told.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub allow: Vec<HostPattern>,
    /// Options of `pip install`.
    pub pip_options: Vec<String>,
    /// The registry that npm uses.
    pub npm_registry: Option<String>,
    /// Folders with wheels.
    pub mounts: Vec<Mount>,
}

impl Reach {
    pub(super) async fn ask(
        sandbox: &dyn Sandbox,
        settings: &Settings,
        python: Option<&Interpreter>,
        node: Option<&Node>,
    ) -> Result<Self, PrepareError> {
        let mut reach = Self::default();
        for host in &settings.allow_hosts {
            reach.allow.push(
                host.parse()
                    .map_err(|reason| PrepareError::Setting(format!("allow_hosts: {reason}")))?,
            );
        }
        if let Some(python) = python {
            reach.pip(sandbox, settings, python).await?;
        }
        if let Some(node) = node {
            let command = asking([
                node.npm.display().to_string(),
                "config".into(),
                "get".into(),
                "registry".into(),
            ])
            .mounts(node.toolchain.mounts.iter().cloned())
            .mounts(configuration(&[".npmrc"]));
            let finished = sandbox.run(&command).await?;
            let registry = finished.stdout.text.trim();
            if finished.succeeded() && registry.contains("://") {
                reach.url(registry);
                reach.npm_registry = without_credentials(registry);
            }
        }
        Ok(reach)
    }

    async fn pip(
        &mut self,
        sandbox: &dyn Sandbox,
        settings: &Settings,
        python: &Interpreter,
    ) -> Result<(), PrepareError> {
        let command = asking([
            python.toolchain.executable.display().to_string(),
            "-c".into(),
            ASK_PIP.into(),
        ])
        .mounts(python.toolchain.mounts.iter().cloned())
        .mounts(configuration(&[".config/pip/pip.conf", ".pip/pip.conf"]));
        let finished = sandbox.run(&command).await?;
        let pip: Pip = serde_json::from_str(finished.stdout.text.trim()).unwrap_or_default();
        if let Some(index) = settings.pip_index.clone().or(pip.index) {
            self.url(&index);
            if let Some(index) = without_credentials(&index) {
                self.pip_options.extend(["--index-url".to_owned(), index]);
            }
        }
        for extra in &pip.extra {
            self.url(extra);
            if let Some(extra) = without_credentials(extra) {
                self.pip_options.extend(["--extra-index-url".to_owned(), extra]);
            }
        }
        for host in &pip.hosts {
            self.url(&format!("https://{host}/"));
        }
        for link in pip
            .find_links
            .iter()
            .map(PathBuf::from)
            .chain(settings.find_links.iter().cloned())
        {
            let folder = PathBuf::from(link.to_string_lossy().trim_start_matches("file://"));
            if folder.is_absolute() && folder.is_dir() && folder.components().count() > 2 {
                self.pip_options
                    .extend(["--find-links".to_owned(), folder.display().to_string()]);
                self.mounts.push(Mount::read_only(&folder, &folder));
            } else if link.to_string_lossy().contains("://") {
                self.url(&link.to_string_lossy());
            }
        }
        Ok(())
    }

    /// Lets the host of a URL through, with its port: it is the machine's own setting, so it may be a private address.
    fn url(&mut self, url: &str) {
        let Ok(url) = url::Url::parse(url) else { return };
        if let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default())
            && let Ok(pattern) = format!("{host}:{port}").parse()
            && !self.allow.contains(&pattern)
        {
            self.allow.push(pattern);
        }
    }
}

/// A password for a registry would be a secret in the sandbox, so it stays out; such a registry then refuses.
fn without_credentials(url: &str) -> Option<String> {
    let mut url = url::Url::parse(url).ok()?;
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
}

fn asking(argv: impl IntoIterator<Item = String>) -> Command {
    let limits = Limits {
        wall: Duration::from_secs(60),
        cpu: Duration::from_secs(60),
        ..Limits::default()
    };
    Command::new(argv).limits(limits)
}

/// The clients' own configuration of this machine. It may hold passwords: it is shown to the clients only, without a network.
fn configuration(names: &[&str]) -> Vec<Mount> {
    let mut mounts = Vec::new();
    if let Some(home) = std::env::home_dir() {
        mounts.extend(names.iter().map(|name| (home.join(name), format!("/tmp/home/{name}"))));
    }
    mounts.extend(["/etc/pip.conf", "/etc/npmrc"].map(|path| (PathBuf::from(path), path.to_owned())));
    mounts
        .into_iter()
        .filter(|(host, _)| host.is_file())
        .map(|(host, inside)| Mount::read_only(host, inside))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_lets_its_host_and_port_through_and_keeps_its_password_out() {
        let mut reach = Reach::default();
        reach.url("https://ann:pw@wheels.example.org/simple");
        reach.url("http://10.0.0.1:8080/");
        reach.url("not a url");
        assert_eq!(
            reach.allow,
            ["wheels.example.org:443", "10.0.0.1:8080"].map(|text| text.parse().unwrap_or_else(|_| unreachable!()))
        );
        assert_eq!(
            without_credentials("https://ann:pw@wheels.example.org/simple").as_deref(),
            Some("https://wheels.example.org/simple")
        );
    }
}
