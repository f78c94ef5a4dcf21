//! Where an `api_call` may go: to the hosts on the list, at addresses that such a host can have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::executor::settings::AllowedHost;

/// The name of this machine (source: RFC 6761).
const LOCALHOST: &str = "localhost";

/// The address of a call, when it is one of a host on the list. Both sides were read by the same
/// parser, so that no odd spelling of an address is another host than it seems.
pub(super) fn check(address: &str, allowed: &[AllowedHost]) -> Result<Url, String> {
    let mut url = Url::parse(address).map_err(|error| format!("The address is none: {error}."))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("The address must begin with http:// or https://.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("The address must not carry a name or password.".to_owned());
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err("The address names no host.".to_owned());
    };
    let listed = allowed
        .iter()
        .any(|entry| is_host(&entry.host, &host) && entry.port.is_none_or(|only| only == port));
    if !listed {
        return Err(format!(
            "{host}:{port} is not on the list of hosts that may be called. An administrator can \
             add it to executor.api_call.allowed_hosts."
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

fn is_host(entry: &str, host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => entry == *name,
        Host::Ipv4(address) => entry.parse() == Ok(*address),
        Host::Ipv6(address) => entry.parse() == Ok(*address),
    }
}

/// Resolves the names of hosts on the list. The addresses that were looked at are the ones that are
/// connected to: there is no second look that could find others.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let name = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
            for address in &found {
                check_resolved(name, address.ip())?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// A host on the list may be a private one. But no name of another machine leads to this one, or to
/// the machine's own network services: whoever could change such a name could call those.
fn check_resolved(name: &str, address: IpAddr) -> Result<(), String> {
    let plain = embedded(address);
    let local = name == LOCALHOST || name.ends_with(".localhost");
    let refused = match plain {
        _ if plain.is_loopback() => !local,
        IpAddr::V4(v4) => is_unreachable_v4(v4),
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local(),
    };
    if refused {
        return Err(format!(
            "{name} leads to {address}, which no name may lead to; if that is meant, put the \
             address itself on the list"
        ));
    }
    Ok(())
}

/// This network, link-local (where clouds keep their secrets), IETF's own, multicast, reserved and
/// broadcast (source: IANA's registry of special-purpose addresses).
fn is_unreachable_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    first == 0 || address.is_link_local() || (first, second, third) == (192, 0, 0) || first >= 224
}

/// The IPv4 address within an IPv6 one: mapped, compatible, NAT64 and 6to4.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let octets = v6.octets();
    let v4 = |at: usize| {
        let [one, two, three, four] = [0, 1, 2, 3].map(|next| octets[at + next]);
        IpAddr::V4(Ipv4Addr::new(one, two, three, four))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => v4(12),
        [0, 0, 0, 0, 0, 0, ..] if v6 != Ipv6Addr::LOCALHOST && v6 != Ipv6Addr::UNSPECIFIED => {
            v4(12)
        }
        [0x2002, ..] => v4(2),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::{check, check_resolved};
    use crate::executor::settings::AllowedHost;

    fn list(entries: &[(&str, Option<u16>)]) -> Vec<AllowedHost> {
        let entries = entries.iter();
        entries
            .map(|(host, port)| AllowedHost {
                host: (*host).to_owned(),
                port: *port,
            })
            .collect()
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        for address in ["http://example.com/", "http://127.0.0.1/", "https://[::1]/"] {
            let why = check(address, &[]).unwrap_err();
            assert!(why.contains("executor.api_call.allowed_hosts"), "{why}");
        }
    }

    #[test]
    fn only_what_is_listed_is_reached_however_it_is_spelled() {
        let allowed = list(&[
            ("api.example.com", None),
            ("10.0.0.5", Some(8080)),
            ("fd00::1", None),
            ("tls.example", Some(443)),
        ]);
        for address in [
            "http://api.example.com/x",
            "https://API.Example.COM:8443/",
            "http://10.0.0.5:8080/",
            "http://0xa.5:8080/",
            "http://167772165:8080/",
            "http://[fd00:0:0::1]/",
            "https://tls.example/",
        ] {
            assert!(check(address, &allowed).is_ok(), "{address}");
        }
        for address in [
            "http://api.example.com./",
            "http://example.com/",
            "http://xapi.example.com/",
            "http://api.example.com.evil.example/",
            "http://api.example.com@evil.example/",
            "http://api.example.com:80@evil.example/",
            "http://user@api.example.com/",
            "http://evil.example\\@api.example.com/",
            "http://evil.example/?x=http://api.example.com/",
            "http://evil.example#@api.example.com/",
            "http://10.0.0.5/",
            "http://10.0.0.5:80801/",
            "http://[::ffff:10.0.0.5]:8080/",
            "http://tls.example/",
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://①②⑦.0.0.1/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0/",
            "http://ａpi.example.org/",
            "ftp://api.example.com/",
            "file:///etc/passwd",
            "http:///x",
            "api.example.com",
            "",
        ] {
            assert!(check(address, &allowed).is_err(), "{address}");
        }
    }

    #[test]
    fn a_name_may_lead_to_a_private_network_and_never_to_this_machine() {
        let leads = |name: &str, address: &str| check_resolved(name, address.parse().unwrap());
        for address in [
            "93.184.216.34",
            "10.1.2.3",
            "192.168.0.7",
            "100.64.0.1",
            "2606:2800:220:1::1",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(leads("intra.example", address), Ok(()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "127.8.9.10",
            "::1",
            "0.0.0.0",
            "::",
            "169.254.169.254",
            "fe80::1",
            "224.0.0.1",
            "ff02::1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.192",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
        ] {
            assert!(leads("intra.example", address).is_err(), "{address}");
        }
        assert_eq!(leads("localhost", "127.0.0.1"), Ok(()));
        assert_eq!(leads("app.localhost", "::1"), Ok(()));
        assert!(leads("localhost", "169.254.169.254").is_err());
        assert!(leads("notlocalhost", "127.0.0.1").is_err());
    }
}
