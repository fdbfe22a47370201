//! The credentials of a kubeconfig: whole before the first request, and such that a request can carry them.

use std::fs;
use std::io::Read as _;

use base64::Engine as _;
use kube::config::AuthInfo;
use secrecy::ExposeSecret;

use super::error::{CollectError, plain};
use super::header::{NO_HEADER, is_header};
use super::limits::Limits;
use super::plugin;

/// The most that is read of a token's file.
const MAX_TOKEN: u64 = 1 << 20;

/// Reads the user's token where it lies in a file, or runs the credential plugin, if there is one, and puts what it
/// gives in its place.
pub(super) async fn fill(user: &mut AuthInfo, limits: Limits) -> Result<(), CollectError> {
    user.auth_provider.as_ref().map_or(Ok(()), |provider| is_known(&provider.name))?;
    if let Some(file) = user.token_file.take().filter(|file| !file.is_empty()) {
        match token_of(&file) {
            Ok(token) => user.token = Some(token.into()),
            // As for kubectl, a token beside it will do.
            Err(error) if user.token.is_none() => return Err(error),
            Err(_) => {}
        }
    }
    user.token = user.token.take().filter(|token| !token.expose_secret().is_empty());
    let exec = user.exec.take().filter(|_| user.token.is_none() && user.auth_provider.is_none());
    if let Some(exec) = exec {
        let given = plugin::run(&exec, limits).await?;
        let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
        if let Some((certificate, key)) = given.certificate {
            user.client_certificate_data = Some(encode(certificate));
            user.client_key_data = Some(encode(key).into());
        }
        user.token = given.token.map(Into::into);
    }
    can_be_sent(user)
}

/// kubectl had providers built in before it had plugins. One of them is left; of the others, one runs a program and
/// quotes what it prints.
fn is_known(provider: &str) -> Result<(), CollectError> {
    let plugin = match provider {
        "oidc" => return Ok(()),
        "gcp" => "gke-gcloud-auth-plugin",
        "azure" => "kubelogin",
        _ => "a credential plugin",
    };
    Err(CollectError::Setting {
        what: format!("the kubeconfig's auth-provider `{provider}`"),
        cause: "kubectl has none of this name any longer".to_owned(),
        hint: Some(format!("use {plugin}, as `exec` of the kubeconfig's user")),
    })
}

fn token_of(file: &str) -> Result<String, CollectError> {
    let failed = |cause: String| CollectError::File { path: file.to_owned(), cause };
    let mut token = String::new();
    let opened = fs::File::open(file).map_err(|e| failed(plain(&e)))?;
    opened.take(MAX_TOKEN).read_to_string(&mut token).map_err(|e| failed(plain(&e)))?;
    let token = token.trim();
    if token.is_empty() { Err(failed("there is no token in it".to_owned())) } else { Ok(token.to_owned()) }
}

/// What is sent with every request has to be text of a header; what it is, is not said.
fn can_be_sent(user: &AuthInfo) -> Result<(), CollectError> {
    let extras = user.impersonate_user_extra.iter().flatten().flat_map(|(_, values)| values);
    let all = [
        ("the bearer token", user.token.as_ref().map(ExposeSecret::expose_secret)),
        ("the user to impersonate", user.impersonate.as_deref()),
        ("the UID to impersonate", user.impersonate_uid.as_deref()),
    ];
    let all = all.into_iter().filter_map(|(what, text)| Some((what, text?)));
    let groups = user.impersonate_groups.iter().flatten().map(|group| ("a group to impersonate", group.as_str()));
    let extras = extras.map(|value| ("an extra of the user to impersonate", value.as_str()));
    match all.chain(groups).chain(extras).find(|(_, text)| !is_header(text)) {
        Some((what, _)) => Err(CollectError::setting(what, NO_HEADER)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test")]

    use super::*;

    fn filled(mut user: AuthInfo) -> Result<AuthInfo, CollectError> {
        let limits = Limits { timeout: None, max_read: 1 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(fill(&mut user, limits)).map(|()| user)
    }

    fn token(user: &AuthInfo) -> Option<&str> {
        user.token.as_ref().map(ExposeSecret::expose_secret)
    }

    #[test]
    fn a_token_is_read_from_its_file_without_the_line_break() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "from-file\n").unwrap();
        let with = |token: Option<&str>| AuthInfo {
            token: token.map(|token| token.to_owned().into()),
            token_file: Some(file.display().to_string()),
            ..AuthInfo::default()
        };
        assert_eq!(token(&filled(with(None)).unwrap()), Some("from-file"));
        assert_eq!(token(&filled(with(Some("beside"))).unwrap()), Some("from-file"));
        fs::write(&file, " \n").unwrap();
        assert_eq!(token(&filled(with(Some("beside"))).unwrap()), Some("beside"));
        assert_eq!(filled(with(None)).unwrap_err().causes(), ["there is no token in it"]);
        assert_eq!(
            token(&filled(AuthInfo { token: Some(String::new().into()), ..AuthInfo::default() }).unwrap()),
            None
        );
    }

    #[test]
    fn what_no_header_takes_is_refused_and_not_shown() {
        for text in ["SEKRIT\n", "SEKRIT\u{7f}", "SEK\0RIT", "SEKRIT\r\nx: y"] {
            let text = || text.to_owned();
            let users = [
                AuthInfo { token: Some(text().into()), ..AuthInfo::default() },
                AuthInfo { impersonate: Some(text()), ..AuthInfo::default() },
                AuthInfo { impersonate_uid: Some(text()), ..AuthInfo::default() },
                AuthInfo { impersonate_groups: Some(vec![text()]), ..AuthInfo::default() },
                AuthInfo {
                    impersonate_user_extra: Some([("k".to_owned(), vec![text()])].into()),
                    ..AuthInfo::default()
                },
            ];
            for user in users {
                let error = filled(user).unwrap_err();
                assert!(!format!("{error:?}").contains("SEK"), "{error:?}");
                assert_eq!(error.causes(), [NO_HEADER]);
            }
        }
    }

    #[test]
    fn providers_that_kubectl_dropped_are_refused() {
        assert_eq!(is_known("oidc"), Ok(()));
        assert!(is_known("gcp").unwrap_err().hint().unwrap().contains("gke-gcloud-auth-plugin"));
        assert!(is_known("azure").unwrap_err().hint().unwrap().contains("kubelogin"));
        assert!(is_known("openstack").is_err());
    }
}
