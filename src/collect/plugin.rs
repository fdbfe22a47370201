//! Credential plugins (`exec` in the kubeconfig): run once, whatever the client would do, and not for longer than any
//! other read.

use std::io::{self, IsTerminal as _};
use std::process::{ExitStatus, Stdio};

use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::error::{CollectError, plain};
use super::header::{NO_HEADER, is_header};
use super::limits::Limits;

/// The most that a plugin may print.
const MAX_PRINTED: u64 = 1 << 20;

/// What a plugin gives.
pub(super) struct Given {
    pub(super) token: Option<String>,
    /// The certificate and its key.
    pub(super) certificate: Option<(String, String)>,
}

/// What a plugin prints.
#[derive(Deserialize)]
struct Credential {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs a plugin.
pub(super) async fn run(exec: &ExecConfig, limits: Limits) -> Result<Given, CollectError> {
    let fail = |cause: String| failed(exec, cause, None);
    let child = command(exec).map_err(fail)?.spawn().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return failed(exec, "it is not installed".to_owned(), exec.install_hint.as_deref());
        }
        fail(plain(&error))
    })?;
    let (printed, status) = in_time(child, limits).await.map_err(|trouble| match trouble {
        Trouble::Late(cause) => failed(exec, cause, Some("wait longer with `--request-timeout`")),
        Trouble::Other(cause) => fail(cause),
    })?;
    if !status.success() {
        return Err(failed(exec, format!("it ended with {status}"), exec.install_hint.as_deref()));
    }
    credential(&printed, exec.api_version.as_deref()).and_then(given).map_err(fail)
}

/// The program with its arguments; the error says why it cannot be run.
fn command(exec: &ExecConfig) -> Result<Command, String> {
    let interactive = match exec.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::Always) if !io::stdin().is_terminal() => {
            return Err("it wants to talk with its user, and standard input is not a terminal".to_owned());
        }
        Some(ExecInteractiveMode::Always | ExecInteractiveMode::IfAvailable) | None => io::stdin().is_terminal(),
    };
    let mut spec = json!({ "interactive": interactive });
    if let Some(cluster) = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info) {
        spec["cluster"] = json!(cluster);
    }
    let info = json!({"kind": "ExecCredential", "apiVersion": exec.api_version, "spec": spec});
    let mut command = Command::new(exec.command.as_deref().unwrap_or_default());
    command.args(exec.args.iter().flatten()).env("KUBERNETES_EXEC_INFO", info.to_string());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() });
    command.stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    Ok(command)
}

/// Why a plugin that was started gave nothing.
enum Trouble {
    Late(String),
    Other(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Other(plain(&error))
    }
}

/// What the plugin prints, and how it ends. One that takes too long or prints too much is ended with the value that
/// holds it.
async fn in_time(mut child: Child, limits: Limits) -> Result<(Vec<u8>, ExitStatus), Trouble> {
    let work = async move {
        let mut printed = Vec::new();
        if let Some(output) = child.stdout.take() {
            output.take(MAX_PRINTED + 1).read_to_end(&mut printed).await?;
        }
        if printed.len() as u64 > MAX_PRINTED {
            return Err(Trouble::Other("it prints more than 1 MiB".to_owned()));
        }
        Ok((printed, child.wait().await?))
    };
    let Some(limit) = limits.timeout else {
        return work.await;
    };
    let late = |_| Trouble::Late(format!("it did not end within {} s", limit.as_secs_f32()));
    tokio::time::timeout(limit, work).await.map_err(late)?
}

/// What the plugin printed: JSON, or YAML, which some print and kubectl takes.
fn credential(printed: &[u8], wanted: Option<&str>) -> Result<Status, String> {
    let credential: Credential =
        serde_saphyr::from_slice(printed).map_err(|_| "it printed something else than an ExecCredential".to_owned())?;
    match (wanted, &credential.api_version) {
        (Some(wanted), Some(got)) if wanted != got => {
            Err(format!("it answered in version {got}, and the kubeconfig asks for {wanted}"))
        }
        _ => credential.status.ok_or_else(|| "it gave no status".to_owned()),
    }
}

/// What a status gives; the error says why it is nothing.
fn given(status: Status) -> Result<Given, String> {
    if status.token.as_deref().is_some_and(|token| !is_header(token)) {
        return Err(format!("it gave a token that cannot be used: {NO_HEADER}"));
    }
    let certificate = status.client_certificate_data.zip(status.client_key_data);
    if status.token.is_none() && certificate.is_none() {
        return Err("it gave neither a token nor a certificate with its key".to_owned());
    }
    Ok(Given { token: status.token, certificate })
}

/// A hint is often text of several lines: it goes on in one.
fn failed(exec: &ExecConfig, cause: String, hint: Option<&str>) -> CollectError {
    let hint = hint.map(|hint| hint.split_whitespace().collect::<Vec<_>>().join(" ")).filter(|hint| !hint.is_empty());
    CollectError::Credentials { command: exec.command.clone().unwrap_or_default(), cause, hint }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn json_and_yaml_are_understood() {
        let json = br#"{"apiVersion": "v1", "kind": "ExecCredential", "status": {"token": "t"}}"#;
        assert_eq!(credential(json, Some("v1")).unwrap().token.as_deref(), Some("t"));
        let yaml = b"kind: ExecCredential\nstatus:\n  clientCertificateData: c\n  clientKeyData: k\n";
        assert_eq!(credential(yaml, Some("v1")).unwrap().client_key_data.as_deref(), Some("k"));
        assert!(credential(json, Some("v1beta1")).is_err_and(|why| why.contains("v1beta1")));
        assert!(credential(b"", None).is_err());
        assert!(credential(b"{}", None).is_err());
    }

    #[test]
    fn a_token_that_no_header_takes_is_not_shown() {
        let status = |token: &str| Status {
            token: Some(token.to_owned()),
            client_certificate_data: None,
            client_key_data: None,
        };
        assert!(given(status("t")).is_ok());
        assert!(given(status("SEKRIT\n")).is_err_and(|why| why.contains("line break") && !why.contains("SEKRIT")));
    }
}
