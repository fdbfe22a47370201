//! What pages give to be copied into other tools' files: it parses, and rights are the least.

use std::collections::BTreeSet;
use std::fs;

use mesh_why::snapshot::Kind;
use serde_json::Value;

use crate::common::none;
use crate::{blocks, for_users, root};

/// The documents of a YAML text.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    text.split("\n---\n").map(|one| serde_saphyr::from_str(one).map_err(|e| e.to_string())).collect()
}

#[test]
fn yaml_and_json_of_pages_parse() {
    let mut complaints = Vec::new();
    for page in for_users() {
        for block in blocks(&page) {
            let wrong = match block.info.as_str() {
                "yaml" => documents(&block.text).err(),
                "json" => serde_json::from_str::<Value>(&block.text).err().map(|e| e.to_string()),
                _ => None,
            };
            complaints.extend(wrong.map(|why| format!("{}: {why}", page.path)));
        }
    }
    none(&complaints);
}

/// The rules of all roles in `docs/rbac.yaml`: API group, resource, verb.
fn granted() -> BTreeSet<(String, String, String)> {
    let text = fs::read_to_string(root().join("docs/rbac.yaml")).unwrap();
    let mut found = BTreeSet::new();
    for document in documents(&text).unwrap() {
        let list = |rule: &Value, field: &str| -> Vec<String> {
            rule[field].as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
        };
        for rule in document["rules"].as_array().into_iter().flatten() {
            for group in list(rule, "apiGroups") {
                for resource in list(rule, "resources") {
                    found.extend(list(rule, "verbs").into_iter().map(|verb| (group.clone(), resource.clone(), verb)));
                }
            }
        }
    }
    found
}

#[test]
fn rights_are_to_read() {
    let all = granted();
    assert!(all.len() > 20, "{all:?}");
    for (group, resource, verb) in &all {
        let forwards = resource == "pods/portforward" && ["get", "create"].contains(&verb.as_str());
        assert!(forwards || ["get", "list"].contains(&verb.as_str()), "{verb} of {resource}");
        assert!(!resource.contains("secret") && !resource.contains('*') && !group.contains('*'), "{resource}");
        assert!(!["pods/exec", "pods/log", "pods/proxy", "configmaps"].contains(&resource.as_str()), "{resource}");
    }
}

/// Whatever is ever asked of the API server may be asked with these rights.
#[test]
fn rights_are_enough_for_every_kind() {
    let all = granted();
    for kind in Kind::all() {
        for verb in ["get", "list"] {
            let right = (kind.group().to_owned(), kind.plural().to_owned(), verb.to_owned());
            assert!(all.contains(&right), "docs/rbac.yaml does not let one {verb} {}", kind.plural());
        }
    }
}

/// k9s reads nothing but these fields, and replaces every `$WORD`; it refuses one that it does not know.
#[test]
fn the_plugin_of_k9s_is_one() {
    let text = fs::read_to_string(root().join("docs/k9s.yaml")).unwrap();
    let file: Value = serde_saphyr::from_str(&text).unwrap();
    let plugin = file["plugins"]["mesh-why"].as_object().unwrap();
    let fields = ["shortCut", "description", "scopes", "command", "background", "args"];
    assert_eq!(plugin.keys().map(String::as_str).collect::<BTreeSet<_>>(), fields.into_iter().collect());
    let script = plugin["args"][1].as_str().unwrap();
    for word in script.split('$').skip(1) {
        let name: String = word.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        assert!(["NAME", "NAMESPACE", "CONTEXT"].contains(&name.as_str()), "${name}");
    }
    let recipes = fs::read_to_string(root().join("docs/recipes.md")).unwrap();
    let entry = text.split_once('\n').unwrap().1;
    assert!(recipes.contains(entry), "docs/recipes.md shows another plugin");
}
