//! Credentials: those that no request can carry, those that are never shown, and plugins that do not end.

#![cfg(unix)]

use std::time::Duration;

use crate::api::{Api, World, pod};
use crate::tool::{Run, Tool};

fn mesh() -> Api {
    Api::start(World::new(vec![pod("a-1", "istio-proxy")]))
}

/// A run as the user of this YAML.
fn as_user(api: &Api, user: &str, arguments: &[&str]) -> Run {
    let tool = Tool::new();
    tool.file(".kube/config", api.kubeconfig().replace("user: {}", &format!("user: {user}")));
    tool.run(&[&["a-1", "products:8080"], arguments].concat())
}

/// A run with a plugin that is this script.
fn with_plugin(script: &str, arguments: &[&str]) -> Run {
    let exec = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: sh, args: [-c, {}], interactiveMode: Never, \
         installHint: \"get it\\n\\tfrom the \\e[2Jshop\"}}}}",
        serde_json::to_string(script).unwrap()
    );
    as_user(&mesh(), &exec, arguments)
}

#[test]
fn a_token_that_no_header_takes_is_an_error_that_does_not_show_it() {
    let words = ["cannot use the bearer token", "no HTTP header takes"];
    let api = mesh();
    for token in [r"SEKRIT\n", r"SEKRIT\x7f", r"\rSEKRIT", r"SEK\0RIT"] {
        let run = as_user(&api, &format!("{{token: \"{token}\"}}"), &[]);
        run.fails(3, &words);
        assert!(!run.err.contains("SEK"), "{}", run.err);
    }
    let run = as_user(&api, "{}", &["--token", "SEKRIT\nx"]);
    run.fails(3, &words);
    assert!(!run.err.contains("SEK"), "{}", run.err);
    let run = with_plugin(
        r#"printf %s '{"apiVersion": "client.authentication.k8s.io/v1", "status": {"token": "SEKRIT\nx"}}'"#,
        &[],
    );
    run.fails(3, &["cannot get credentials from `sh`", "it gave a token that cannot be used"]);
    assert!(!run.err.contains("SEK"), "{}", run.err);
    as_user(&api, "{}", &["--as", "a\nb"]).fails(3, &["cannot use the user to impersonate"]);
    as_user(&api, "{}", &["--as", "a", "--as-group", "\u{7f}"]).fails(3, &["cannot use a group to impersonate"]);
    assert!(api.seen().api.is_empty());
}

#[test]
fn a_tokens_file_may_end_in_a_line_break() {
    let mut world = World::new(vec![pod("a-1", "istio-proxy")]);
    world.token = Some("fresh");
    let api = Api::start(world);
    let tool = Tool::new();
    let file = tool.file("token", "fresh\n");
    tool.file(".kube/config", api.kubeconfig().replace("user: {}", &format!("user: {{tokenFile: '{file}'}}")));
    let run = tool.run(&["a-1", "products:8080"]);
    assert!(!run.out.is_empty(), "{}", run.err);
}

