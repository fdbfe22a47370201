//! Credential plugins (`exec` in the kubeconfig): run once, whatever the client would do.

use std::io::{self, IsTerminal as _};
use std::process::{Command, Stdio};

use base64::Engine as _;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;

use super::error::CollectError;

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

/// Runs the user's credential plugin, if there is one, and puts what it gives in its place.
pub(super) async fn fill(user: &mut AuthInfo) -> Result<(), CollectError> {
    let has_own = user.token.is_some() || user.token_file.is_some() || user.auth_provider.is_some();
    let Some(exec) = user.exec.take().filter(|_| !has_own) else {
        return Ok(());
    };
    let command = exec.command.clone().unwrap_or_default();
    let ran = tokio::task::spawn_blocking(move || run(&exec)).await;
    let status = ran.unwrap_or_else(|e| Err(failed(&command, e.to_string(), None)))?;
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    if let (Some(certificate), Some(key)) = (status.client_certificate_data, status.client_key_data) {
        user.client_certificate_data = Some(encode(certificate));
        user.client_key_data = Some(encode(key).into());
    } else if status.token.is_none() {
        return Err(failed(&command, "it gave neither a token nor a certificate with its key".to_owned(), None));
    }
    user.token = status.token.map(Into::into);
    Ok(())
}

fn run(exec: &ExecConfig) -> Result<Status, CollectError> {
    let name = exec.command.clone().unwrap_or_default();
    let fail = |cause: String| failed(&name, cause, None);
    let interactive = match exec.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::Always) if !io::stdin().is_terminal() => {
            return Err(fail("it wants to talk with its user, and standard input is no terminal".to_owned()));
        }
        Some(ExecInteractiveMode::Always | ExecInteractiveMode::IfAvailable) | None => io::stdin().is_terminal(),
    };
    let mut spec = json!({ "interactive": interactive });
    if let Some(cluster) = exec.cluster.as_ref().filter(|_| exec.provide_cluster_info) {
        spec["cluster"] = json!(cluster);
    }
    let info = json!({"kind": "ExecCredential", "apiVersion": exec.api_version, "spec": spec});
    let mut command = Command::new(&name);
    command.args(exec.args.iter().flatten()).env("KUBERNETES_EXEC_INFO", info.to_string());
    for variable in exec.env.iter().flatten() {
        if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
            command.env(name, value);
        }
    }
    command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() }).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound {
            return failed(&name, "it is not installed".to_owned(), exec.install_hint.clone());
        }
        fail(super::disk::plain(&error))
    })?;
    if !output.status.success() {
        return Err(failed(&name, format!("it ended with {}", output.status), exec.install_hint.clone()));
    }
    credential(&output.stdout, exec.api_version.as_deref()).map_err(fail)
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

fn failed(command: &str, cause: String, hint: Option<String>) -> CollectError {
    let hint = hint.map(|hint| hint.trim().to_owned()).filter(|hint| !hint.is_empty());
    CollectError::Credentials { command: command.to_owned(), cause, hint }
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
}
