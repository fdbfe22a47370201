//! kubectl's templates: text, `{.a.b}`, `{"\n"}`, and `{range .a[*]}…{end}`, printed as `kubectl get -o jsonpath` does.
//!
//! What an expression means is `staging/src/k8s.io/client-go/util/jsonpath` of Kubernetes: names may have hyphens, a `\.`
//! is no end of one, a quoted name with dots is a path, `$` and `@` are both what the range is at, what is missing prints
//! nothing, several values have blanks between them, and no line ends by itself.

use std::iter::Peekable;
use std::str::Chars;

use jsonpath_rust::JsonPath as _;
use serde_json::Value;

/// A template, taken apart.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// As it stands.
    Text(String),
    /// What this path selects, as RFC 9535 has it.
    Path(String),
    /// The parts, once for each value.
    Range(String, Vec<Part>),
}

/// What stands between braces.
enum Action {
    Text(String),
    Path(String),
    Range(String),
    End,
}

/// Whether this is a template, and no expression by itself.
pub(super) fn is_template(expression: &str) -> bool {
    !expression.trim_start().starts_with('$') && expression.contains('{')
}

impl Template {
    /// The template, or what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut open: Vec<(String, Vec<Part>)> = Vec::new();
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, action)) = rest.split_once('{') {
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            let end = end_of(action).ok_or("a `{` is not closed")?;
            rest = &action[end + 1..];
            match self::action(action[..end].trim())? {
                Action::Text(text) => parts.push(Part::Text(text)),
                Action::Path(path) => parts.push(Part::Path(path)),
                Action::Range(path) => open.push((path, std::mem::take(&mut parts))),
                Action::End => {
                    let (path, outer) = open.pop().ok_or("`{end}` stands without a `{range …}`")?;
                    let inner = std::mem::replace(&mut parts, outer);
                    parts.push(Part::Range(path, inner));
                }
            }
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        if open.is_empty() { Ok(Self(parts)) } else { Err("a `{range …}` has no `{end}`".to_owned()) }
    }

    /// What it prints of a document; each value as `shown` has it.
    pub(super) fn print(&self, document: &Value, shown: &dyn Fn(&str) -> String) -> Result<String, String> {
        print(&self.0, document, shown)
    }
}

fn print(parts: &[Part], at: &Value, shown: &dyn Fn(&str) -> String) -> Result<String, String> {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(literal) => text.push_str(literal),
            Part::Path(path) => {
                let values = select(at, path)?;
                let values: Vec<String> = values.into_iter().map(|value| shown(&plain(value))).collect();
                text.push_str(&values.join(" "));
            }
            Part::Range(path, inner) => {
                for value in select(at, path)? {
                    text.push_str(&print(inner, value, shown)?);
                }
            }
        }
    }
    Ok(text)
}

fn select<'a>(at: &'a Value, path: &str) -> Result<Vec<&'a Value>, String> {
    at.query(path).map_err(|error| error.to_string())
}

/// A value as Go prints it: text as it is, a whole number without a fraction, anything that has parts as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => {
            let json = whole(value).to_string();
            [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026")]
                .iter()
                .fold(json, |json, (c, code)| json.replace(*c, code))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => whole(value).to_string(),
    }
}

/// Numbers without a fraction that says nothing.
fn whole(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            text.strip_suffix(".0").and_then(|text| text.parse::<i64>().ok()).map_or_else(|| value.clone(), Value::from)
        }
        Value::Array(items) => items.iter().map(whole).collect(),
        Value::Object(fields) => Value::Object(fields.iter().map(|(key, value)| (key.clone(), whole(value))).collect()),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// Where the action ends: a brace in quotes does not end it.
fn end_of(action: &str) -> Option<usize> {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, c) in action.char_indices() {
        match (quote, c) {
            _ if is_escaped => is_escaped = false,
            (_, '\\') => is_escaped = true,
            (Some(open), _) => quote = quote.filter(|_| c != open),
            (None, '"' | '\'') => quote = Some(c),
            (None, '}') => return Some(at),
            (None, _) => {}
        }
    }
    None
}

