//! What a test on loopback cannot have, and a mesh has. The program is shown the mesh.
//!
//! In a mesh the accepting listener stands on 0.0.0.0:15001 and learns the original destination from the socket
//! that the kernel redirected; here it stands on a free port and learns the same from a PROXY header. In a mesh
//! destinations are addresses of pods and services, and loopback is not redirected; here all of them are loopback
//! addresses, so that nothing ever leaves the machine: `127.x.y.z` stands for `10.x.y.z`, and `::1`
//! for `fd00::1`.
//!
//! Envoy goes on alike from there. So admin bodies are rewritten in these places, and in no others, before the
//! program sees them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde_json::{Map, Value};

use crate::config::{ACCEPTING, address, extension};

/// The address in the mesh that this one stands for.
pub(crate) fn ip(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) if v4.is_loopback() => {
            let [_, b, c, d] = v4.octets();
            Ipv4Addr::new(10, b, c, d).into()
        }
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => ip,
    }
}

/// Likewise, with its port.
pub(crate) fn socket(at: SocketAddr) -> SocketAddr {
    SocketAddr::new(ip(at.ip()), at.port())
}

/// Likewise, as text; what is no address stays as it is.
pub(crate) fn text(text: &str) -> String {
    if let Ok(at) = text.parse::<IpAddr>() {
        ip(at).to_string()
    } else if let Ok(at) = text.parse::<SocketAddr>() {
        socket(at).to_string()
    } else {
        text.to_owned()
    }
}

/// An admin body as it would be in a mesh. What is no JSON stays as it is.
pub(crate) fn body(body: &str) -> String {
    serde_json::from_str(body).map_or_else(
        |_| body.to_owned(),
        |mut value| {
            rewrite(&mut value);
            serde_json::to_string_pretty(&value).expect("JSON")
        },
    )
}

/// The same, in place.
pub(crate) fn rewrite(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_named = |name: &str| fields.get("name").is_some_and(|found| found == name);
            if is_named("envoy.filters.listener.proxy_protocol") {
                *value = original_dst();
                return;
            }
            if is_named(ACCEPTING) {
                for place in ["address", "local_address"] {
                    fields.entry(place).and_modify(|at| *at = address("0.0.0.0:15001"));
                }
            }
            fields.values_mut().for_each(rewrite);
        }
        Value::Array(items) => items.iter_mut().for_each(rewrite),
        Value::String(string) => *string = text(string),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn original_dst() -> Value {
    extension(
        "envoy.filters.listener.original_dst",
        "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
        Map::new(),
    )
}
