//! The address of Redis.
//!
//! `redis://`, `rediss://`: one server, `scheme://[user:password@]host[:port][/database]`.
//! `redis-cluster://`: nodes separated by commas. `redis-sentinel://`: sentinels separated by commas, with the
//! parameter `sentinelServiceName`. Both also take further hosts as parameters `node=host:port`, and TLS by
//! `tls=true`. User and password are percent-encoded.

use hub_types::Secret;
use percent_encoding::percent_decode_str;
use thiserror::Error;

/// Where Redis is and how to log in. `Debug` shows no password.
#[derive(Debug, Clone)]
pub struct RedisUrl {
    pub(crate) topology: Topology,
    pub(crate) tls: bool,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: Option<u8>,
}

/// What is found at the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// One server: host and port.
    Standalone(String, u16),
    /// Sentinels, and the name under which they know the server.
    Sentinel {
        /// The sentinels' hosts and ports.
        hosts: Vec<(String, u16)>,
        /// The name of the service.
        service: String,
    },
    /// Nodes of a cluster: hosts and ports of some of them.
    Cluster(Vec<(String, u16)>),
}

/// What is wrong with an address. The texts do not repeat it: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RedisUrlError {
    /// Not one of the four schemes.
    #[error("it must begin with redis://, rediss://, redis-sentinel:// or redis-cluster://")]
    Scheme,
    /// A host or port cannot be read, or there are several where one is meant.
    #[error("its host must be host or host:port (a comma-separated list for sentinels and clusters)")]
    Host,
    /// User or password are not percent-encoded UTF-8.
    #[error("its user and password must be percent-encoded UTF-8")]
    Credentials,
    /// The path is no database number, or a cluster has one.
    #[error("its path must be a database number, and a cluster has none")]
    Database,
    /// A parameter is not known here.
    #[error("it may have the parameters node, tls and sentinelServiceName, those that fit its scheme")]
    Parameter,
    /// A sentinel address without the service's name.
    #[error("a redis-sentinel:// address needs the parameter sentinelServiceName")]
    ServiceName,
}

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl RedisUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, RedisUrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(RedisUrlError::Scheme)?;
        if !matches!(scheme, "redis" | "rediss" | "redis-sentinel" | "redis-cluster") {
            return Err(RedisUrlError::Scheme);
        }
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (username, password) = read_credentials(credentials)?;
        let parameters = Parameters::read(query, scheme)?;

        let port = if scheme == "redis-sentinel" { SENTINEL_PORT } else { REDIS_PORT };
        let hosts = hosts.split(',').chain(parameters.nodes.iter().map(String::as_str));
        let hosts =
            hosts.map(|host| read_host(host, port)).collect::<Option<Vec<_>>>().ok_or(RedisUrlError::Host)?;
        let database = match path {
            "" => None,
            _ if scheme == "redis-cluster" => return Err(RedisUrlError::Database),
            number => Some(number.parse().map_err(|_| RedisUrlError::Database)?),
        };
        let topology = match scheme {
            "redis-sentinel" => {
                Topology::Sentinel { hosts, service: parameters.service.ok_or(RedisUrlError::ServiceName)? }
            }
            "redis-cluster" => Topology::Cluster(hosts),
            _ => match <[_; 1]>::try_from(hosts) {
                Ok([(host, port)]) => Topology::Standalone(host, port),
                Err(_) => return Err(RedisUrlError::Host),
            },
        };
        Ok(Self { topology, tls: scheme == "rediss" || parameters.tls, username, password, database })
    }

    /// Whether a connection needs a TLS configuration.
    pub fn needs_tls(&self) -> bool {
        self.tls
    }

    /// What is found at the address.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }
}

/// `user:password`, `:password`, or nothing. A lone word is a user without a password.
fn read_credentials(text: &str) -> Result<(Option<String>, Option<Secret>), RedisUrlError> {
    let (user, password) =
        text.split_once(':').map_or((text, None), |(user, password)| (user, Some(password)));
    let username = (!user.is_empty()).then(|| decoded(user)).transpose()?;
    let password = password.filter(|it| !it.is_empty()).map(decoded).transpose()?.map(Secret::new);
    Ok((username, password))
}

