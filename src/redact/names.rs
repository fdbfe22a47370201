//! Names of what holds a secret: headers, query parameters, fields.

/// Headers whose values are secrets, each with the reason. Further ones are told by their words: [`WORDS`].
const HEADERS: &[(&str, &str)] = &[
    ("authorization", "RFC 9110: who the client is"),
    ("proxy-authorization", "RFC 9110: the same, for a proxy"),
    ("authentication-info", "RFC 9110: what a server proves itself with"),
    ("proxy-authentication-info", "RFC 9110: the same, of a proxy"),
    ("cookie", "RFC 6265: sessions"),
    ("set-cookie", "RFC 6265: sessions"),
    ("x-api-key", "the key of an API, as most gateways have it"),
    ("apikey", "Kong, Supabase"),
    ("x-amz-security-token", "AWS: a session's token"),
    ("x-goog-iap-jwt-assertion", "Google's Identity-Aware Proxy: a signed token"),
    ("x-forwarded-access-token", "oauth2-proxy: the user's access token"),
    ("x-forwarded-authorization", "a copy of Authorization"),
    ("x-original-authorization", "a copy of Authorization"),
    ("x-ms-token-aad-id-token", "Azure App Service: the user's token"),
    ("x-vault-token", "HashiCorp Vault"),
    ("x-consul-token", "HashiCorp Consul"),
    ("private-token", "GitLab"),
    ("x-gitlab-token", "GitLab"),
    ("x-hub-signature", "GitHub: keyed hash of a body"),
    ("x-session-id", "a session by its name"),
    ("dpop", "RFC 9449: a proof of possession"),
    ("x-datadog-api-key", "Datadog"),
    ("dd-api-key", "Datadog"),
    ("x-honeycomb-team", "Honeycomb: the key of a team"),
    ("x-insert-key", "New Relic"),
    ("x-license-key", "New Relic"),
];

/// A name with one of these among its words is a secret's.
const WORDS: &[&str] = &[
    "apikey",
    "assertion",
    "auth",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "hmac",
    "jwt",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "session",
    "sessionid",
    "sid",
    "sig",
    "signature",
    "token",
];

/// Two words that make a secret's name together.
const PAIRS: &[(&str, &str)] =
    &[("access", "key"), ("api", "key"), ("app", "key"), ("private", "key"), ("secret", "key"), ("signing", "key")];

/// Fields that hold nothing but a secret, or text that nobody needs and anybody may have put a secret into.
const WHOLE: &[(&str, &str)] = &[
    ("access_token", "a token"),
    ("basic_auth", "names and hashes of passwords"),
    ("call_credentials", "what a gRPC client proves itself with"),
    ("client_secret", "OAuth 2"),
    ("default_source_code", "a script"),
    ("configuration", "a plugin's own; of WebAssembly"),
    ("environment_variables", "a plugin's environment"),
    ("format", "the format of a log"),
    ("generic_secret", "a secret of any kind"),
    ("hmac", "a key"),
    ("hmac_secret", "a key"),
    ("http_headers", "what probes send"),
    ("initial_metadata", "what a gRPC client sends to authorization services"),
    ("inline_code", "a script"),
    ("json_format", "the format of a log"),
    ("log_format", "the format of a log"),
    ("password", "a password"),
    ("private_key", "a key"),
    ("session_ticket_keys", "keys"),
    ("source_code", "a script"),
    ("source_codes", "scripts"),
    ("text_format", "the format of a log"),
    ("text_format_source", "the format of a log"),
    ("token_secret", "OAuth 2"),
];

/// Whether a header, a cookie's parameter or a query parameter of this name holds a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    HEADERS.iter().any(|(known, _)| *known == name) || has_secret_words(&name)
}

/// Whether all text below a field of this name, in `snake_case`, is left out.
pub(super) fn is_left_out(field: &str) -> bool {
    WHOLE.iter().any(|(known, _)| *known == field)
}

fn has_secret_words(name: &str) -> bool {
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    words.iter().any(|word| WORDS.contains(word))
        || words.windows(2).any(|pair| PAIRS.iter().any(|(one, two)| pair == [*one, *two]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_by_their_words() {
        for name in ["Authorization", "X-Api-Key", "x-my-auth", "sessionid", "x-access-key", "X_AUTH_TOKEN", "apikey"] {
            assert!(is_secret(name), "{name}");
        }
        for name in [":authority", "x-user", "author", "x-tokens", "key", "x-envoy-retry-on", "x-forwarded-client-cert"]
        {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn each_name_is_there_once() {
        let mut names: Vec<&str> = HEADERS.iter().chain(WHOLE).map(|(name, _)| *name).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
