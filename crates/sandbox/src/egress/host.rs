//! Which hosts are let through.

use std::net::IpAddr;
use std::str::FromStr;

/// A host that the proxy lets through, written as `host`, `host:port`, `.suffix` or `.suffix:port`. Without a port, 80 and 443.
/// A leading dot means any name below, and not the name itself. An address, or a name that resolves to a private address, is let
/// through only when it is listed exactly, with its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    name: String,
    is_suffix: bool,
    port: Option<u16>,
}

/// How firmly a host is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Listed {
    /// Not at all.
    No,
    /// By name: only public addresses.
    ByName,
    /// Exactly, with its port: any address.
    Exactly,
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no host pattern: write `host`, `host:port`, `.suffix` or `.suffix:port`");
        let (name, port) = split_port(text).ok_or_else(bad)?;
        let is_suffix = name.starts_with('.');
        let name = normal(name.trim_start_matches('.')).ok_or_else(bad)?;
        if is_suffix && name.parse::<IpAddr>().is_ok() {
            return Err(bad());
        }
        Ok(Self { name, is_suffix, port })
    }
}

impl HostPattern {
    fn judge(&self, host: &str, port: u16) -> Listed {
        let port_fits = self.port.map_or(matches!(port, 80 | 443), |listed| listed == port);
        let name_fits = if self.is_suffix {
            host.strip_suffix(&self.name)
                .is_some_and(|front| front.len() > 1 && front.ends_with('.'))
        } else {
            host == self.name
        };
        match (port_fits && name_fits, self.is_suffix || self.port.is_none()) {
            (false, _) => Listed::No,
            (true, true) => Listed::ByName,
            (true, false) => Listed::Exactly,
        }
    }
}

pub(super) fn judge(patterns: &[HostPattern], host: &str, port: u16) -> Listed {
    patterns
        .iter()
        .map(|pattern| pattern.judge(host, port))
        .max()
        .unwrap_or(Listed::No)
}

/// Splits `host:port` and `[v6]:port`. A bare v6 address has no port.
pub(super) fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((address, Some(port.parse().ok()?))),
            None if after.is_empty() => Some((address, None)),
            None => None,
        };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        Some(_) => Some((text, None)),
        None => Some((text, None)),
    }
}

/// Lower case, without the final dot; `None` for what is no host name and no address.
pub(super) fn normal(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    let fine = !host.is_empty()
        && host.len() <= 253
        && host.split('.').all(|label| !label.is_empty() && label.len() <= 63)
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    fine.then_some(host)
}

/// Whether a text that is no plain address would still be read as one by the C library: `127.1`, `0x7f.1`, `2130706433`.
pub(super) fn is_address_like(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
        || host.rsplit('.').next().is_some_and(|last| {
            last.bytes().all(|b| b.is_ascii_digit())
                || last
                    .strip_prefix("0x")
                    .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
        })
}

/// Whether an address belongs to the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = v6.to_ipv4() {
                return is_public(IpAddr::V4(v4));
            }
            let parts = v6.segments();
            let first = parts[0];
            // Only global unicast; of that not documentation, 6to4, Teredo and NAT64, which carry v4 addresses.
            (first & 0xe000) == 0x2000 && first != 0x2002 && !(first == 0x2001 && (parts[1] == 0x0db8 || parts[1] == 0))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn patterns(list: &[&str]) -> Vec<HostPattern> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn judges_hosts() {
        let list = patterns(&[
            "index.example",
            ".files.example",
            "127.0.0.1:8081",
            "intern.example:8443",
        ]);
        for (host, port, expected) in [
            ("index.example", 443, Listed::ByName),
            ("index.example", 80, Listed::ByName),
            ("index.example", 22, Listed::No),
            ("evil-index.example", 443, Listed::No),
            ("index.example.evil", 443, Listed::No),
            ("a.files.example", 443, Listed::ByName),
            ("files.example", 443, Listed::No),
            (".files.example", 443, Listed::No),
            ("afiles.example", 443, Listed::No),
            ("127.0.0.1", 8081, Listed::Exactly),
            ("127.0.0.1", 8082, Listed::No),
            ("intern.example", 8443, Listed::Exactly),
            ("intern.example", 443, Listed::No),
        ] {
            assert_eq!(judge(&list, host, port), expected, "{host}:{port}");
        }
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        for text in [
            "",
            ".",
            "a b",
            "host:port",
            "host:99999",
            "*.example",
            "http://host",
            "[::1",
            ".127.0.0.1",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        assert!("[::1]:8080".parse::<HostPattern>().is_ok());
    }

    #[test]
    fn knows_disguised_addresses() {
        for text in ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "::1", "10.0.0.0x1"] {
            assert!(is_address_like(text), "{text}");
        }
        for text in ["example", "1.example", "a1.b2"] {
            assert!(!is_address_like(text), "{text}");
        }
    }

    #[test]
    fn knows_private_addresses() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["1.1.1.1", "151.101.0.223", "2a04:4e42::223", "2606:4700::1111"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