fn decoded(text: &str) -> Result<String, RedisUrlError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| RedisUrlError::Credentials)?;
    Ok(text.into_owned())
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
fn read_host(text: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    if host.is_empty() || !host.bytes().all(well_formed) {
        return None;
    }
    let port = port.map_or(Some(default_port), |port| port.parse().ok().filter(|port| *port != 0))?;
    Some((host.to_owned(), port))
}

#[derive(Default)]
struct Parameters {
    nodes: Vec<String>,
    service: Option<String>,
    tls: bool,
}

impl Parameters {
    fn read(query: &str, scheme: &str) -> Result<Self, RedisUrlError> {
        let mut parameters = Self::default();
        let has_several = matches!(scheme, "redis-sentinel" | "redis-cluster");
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').ok_or(RedisUrlError::Parameter)? {
                ("node", host) if has_several => parameters.nodes.push(decoded(host)?),
                ("sentinelServiceName", name) if scheme == "redis-sentinel" && !name.is_empty() => {
                    parameters.service = Some(decoded(name)?);
                }
                ("tls", "true") => parameters.tls = true,
                ("tls", "false") if scheme != "rediss" => parameters.tls = false,
                _ => return Err(RedisUrlError::Parameter),
            }
        }
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(list: &[(&str, u16)]) -> Vec<(String, u16)> {
        list.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect()
    }

    #[test]
    fn one_server_with_and_without_the_optional_parts() {
        let plain = RedisUrl::parse("redis://cache").unwrap();
        assert_eq!(plain.topology, Topology::Standalone("cache".into(), 6379));
        assert!(
            !plain.tls && plain.username.is_none() && plain.password.is_none() && plain.database.is_none()
        );

        let full = RedisUrl::parse("rediss://us%40er:p%3Ass@[2001:db8::1]:7000/3").unwrap();
        assert_eq!(full.topology, Topology::Standalone("2001:db8::1".into(), 7000));
        assert!(full.tls && full.password.as_ref().unwrap().matches("p:ss"));
        assert_eq!((full.username.as_deref(), full.database), (Some("us@er"), Some(3)));
        assert!(!format!("{full:?}").contains("p:ss"));
    }

    #[test]
    fn sentinels_and_clusters_name_several_hosts() {
        let sentinel =
            RedisUrl::parse("redis-sentinel://:pw@a,b:1?node=c:2&sentinelServiceName=main&tls=true").unwrap();
        let expected =
            Topology::Sentinel { hosts: hosts(&[("a", 26379), ("b", 1), ("c", 2)]), service: "main".into() };
        assert_eq!(sentinel.topology, expected);
        assert!(sentinel.tls && sentinel.username.is_none() && sentinel.password.unwrap().matches("pw"));
        let cluster = RedisUrl::parse("redis-cluster://a,b:7001").unwrap();
        assert_eq!(cluster.topology, Topology::Cluster(hosts(&[("a", 6379), ("b", 7001)])));
    }

    #[test]
    fn each_mistake_is_named_without_repeating_the_address() {
        for (text, error) in [
            ("http://hush", RedisUrlError::Scheme),
            ("hush", RedisUrlError::Scheme),
            ("redis://", RedisUrlError::Host),
            ("redis://hush,b", RedisUrlError::Host),
            ("redis://hush:0", RedisUrlError::Host),
            ("redis://hush:70000", RedisUrlError::Host),
            ("redis://[::zz]", RedisUrlError::Host),
            ("redis://:hush%ff@a", RedisUrlError::Credentials),
            ("redis://a/hush", RedisUrlError::Database),
            ("redis-cluster://a/1", RedisUrlError::Database),
            ("redis://a?hush=1", RedisUrlError::Parameter),
            ("rediss://a?tls=false", RedisUrlError::Parameter),
            ("redis-sentinel://hush", RedisUrlError::ServiceName),
        ] {
            let found = RedisUrl::parse(text).unwrap_err();
            assert_eq!(found, error, "{text}");
            assert!(!found.to_string().contains("hush"), "{found}");
        }
    }
}