fn action(text: &str) -> Result<Action, String> {
    if text == "end" {
        return Ok(Action::End);
    }
    if let Some(path) =
        text.strip_prefix("range").filter(|rest| rest.starts_with(|c: char| c.is_whitespace() || ".[@$".contains(c)))
    {
        return Ok(Action::Range(self::path(path.trim())?));
    }
    if text.starts_with(['"', '\'']) {
        let mut chars = text.chars().peekable();
        let literal = quoted(&mut chars)?;
        return if chars.next().is_none() { Ok(Action::Text(literal)) } else { Err(several(text)) };
    }
    if text.is_empty() { Err("there is nothing between `{` and `}`".to_owned()) } else { Ok(Action::Path(path(text)?)) }
}

fn several(text: &str) -> String {
    format!("one expression in braces is expected, and not `{text}`")
}

/// Text in quotes, with Go's escapes.
fn quoted(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let quote = chars.next();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == quote => return Ok(text),
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                Some(c @ ('\\' | '"' | '\'')) => text.push(c),
                // Of a name: the dot is no end of it.
                Some('.') => text.push_str("\\."),
                Some(c) => {
                    return Err(format!("`\\{c}` is not an escape: there are \\n, \\t, \\r, \\\\, \\\" and \\'"));
                }
                None => break,
            },
            c => text.push(c),
        }
    }
    Err("a text in quotes is not closed".to_owned())
}

/// kubectl's path as RFC 9535 has it.
fn path(text: &str) -> Result<String, String> {
    let mut chars = text.chars().peekable();
    let mut path = "$".to_owned();
    chars.next_if(|c| "$@".contains(*c));
    steps(&mut chars, &mut path, text)?;
    Ok(path)
}

/// The steps of a path, up to what cannot belong to one.
fn steps(chars: &mut Peekable<Chars<'_>>, path: &mut String, text: &str) -> Result<(), String> {
    if chars.peek().is_some_and(|c| c.is_alphanumeric() || *c == '_') {
        names(&name(chars), path);
    }
    while let Some(c) = chars.peek() {
        match c {
            '.' => {
                chars.next();
                if chars.next_if_eq(&'.').is_some() {
                    path.push_str("..");
                    if chars.peek() == Some(&'[') {
                        continue;
                    }
                }
                if chars.next_if_eq(&'*').is_some() {
                    path.push_str("[*]");
                } else if chars.peek().is_some() && chars.peek() != Some(&'[') {
                    names(&name(chars), path);
                }
            }
            '[' => {
                chars.next();
                bracket(chars, path)?;
            }
            _ => return Err(several(text)),
        }
    }
    Ok(())
}

/// A name up to what ends one; a backslash takes what follows into it.
fn name(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut name = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !".,[]{}$@()=!<>&|".contains(*c)) {
        name.push(c);
        if c == '\\' {
            name.extend(chars.next());
        }
    }
    name
}

/// A name as steps: one, or several where it has dots.
fn names(name: &str, path: &mut String) {
    let mut step = String::new();
    let mut chars = name.chars();
    let mut steps = Vec::new();
    while let Some(c) = chars.next() {
        match c {
            '\\' => step.extend(chars.next()),
            '.' => steps.push(std::mem::take(&mut step)),
            c => step.push(c),
        }
    }
    steps.push(step);
    for step in steps {
        path.extend(["[", &Value::String(step).to_string(), "]"]);
    }
}

/// What stands in brackets: numbers, slices and `*` are the same; a filter has paths of its own.
fn bracket(chars: &mut Peekable<Chars<'_>>, path: &mut String) -> Result<(), String> {
    const OPEN: &str = "a `[` is not closed";
    if chars.peek() == Some(&'?') {
        return filter(chars, path);
    }
    let mut parts: Vec<String> = vec![String::new()];
    let mut names_of = Vec::new();
    loop {
        match chars.peek().ok_or(OPEN)? {
            '\'' | '"' => names_of.push(quoted(chars)?),
            ']' => break,
            ',' => parts.push(String::new()),
            c => parts.last_mut().into_iter().for_each(|part| part.push(*c)),
        }
        if !matches!(chars.peek(), Some(']')) || names_of.is_empty() {
            chars.next_if(|c| !"'\"]".contains(*c));
        }
    }
    chars.next();
    match &names_of[..] {
        [] => path.extend(["[", &parts.join(",").replace(' ', ""), "]"]),
        [one] => names(one, path),
        several if several.iter().any(|name| name.contains('.')) => {
            return Err("several names in brackets have no dots here".to_owned());
        }
        several => {
            let several: Vec<String> = several.iter().map(|name| Value::String(name.clone()).to_string()).collect();
            path.extend(["[", &several.join(","), "]"]);
        }
    }
    Ok(())
}

