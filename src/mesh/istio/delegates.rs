//! How a `VirtualService` and those that it delegates to become one: `pilot/pkg/model/virtualservice.go`.
//!
//! A rule of a delegate is kept only where its match lies within one of the root rule's.

use crate::snapshot::Node;

/// The conditions of a match that are text.
const TEXTS: &[&str] = &["uri", "scheme", "method", "authority"];

/// The condition of a delegate's match that lies outside of every match of the root's rule; `None` where the match lies
/// within one of them, or one has no conditions.
pub fn outside(root: &[Node], own: &Node) -> Option<Node> {
    let conflict = |root: &Node| {
        let conflicts = TEXTS.iter().filter_map(|name| Some((root.get(name)?, own.get(name)?)));
        conflicts.into_iter().find(|(root, own)| !is_within(root, own)).map(|(_, own)| own)
    };
    let conflicts: Option<Vec<Node>> = root.iter().map(conflict).collect();
    let condition = conflicts?.into_iter().next()?;
    condition.members().into_iter().next().map(|(_, value)| value)
}

/// Whether all text that a condition of a delegate takes is taken by the root's.
fn is_within(root: &Node, own: &Node) -> bool {
    match (text(root), text(own)) {
        (Some(Text::Exact(root)), Some(Text::Exact(own))) => root == own,
        (Some(Text::Prefix(root)), Some(Text::Exact(own) | Text::Prefix(own))) => own.starts_with(&root),
        (Some(Text::Exact(_)), Some(Text::Prefix(_))) | (None, _) | (_, None) => false,
    }
}

/// A condition on text; a regular expression is none here: istiod takes one for outside of whatever it meets.
enum Text {
    Exact(String),
    Prefix(String),
}

fn text(condition: &Node) -> Option<Text> {
    let exact = condition.text("exact").map(Text::Exact);
    exact.or_else(|| condition.text("prefix").map(Text::Prefix))
}

/// Whether a match of a root takes a path, as far as its `uri` says.
pub fn takes_path(wanted: &Node, path: &str) -> bool {
    match wanted.get("uri").as_ref().map(text) {
        Some(Some(Text::Exact(exact))) => exact == path,
        Some(Some(Text::Prefix(prefix))) => path.starts_with(&prefix),
        Some(None) | None => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn left_out(root: &Value, own: &Value) -> Option<String> {
        outside(&[Node::of_object(root.clone())], &Node::of_object(own.clone())).map(|at| at.place())
    }

    #[test]
    fn a_delegates_match_lies_within_its_roots() {
        let prefix = |path: &str| json!({"uri": {"prefix": path}});
        let exact = |path: &str| json!({"uri": {"exact": path}});
        assert_eq!(left_out(&prefix("/shop"), &prefix("/shop/items")), None);
        assert_eq!(left_out(&prefix("/shop"), &exact("/shop/items")), None);
        assert_eq!(left_out(&prefix("/shop"), &prefix("/items")), Some("uri.prefix".to_owned()));
        assert_eq!(left_out(&exact("/shop"), &exact("/shop")), None);
        assert_eq!(left_out(&exact("/shop"), &prefix("/shop")), Some("uri.prefix".to_owned()));
        assert_eq!(left_out(&prefix("/shop"), &json!({"uri": {"regex": "/shop/.*"}})), Some("uri.regex".to_owned()));
        assert_eq!(left_out(&prefix("/shop"), &json!({"method": {"exact": "GET"}})), None);
        assert!(outside(&[], &Node::of_object(prefix("/any"))).is_none());
    }
}
