//! What an API path asks for, in words.

/// `pods/orders-1 in namespace shop`, `pods in all namespaces`: as kubectl would name it.
pub(super) fn of_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let at = parts.iter().position(|part| *part == "namespaces");
    match at.and_then(|at| parts.get(at + 1..)) {
        Some([namespace, kind, name, ..]) => format!("{kind}/{name} in namespace {namespace}"),
        Some([namespace, kind]) => format!("{kind} in namespace {namespace}"),
        Some([name]) => format!("namespaces/{name}"),
        Some([]) => "namespaces".to_owned(),
        None => format!("{} in all namespaces", parts.last().copied().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_kubectl_writes_them() {
        assert_eq!(of_path("/api/v1/namespaces/shop/pods/a-1"), "pods/a-1 in namespace shop");
        assert_eq!(of_path("/apis/apps/v1/namespaces/shop/deployments/a"), "deployments/a in namespace shop");
        assert_eq!(of_path("/api/v1/namespaces/shop/pods?labelSelector=a=b"), "pods in namespace shop");
        assert_eq!(of_path("/api/v1/pods?fieldSelector=status.podIP=10.0.0.1"), "pods in all namespaces");
        assert_eq!(of_path("/api/v1/namespaces/shop"), "namespaces/shop");
        assert_eq!(of_path("/api/v1/namespaces"), "namespaces");
        assert_eq!(of_path(""), " in all namespaces");
    }
}