/// `[?(@.a=="b")]`: the same, but for the names of its paths.
fn filter(chars: &mut Peekable<Chars<'_>>, path: &mut String) -> Result<(), String> {
    path.push('[');
    let mut depth = 0_usize;
    while let Some(c) = chars.peek().copied() {
        match c {
            '\'' | '"' => path.push_str(&Value::String(quoted(chars)?).to_string()),
            '@' => {
                chars.next();
                path.push('@');
                inner(chars, path)?;
            }
            ']' if depth == 0 => {
                chars.next();
                path.push(']');
                return Ok(());
            }
            c => {
                depth = match c {
                    '(' => depth + 1,
                    ')' => depth.saturating_sub(1),
                    _ => depth,
                };
                path.push(c);
                chars.next();
            }
        }
    }
    Err("a `[` is not closed".to_owned())
}

/// The path of a filter's operand.
fn inner(chars: &mut Peekable<Chars<'_>>, path: &mut String) -> Result<(), String> {
    loop {
        match chars.peek() {
            Some('.') => {
                chars.next();
                names(&name(chars), path);
            }
            Some('[') => {
                chars.next();
                bracket(chars, path)?;
            }
            Some(_) | None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(template: &str) -> String {
        let document = json!({
            "a": {"b-c": "x", "d.e": {"f": 1.0}, "n": null, "t": true, "h": "<&>"},
            "l": [{"n": "one", "v": 1, "s": ["p", "q"]}, {"n": "two", "v": 2.5, "s": []}],
        });
        let template = Template::parse(template).unwrap_or_else(|e| panic!("{template}: {e}"));
        template.print(&document, &str::to_owned).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn it_prints_what_kubectl_prints() {
        for (template, expected) in [
            ("{.a.b-c}", "x"),
            ("{.a.d\\.e.f}", "1"),
            ("{.a['d\\.e'].f}", "1"),
            ("{.a['b-c']}", "x"),
            ("{['a.b-c']}", "x"),
            ("{$.a.t}{\"\\n\"}", "true\n"),
            ("{.a.n}", "null"),
            ("{.a.nothing}", ""),
            ("{.l[*].n}", "one two"),
            ("{.l[-1].n} and {.l[0:1].n}!", "two and one!"),
            ("{range .l[*]}{.n}{\"\\t\"}{@.v}{'\\n'}{end}", "one\t1\ntwo\t2.5\n"),
            ("{range .l[*]}{.n}:{range .s[*]} {@}{end};{end}", "one: p q;two:;"),
            ("{.l[?(@.n==\"two\")].v}", "2.5"),
            ("{.l[?(@.v>1)].n}", "two"),
            ("{.l[0]['n','v']}", "one 1"),
            ("{.l[0,1].n}", "one two"),
            ("{..v}", "1 2.5"),
            ("{.l[0].s}", "[\"p\",\"q\"]"),
            ("{.a}", "{\"b-c\":\"x\",\"d.e\":{\"f\":1},\"h\":\"\\u003c\\u0026\\u003e\",\"n\":null,\"t\":true}"),
            ("{.a.*}", "x {\"f\":1} <&> null true"),
            ("{\"{}\"}", "{}"),
        ] {
            assert_eq!(printed(template), expected, "{template}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (template, expected) in [
            ("{.a", "not closed"),
            ("{range .l[*]}{.n}", "no `{end}`"),
            ("{end}", "without"),
            ("{}", "nothing between"),
            ("{\"a}", "not closed"),
            ("{.a .b}", "one expression"),
            ("{\"\\q\"}", "not an escape"),
            ("{.a[0}", "not closed"),
        ] {
            let error = Template::parse(template).err().unwrap_or_default();
            assert!(error.contains(expected), "{template}: {error}");
        }
    }
}
