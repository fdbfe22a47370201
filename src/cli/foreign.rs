//! Flags of kubectl, curl, helm and istioctl that this command does not have, and what it has for them.

/// The names of a flag, and what to write in its place.
const FLAGS: &[(&[&str], &str)] = &[
    (&["-A", "--all-namespaces"], "A stands in one namespace: `-n NAMESPACE`, or `orders.shop` for A"),
    (&["-c", "--container"], "the container of the proxy is found by itself; A is a pod or a workload"),
    (&["-p", "--port"], "the port stands behind B: `products:8080`"),
    (&["--from", "--source", "--src", "--pod"], "A is the first word: `kubectl mesh-why A B:PORT`"),
    (
        &["--to", "--destination", "--dest", "--dst", "--service", "--svc"],
        "B is the second word: `kubectl mesh-why A B:PORT`",
    ),
    (&["-X", "--request"], "write `--method METHOD`"),
    (
        &["-d", "--data", "--body"],
        "a body is not looked at; write `--method POST`, and its length as `-H 'content-length: 2000'`",
    ),
    (&["-k", "--insecure"], "write `--insecure-skip-tls-verify` for the API server, `--tls` for what A sends"),
    (&["-u"], "write what A sends as a header, with `-H`"),
    (&["-i", "--istioNamespace", "--istio-namespace"], "the control plane's namespace is found by itself"),
    (&["--kube-context", "--kubecontext"], "write `--context NAME`"),
    (&["--ns", "--name-space"], "write `-n NAMESPACE`"),
    (&["--label", "--labels"], "write `-l SELECTOR`"),
    (&["--url", "--uri"], "a URL may stand for B: `kubectl mesh-why A http://products:8080/api`"),
    (&["--headers"], "write `-H 'Name: value'`, once for each"),
    (&["--json"], "write `-o json`"),
    (&["--yaml"], "write `-o yaml`"),
    (&["--wide"], "write `-o wide`"),
    (&["--markdown", "--md"], "write `-o markdown`"),
    (&["--html"], "write `-o html`"),
    (&["--format"], "write `-o FORMAT`"),
    (&["--no-color", "--nocolor"], "write `--color never`"),
    (&["--debug", "--trace", "--loglevel", "--log-level"], "write `-v`: each read, with its bytes and its time"),
    (&["--timeout"], "write `--request-timeout DURATION`"),
    (&["--proxy-admin-port"], "write `--admin-port PORT`"),
    (&["--file", "--filename"], "write `-f FILE`"),
    (&["--dry-run"], "nothing is ever changed; see `--probe` for the one thing that is sent"),
    (&["--log"], "write `--from-log LINE`"),
    (&["--grpc", "--http2", "--tcp"], "write `--protocol NAME`"),
];

/// What to write for a flag that this command does not have.
pub(super) fn in_place_of(flag: &str) -> Option<&'static str> {
    let name = flag.split('=').next().unwrap_or(flag);
    FLAGS.iter().find(|(names, _)| names.contains(&name)).map(|(_, hint)| *hint)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn none_of_them_is_ours() {
        let command = Cli::command();
        for name in FLAGS.iter().flat_map(|(names, _)| *names) {
            let bare = name.trim_start_matches('-');
            let is_ours = |arg: &clap::Arg| {
                arg.get_long() == Some(bare) || arg.get_short().is_some_and(|short| *name == format!("-{short}"))
            };
            assert!(!command.get_arguments().any(is_ours), "{name}");
        }
    }
}
