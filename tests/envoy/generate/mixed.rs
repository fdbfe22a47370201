//! Something of other layers in a unit of one: what each of them decides by itself may be decided before, or after.

use serde_json::{Map, Value, json};

use super::rng::Rng;
use super::{Unit, gates};

const FILTERS: &str = "type.googleapis.com/envoy.extensions.filters.http";

/// Changes some of the unit's connection managers.
pub(super) fn into(rng: &mut Rng, unit: &mut Unit) {
    let mut listeners = unit.short.remove("listeners").unwrap_or_default();
    for listener in listeners.as_array_mut().into_iter().flatten() {
        let chains = listener["chains"].as_array().map_or(0, Vec::len);
        let places =
            (0..chains).map(|chain| format!("/chains/{chain}")).chain(["/default_chain".to_owned(), String::new()]);
        for (number, place) in places.enumerate() {
            if let Some(Value::Object(chain)) = listener.pointer_mut(&place) {
                self::chain(rng, unit, chain, number);
            }
        }
    }
    unit.short.insert("listeners".to_owned(), listeners);
}

fn chain(rng: &mut Rng, unit: &mut Unit, chain: &mut Map<String, Value>, number: usize) {
    let is_chain = chain.contains_key("http") || chain.contains_key("tcp");
    if is_chain && rng.chance(4) {
        let filters = chain.entry("filters").or_insert_with(|| json!([]));
        filters.as_array_mut().into_iter().for_each(|filters| filters.push(network_filter(rng)));
    }
    if let Some(Value::Object(http)) = chain.get_mut("http") {
        manager(rng, unit, http, number);
    }
}

/// One that closes some connections.
fn network_filter(rng: &mut Rng) -> Value {
    let permission = match rng.below(3) {
        0 => json!({"destination_port": 80}),
        1 => json!({"requested_server_name": {"exact": "a.com"}}),
        _ => json!({"any": true}),
    };
    let policy = json!({"permissions": [permission], "principals": [{"any": true}]});
    let config = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC",
        "stat_prefix": "rbac",
        "rules": {"action": rng.word(&["ALLOW", "DENY"]), "policies": {"p": policy}},
    });
    json!({"name": "mixed", "typed_config": config})
}

fn manager(rng: &mut Rng, unit: &mut Unit, http: &mut Map<String, Value>, number: usize) {
    if rng.chance(6) {
        let hosts = http.get_mut("virtual_hosts").and_then(Value::as_array_mut);
        for host in hosts.into_iter().flatten().filter(|_| rng.chance(50)) {
            host["require_tls"] = json!("ALL");
        }
    }
    if rng.chance(7) {
        let filters = http.entry("http_filters").or_insert_with(|| json!([]));
        if let Value::Array(filters) = filters {
            let place = rng.below(filters.len() + 1);
            filters.insert(place, filter(rng));
        }
    }
    if rng.chance(5) {
        let filters = http.entry("http_filters").or_insert_with(|| json!([]));
        if let Value::Array(filters) = filters {
            let place = rng.below(filters.len() + 1);
            filters.insert(place, open_filter(rng));
        }
    }
    if rng.chance(10) && !http.contains_key("rds") {
        discovered(rng, unit, http, number);
    }
}

/// One that answers some requests, of a name that no other has.
fn filter(rng: &mut Rng) -> Value {
    let header = match rng.below(3) {
        0 => json!({"name": ":method", "string_match": {"exact": "POST"}}),
        1 => json!({"name": ":path", "string_match": {"prefix": rng.word(&["/", "/a", "/r", "/r1", "/only"])}}),
        _ => json!({"name": ":path", "string_match": {"contains": rng.word(&["1", "b", "?"])}}),
    };
    let config = match rng.below(4) {
        0 => json!({
            "@type": format!("{FILTERS}.fault.v3.HTTPFault"),
            "abort": {"http_status": 418, "percentage": {"numerator": 100}},
            "headers": [header],
        }),
        1 => json!({
            "@type": format!("{FILTERS}.rbac.v3.RBAC"),
            "rules": {
                "action": rng.word(&["ALLOW", "DENY"]),
                "policies": {"p": {"permissions": [{"header": header}], "principals": [{"any": true}]}},
            },
        }),
        _ => gates::config(rng),
    };
    json!({"name": "mixed", "typed_config": config})
}

/// One of which the program does not know what it does: a script that lets pass, answers or rewrites, or a service that
/// cannot be asked.
fn open_filter(rng: &mut Rng) -> Value {
    let script = |body: &str| {
        json!({
            "@type": format!("{FILTERS}.lua.v3.Lua"),
            "default_source_code": {"inline_string": format!("function envoy_on_request(h) {body} end")},
        })
    };
    let config = match rng.below(6) {
        0 => script("h:headers():get(':path')"),
        1 => script("if h:headers():get(':path') == '/r1' then h:respond({[':status'] = '418'}, 'no') end"),
        2 => script("h:headers():replace(':path', '/r2')"),
        3 => json!({"@type": format!("{FILTERS}.lua.v3.Lua"), "default_source_code": {"inline_string": "-- nothing"}}),
        allows => json!({
            "@type": format!("{FILTERS}.ext_authz.v3.ExtAuthz"),
            "failure_mode_allow": allows == 4,
            "http_service": {"server_uri": {"uri": "http://a", "cluster": "no-such-authz", "timeout": "1s"}},
        }),
    };
    json!({"name": "open", "typed_config": config})
}

/// Moves the routes to where they are discovered, if they ever are.
fn discovered(rng: &mut Rng, unit: &mut Unit, http: &mut Map<String, Value>, number: usize) {
    let Value::Object(mut config) = http.remove("route_config").unwrap_or_else(|| json!({})) else { return };
    for field in ["virtual_hosts", "routes"] {
        config.extend(http.remove(field).map(|value| (field.to_owned(), value)));
    }
    let name = format!("{}-discovered-{number}", unit.name);
    let config = if rng.chance(25) { Value::Null } else { Value::Object(config) };
    http.insert("rds".to_owned(), json!(name));
    unit.insert("route_configs", &name, config);
}