#[test]
fn users_and_passwords_are_sent_whatever_they_hold() {
    let api = mesh();
    let run = as_user(&api, r#"{username: "a:b\n", password: "SEKRIT\0"}"#, &[]);
    assert!(!run.out.is_empty(), "{}", run.err);
}

#[test]
fn providers_that_kubectl_dropped_are_refused_and_run_nothing() {
    let provider =
        |name: &str| format!("{{auth-provider: {{name: {name}, config: {{cmd-path: sh, cmd-args: '-c exit'}}}}}}");
    as_user(&mesh(), &provider("gcp"), &[]).fails(3, &["auth-provider `gcp`", "use gke-gcloud-auth-plugin"]);
    as_user(&mesh(), &provider("azure"), &[]).fails(3, &["auth-provider `azure`", "use kubelogin"]);
}

#[test]
fn a_plugin_that_does_not_end_is_ended() {
    let run = with_plugin("echo $$ > pid; exec sleep 600", &["--request-timeout", "1s"]);
    run.fails(3, &["it did not end within 1 s", "hint: wait longer with `--request-timeout`"]);
    // One whose child holds its output open, too.
    with_plugin("sleep 20 2>&- & exit 0", &["--request-timeout", "1s"]).fails(3, &["it did not end within 1 s"]);
}

#[test]
fn a_plugin_that_is_ended_is_gone() {
    let tool = Tool::new();
    let api = mesh();
    let exec =
        "{exec: {apiVersion: v1, command: sh, args: [-c, 'echo $$ > pid; exec sleep 600'], interactiveMode: Never}}";
    tool.file(".kube/config", api.kubeconfig().replace("user: {}", &format!("user: {exec}")));
    tool.run(&["a-1", "products:8080", "--request-timeout", "4s"]).fails(3, &["it did not end"]);
    let pid = std::fs::read_to_string(tool.home().join("pid")).unwrap();
    let is_there = || std::path::Path::new("/proc").join(pid.trim()).join("cmdline").metadata().is_ok();
    let still = |_: &i32| {
        std::thread::sleep(Duration::from_millis(50));
        is_there() && std::fs::read(format!("/proc/{}/cmdline", pid.trim())).is_ok_and(|words| !words.is_empty())
    };
    assert!((0..300).any(|i| !still(&i)), "process {pid} is still there");
}

#[test]
fn a_plugin_that_prints_without_end_is_ended() {
    with_plugin("yes", &[]).fails(3, &["it prints more than 1 MiB"]);
    let just = "head -c 1000000 /dev/zero | tr '\\0' ' '; \
                echo '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"t\"}}'";
    let run = with_plugin(just, &[]);
    assert!(!run.out.is_empty(), "{}", run.err);
}

#[test]
fn a_hint_of_several_lines_goes_on_in_one() {
    with_plugin("exit 3", &[]).fails(3, &["it ended with exit status: 3", "hint: get it from the \\u001b[2Jshop\n"]);
}

#[test]
fn an_authority_that_is_not_checked_against_is_refused() {
    let api = mesh();
    let words = "specifying a root certificates file with the insecure flag is not allowed";
    as_user(&api, "{}", &["--insecure-skip-tls-verify", "--certificate-authority", "ca"]).fails(3, &[words]);
    let tool = Tool::new();
    let config = api
        .kubeconfig()
        .replace("server: ", "certificate-authority-data: eA==, insecure-skip-tls-verify: true, server: ");
    tool.file(".kube/config", config);
    tool.run(&["a-1", "products:8080"]).fails(3, &[words]);
}

#[test]
fn passwords_of_urls_are_not_shown() {
    let tool = Tool::new();
    let gone = "http://u:SEKRIT@127.0.0.1:1";
    for arguments in [
        &["x:80", "--admin", gone, "-v"][..],
        &["x:80", "--admin", "u:SEKRIT@127.0.0.1:1", "-v"],
        &["x:80", "--admin", "https://u:SEKRIT@127.0.0.1:1"],
        &["x:80", "--admin", "http://u:SEKRIT@127.0.0.1:x"],
        &["x:80", "--admin", "http://127.0.0.1:1/?token=SEKRIT"],
        &["x:80", "--admin", "http://u:SE/KRIT#SEKRIT@127.0.0.1:1"],
        &["a", "x:80", "-s", gone, "-v"],
        &["a", "x:80", "-s", "ftp://u:SEKRIT@x"],
        &["a", "x:80", "-s", "http://u:SEKRIT@x y"],
        &["a", "x:80", "--no-such-flag", gone],
        &["a", "x:80", gone],
    ] {
        let run = tool.run(arguments);
        assert!(matches!(run.code, 2 | 3) && run.out.is_empty(), "{arguments:?}: {}", run.err);
        assert!(!run.err.contains("SEKRIT"), "{arguments:?}: {}", run.err);
    }
    let mut command = tool.command(&["a", "x:80", "-s", "http://192.0.2.1:1", "-v", "--request-timeout", "1s"]);
    let run = Tool::finish(command.env("HTTP_PROXY", "ftp://u:SEKRIT@p"));
    run.fails(3, &["cannot use HTTP_PROXY `ftp://p`"]);
    assert!(!run.err.contains("SEKRIT"), "{}", run.err);
}
