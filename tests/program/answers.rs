//! Answers of an API server, or of what stands before it, that are none: one clear error, and never a panic.

use crate::raw;
use crate::tool::Tool;

#[test]
fn an_answer_that_is_no_object_is_an_error() {
    for body in ["[]", "1", "\"x\"", "true", "null", "[{}]"] {
        let url = raw::serve(move |_| raw::json(200, body));
        for name in ["a", "pod/a", "deploy/a", "svc/a"] {
            let run = Tool::new().run(&[name, "b:80", "-s", &url]);
            run.fails(3, &["cannot read", "the answer is not a Kubernetes object"]);
        }
        Tool::new().run(&["-l", "app=a", "b:80", "-s", &url]).fails(3, &["the answer is not a Kubernetes object"]);
    }
}

#[test]
fn a_list_of_what_is_no_object_is_an_error() {
    for (list, words) in [
        (r#"{"kind":"PodList","apiVersion":"v1","items":[1]}"#, "holds what is not an object"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":[[],{}]}"#, "holds what is not an object"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":{}}"#, "not a list of pods"),
        (r#"{"kind":"PodList","apiVersion":"v1","items":"x"}"#, "not a list of pods"),
        ("{}", "not a list of pods"),
    ] {
        let url = raw::serve(move |path| match path {
            _ if path.contains("deployments/") => {
                raw::json(200, r#"{"kind":"Deployment","spec":{"selector":{"matchLabels":{"a":"b"}}}}"#)
            }
            _ if path.contains("pods?") => raw::json(200, list),
            _ => raw::status(404, "NotFound", "not found"),
        });
        Tool::new().run(&["a", "b:80", "-s", &url]).fails(3, &["cannot read pods in namespace default", words]);
    }
}

#[test]
fn an_object_of_odd_parts_is_an_error_too() {
    for pod in [
        "{}",
        r#"{"status":{"phase":"Running"}}"#,
        r#"{"metadata":[],"status":{"phase":"Running"}}"#,
        r#"{"metadata":{"name":"..","namespace":"x"},"status":{"phase":"Running"}}"#,
        r#"{"metadata":{"name":"a/../../secrets","namespace":"x"},"status":{"phase":"Running"}}"#,
        r#"{"metadata":{"name":5,"namespace":{}},"status":{"phase":"Running"},"spec":[]}"#,
        r#"{"metadata":{"name":"a b\n","namespace":"x"},"status":{"phase":"Running"},
            "spec":{"containers":[{"name":"istio-proxy"}]}}"#,
    ] {
        let url = raw::serve(move |_| raw::json(200, pod));
        Tool::new().run(&["pod/a", "b:80", "-s", &url]).fails(3, &[]);
    }
}

#[test]
fn later_answers_that_are_no_objects_are_not_taken_for_absence() {
    // The snapshot is filled up from a cluster that answers nothing of use.
    for body in ["[]", "1", "{}", r#"{"items":[1]}"#] {
        let url = raw::serve(move |_| raw::json(200, body));
        let tool = Tool::new();
        let config = format!(
            "{{current-context: c, contexts: [{{name: c, context: {{cluster: k}}}}], \
             clusters: [{{name: k, cluster: {{server: '{url}'}}}}]}}"
        );
        let config = tool.file("config", config);
        let dump = tool.file("dump", r#"{"configs": [{"dynamic_listeners": []}]}"#);
        let run = tool.run(&["products.shop:80", "-f", &dump, "--kubeconfig", &config, "-v", "-o", "json"]);
        assert_eq!(run.code, 3, "{body}: {}", run.err);
        assert!(run.err.contains("GET /api"), "{body}: {}", run.err);
        assert!(!run.err.contains("panicked") && !run.out.contains("was not found"), "{body}: {}", run.err);
    }
}

#[test]
fn other_answers_are_said_to_be_no_api_servers() {
    let url = raw::serve(|_| raw::json(302, "<html>log in</html>"));
    Tool::new().run(&["pod/a", "b:80", "-s", &url]).fails(3, &["answered 302, and not as an API server does"]);
    let url = raw::serve(|_| raw::json(200, "<html>log in</html>"));
    Tool::new().run(&["pod/a", "b:80", "-s", &url]).fails(3, &["the answer is not JSON"]);
    let url = raw::serve(|_| raw::json(500, "[]"));
    Tool::new().run(&["pod/a", "b:80", "-s", &url]).fails(3, &["answered 500, and not as an API server does"]);
    let url = raw::serve(|_| raw::json(401, "no"));
    Tool::new().run(&["pod/a", "b:80", "-s", &url]).fails(3, &["You must be logged in to the server"]);
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\nconnection: close\r\n\r\n{".to_vec();
    let url = raw::serve(move |_| cut.clone());
    let run = Tool::new().run(&["pod/a", "b:80", "-s", &url, "--request-timeout", "1s"]);
    run.fails(3, &["cannot read"]);
}
