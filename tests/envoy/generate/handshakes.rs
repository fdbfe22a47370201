//! Handshakes by chance: certificates of several authorities, and two sides that show and ask this or that.
//!
//! Made of the short form of [`crate::certificates`]: one entry is one pair of proxies, and touches no other.

use serde_json::{Map, Value, json};

use super::rng::Rng;
use crate::config::object;

/// Entries in a case.
const PAIRS: usize = 40;
const LEAVES: usize = 14;
/// Authorities: the name, and what its issuer's chain is called.
const AUTHORITIES: &[(&str, &str)] = &[
    ("ca", "ca"),
    ("other", "other"),
    ("again", "again"),
    ("old", "old"),
    ("middle", "middle"),
    ("low", "low+middle"),
    ("near", "near"),
    ("beyond", "beyond+near"),
    ("for-both", "for-both"),
];
const NAMES: &[&str] =
    &["spiffe://mesh/ns/shop/sa/a", "spiffe://mesh/ns/shop/sa/b", "spiffe://other/ns/shop/sa/b", "SPIFFE://mesh/x"];
const HOSTS: &[&str] = &["b.shop", "*.b.shop", "B.Shop", "c.shop"];
const VERSIONS: &[&str] = &["TLSv1_2", "TLSv1_3"];

/// The certificates and pairs of a case.
pub(crate) fn case(seed: u64) -> Map<String, Value> {
    let mut rng = Rng::new(seed, 0);
    let mut certificates = authorities();
    let leaves: Vec<(String, String)> = (0..LEAVES).map(|number| leaf(&mut rng, number, &mut certificates)).collect();
    let mut pairs = Map::new();
    for number in 0..PAIRS {
        pairs.insert(format!("p{number}"), pair(&mut rng, &leaves));
    }
    object(json!({"certificates": certificates, "tls": pairs}))
}

fn authorities() -> Map<String, Value> {
    object(json!({
        "ca": {},
        "other": {},
        // A root that was made anew, by the same name.
        "again": {"called": "ca"},
        "old": {"days": [-30, -2]},
        "middle": {"by": "ca", "authority": true},
        "low": {"by": "middle", "authority": true},
        // As Istio's are that somebody plugs in.
        "near": {"by": "ca", "authority": true, "reach": 0},
        "beyond": {"by": "near", "authority": true, "reach": 1},
        "for-both": {"by": "ca", "authority": true, "usages": ["client", "server"]},
    }))
}

/// A certificate, and the chain that leads to its authority.
fn leaf(rng: &mut Rng, number: usize, certificates: &mut Map<String, Value>) -> (String, String) {
    let name = format!("leaf{number}");
    let (by, chain) = if rng.chance(50) { ("ca", "ca") } else { *rng.pick(AUTHORITIES) };
    let days = match rng.below(10) {
        0 => json!([-30, -2]),
        1 => json!([2, 30]),
        _ => json!([-1, 30]),
    };
    let usages = match rng.below(6) {
        0 => json!(["client"]),
        1 => json!(["server"]),
        2 => json!(["client", "server"]),
        _ => json!([]),
    };
    let mut fields =
        json!({"by": by, "days": days, "usages": usages, "uris": [rng.word(NAMES)], "identified": rng.chance(70)});
    if rng.chance(40) {
        fields["dns"] = json!([rng.word(HOSTS)]);
    }
    if rng.chance(20) {
        fields["ips"] = json!(["10.2.0.9"]);
    }
    if rng.chance(5) {
        fields.as_object_mut().expect("fields").remove("by");
    }
    let roots = ["ca", "other", "again", "old"];
    let whole = if roots.contains(&by) { name.clone() } else { format!("{name}+{chain}") };
    certificates.insert(name, fields);
    (whole.split('+').next().unwrap_or_default().to_owned(), whole)
}

fn pair(rng: &mut Rng, leaves: &[(String, String)]) -> Value {
    let (mut client, mut server) = (side(rng, leaves, 85), side(rng, leaves, 100));
    if rng.chance(10) {
        client["max_session_keys"] = json!(rng.below(2));
    }
    if rng.chance(60) {
        server["requires"] = json!(true);
    }
    let mut pair = json!({"client": client, "server": server});
    if rng.chance(10) {
        let options = json!({"auto_sni": rng.chance(50), "auto_san_validation": true});
        let options = json!({
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "upstream_http_protocol_options": options,
            "explicit_http_config": {"http_protocol_options": {}},
        });
        let name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        pair["cluster"] = json!({"typed_extension_protocol_options": {name: options}});
        pair["host"] = json!(rng.word(&["b.shop", "1.b.shop:80", "c.shop", "1.2.b.shop"]));
    }
    pair
}

fn side(rng: &mut Rng, leaves: &[(String, String)], shows: usize) -> Value {
    let mut side = json!({"delivered": rng.chance(30)});
    if rng.chance(shows) {
        let (alone, whole) = rng.pick(leaves);
        side["shows"] = json!(if rng.chance(80) { whole } else { alone });
    }
    if rng.chance(50) {
        let (first, second) = (rng.below(2), rng.below(2));
        side["versions"] = json!([VERSIONS[first.min(second)], VERSIONS[first.max(second)]]);
    }
    if rng.chance(90) {
        asks(rng, leaves, &mut side);
    }
    side
}

/// What it holds the other's certificate against. Without an authority Envoy takes no other terms.
fn asks(rng: &mut Rng, leaves: &[(String, String)], side: &mut Value) {
    let trusted = match rng.below(10) {
        0 => leaves[rng.below(leaves.len())].0.clone(),
        1 | 2 => format!("ca+{}", rng.pick(AUTHORITIES).0),
        3..=5 => rng.pick(AUTHORITIES).0.to_owned(),
        _ => "ca".to_owned(),
    };
    // Which of two of one name is taken for the authority, a certificate that does not say leaves open.
    let doubled = ["ca+ca", "ca+again"].contains(&trusted.as_str());
    side["trusts"] = json!(if doubled { "ca".to_owned() } else { trusted });
    if rng.chance(20) {
        side["validation"] = json!({"allow_expired_certificate": true});
    }
    if rng.chance(25) {
        let count = rng.between(1, 2);
        side["expects"] = (0..count).map(|_| matcher(rng)).collect();
    }
    if rng.chance(25) {
        let kind = rng.word(&["URI", "DNS", "IP_ADDRESS", "EMAIL"]);
        side["names"] = json!([{"san_type": kind, "matcher": matcher(rng)}]);
    }
}

fn matcher(rng: &mut Rng) -> Value {
    match rng.below(8) {
        0 => json!({"prefix": "spiffe://mesh/"}),
        1 => json!({"suffix": "/sa/b"}),
        2 => json!({"exact": rng.word(&["b.shop", "1.b.shop", "1.2.b.shop", "B.SHOP"])}),
        3 => json!({"safe_regex": {"regex": "spiffe://[a-z]+/.*"}}),
        4 => json!({"exact": "10.2.0.9"}),
        5 => json!({"contains": "SHOP", "ignore_case": true}),
        _ => json!({"exact": rng.word(NAMES)}),
    }
}
