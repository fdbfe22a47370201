//! Parts of a config dump, in several files: as Envoy writes them, and as `istioctl proxy-config listener`, `route`,
//! `cluster` and `endpoint` do with `-o json`: bare lists of resources.

use serde_json::{Map, Value, json};

/// What was read from files, put together as one dump.
#[derive(Default)]
pub(super) struct Parts {
    /// A dump as it was read, where there is but one: it is not taken apart.
    whole: Option<Vec<u8>>,
    /// The sections of several.
    sections: Vec<Value>,
    /// An answer of `/clusters`.
    pub(super) clusters: Option<Vec<u8>>,
    count: usize,
}

impl Parts {
    /// Adds a file.
    pub(super) fn add(&mut self, body: Vec<u8>) {
        self.count += 1;
        let is_list = body.trim_ascii_start().first() == Some(&b'[');
        if self.count == 1 && !is_list {
            self.whole = Some(body);
            return;
        }
        if let Some(first) = self.whole.take() {
            self.take_apart(first);
        }
        self.take_apart(body);
    }

    /// What cannot be taken apart stands for all, so that its fault is told.
    fn take_apart(&mut self, body: Vec<u8>) {
        match serde_json::from_slice::<Value>(&body) {
            Ok(Value::Array(resources)) => self.list(resources),
            Ok(Value::Object(mut dump)) => match dump.remove("configs") {
                Some(Value::Array(sections)) => self.sections.extend(sections),
                Some(_) | None => self.whole = Some(body),
            },
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | Err(_) => self.whole = Some(body),
        }
    }

    /// Resources without a section around them, each put into its own.
    fn list(&mut self, resources: Vec<Value>) {
        let mut listeners = Vec::new();
        let (mut routes, mut clusters, mut endpoints, mut hosts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for resource in resources {
            let Value::Object(members) = &resource else { continue };
            let has = |names: &[&str]| names.iter().any(|name| members.contains_key(*name));
            if has(&["hostStatuses", "host_statuses"]) {
                hosts.push(resource);
            } else if has(&["virtualHosts", "virtual_hosts"]) {
                routes.push(json!({ "route_config": resource }));
            } else if has(&["filterChains", "filter_chains", "listenerFilters", "defaultFilterChain"]) {
                listeners.push(json!({ "name": name(members), "active_state": { "listener": resource } }));
            } else if has(&["clusterName", "cluster_name"]) {
                endpoints.push(json!({ "endpoint_config": resource }));
            } else if has(&["name"]) {
                clusters.push(json!({ "cluster": resource }));
            }
        }
        let section = |kind: &str, field: &str, all: Vec<Value>| {
            let url = format!("type.googleapis.com/envoy.admin.v3.{kind}ConfigDump");
            (!all.is_empty()).then(|| json!({ "@type": url, field: all }))
        };
        self.sections.extend(section("Listeners", "dynamic_listeners", listeners));
        self.sections.extend(section("Routes", "dynamic_route_configs", routes));
        self.sections.extend(section("Clusters", "dynamic_active_clusters", clusters));
        self.sections.extend(section("Endpoints", "dynamic_endpoint_configs", endpoints));
        if !hosts.is_empty() {
            self.clusters = Some(json!({ "cluster_statuses": hosts }).to_string().into_bytes());
        }
    }

    /// All of it as one dump.
    pub(super) fn config_dump(&mut self) -> Vec<u8> {
        match self.whole.take() {
            Some(whole) => whole,
            None => json!({ "configs": self.sections }).to_string().into_bytes(),
        }
    }
}

fn name(members: &Map<String, Value>) -> &str {
    members.get("name").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(files: &[&str]) -> Value {
        let mut parts = Parts::default();
        for file in files {
            parts.add(file.as_bytes().to_vec());
        }
        serde_json::from_slice(&parts.config_dump()).unwrap_or_default()
    }

    #[test]
    fn one_dump_stays_as_it_is() {
        let mut parts = Parts::default();
        parts.add(b"{\"configs\": [ ]}".to_vec());
        assert_eq!(parts.config_dump(), b"{\"configs\": [ ]}");
    }

    #[test]
    fn lists_get_the_sections_that_they_lack() {
        let dump = dump(&[
            r#"[{"name": "0.0.0.0_80", "filterChains": []}]"#,
            r#"[{"name": "80", "virtualHosts": []}]"#,
            r#"[{"name": "outbound|80||a", "type": "EDS"}]"#,
        ]);
        assert_eq!(dump["configs"][0]["dynamic_listeners"][0]["name"], "0.0.0.0_80");
        assert_eq!(dump["configs"][1]["dynamic_route_configs"][0]["route_config"]["name"], "80");
        assert_eq!(dump["configs"][2]["dynamic_active_clusters"][0]["cluster"]["type"], "EDS");
    }

    #[test]
    fn hosts_are_those_of_clusters() {
        let mut parts = Parts::default();
        parts.add(br#"[{"name": "a", "hostStatuses": []}]"#.to_vec());
        assert!(parts.clusters.is_some_and(|hosts| hosts.starts_with(b"{\"cluster_statuses\"")));
    }
}
