//! Addresses as Envoy prints them.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::pb::envoy::config::core::v3::{
    Address, CidrRange, EnvoyInternalAddress, address, envoy_internal_address, socket_address,
};

/// `IP:port`, `[IPv6]:port`, a pipe's path, or `envoy://listener/id`.
pub fn show(address: &Address) -> String {
    match &address.address {
        Some(address::Address::SocketAddress(socket)) => {
            let port = match &socket.port_specifier {
                Some(socket_address::PortSpecifier::PortValue(port)) => port.to_string(),
                Some(socket_address::PortSpecifier::NamedPort(name)) => name.clone(),
                None => "0".to_owned(),
            };
            match socket.address.parse() {
                Ok(IpAddr::V6(ip)) => format!("[{ip}]:{port}"),
                _ => format!("{}:{port}", socket.address),
            }
        }
        Some(address::Address::Pipe(pipe)) => pipe.path.clone(),
        Some(address::Address::EnvoyInternalAddress(EnvoyInternalAddress { endpoint_id, address_name_specifier })) => {
            let listener = match address_name_specifier {
                Some(envoy_internal_address::AddressNameSpecifier::ServerListenerName(name)) => name,
                None => "",
            };
            format!("envoy://{listener}/{endpoint_id}")
        }
        None => String::new(),
    }
}

/// A range. A length beyond the address's own is the address alone (`CidrRange::truncateIpAddressAndLength`).
pub fn net(range: &CidrRange) -> Option<IpNet> {
    net_of(&range.address_prefix, range.prefix_len.as_ref().map_or(0, |length| length.value))
}

/// The same of its two parts.
pub fn net_of(prefix: &str, length: u32) -> Option<IpNet> {
    let prefix: IpAddr = prefix.parse().ok()?;
    let length = length.min(IpNet::from(prefix).max_prefix_len().into());
    Some(IpNet::new(prefix, u8::try_from(length).ok()?).ok()?.trunc())
}

/// Whether a range holds an address; one that cannot be read holds none.
pub fn holds(range: &CidrRange, ip: IpAddr) -> bool {
    net(range).is_some_and(|net| net.contains(&ip))
}

/// The address as IP and port, where it is one.
pub fn socket(address: &Address) -> Option<SocketAddr> {
    let Some(address::Address::SocketAddress(socket)) = &address.address else {
        return None;
    };
    let port = match &socket.port_specifier {
        Some(socket_address::PortSpecifier::PortValue(port)) => u16::try_from(*port).ok()?,
        Some(socket_address::PortSpecifier::NamedPort(_)) => return None,
        None => 0,
    };
    Some(SocketAddr::new(socket.address.parse().ok()?, port))
}

/// Whether `[::]` takes IPv4 connections too.
pub fn ipv4_compat(address: &Address) -> bool {
    matches!(&address.address, Some(address::Address::SocketAddress(socket)) if socket.ipv4_compat)
}

/// Whether the socket is one of UDP.
pub fn is_udp(address: &Address) -> bool {
    matches!(&address.address, Some(address::Address::SocketAddress(socket))
        if socket.protocol() == socket_address::Protocol::Udp)
}
