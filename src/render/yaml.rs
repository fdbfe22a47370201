//! `-o yaml`: the JSON in blocks, line by line.
//!
//! Every scalar of JSON is one of YAML too, and pretty-printed JSON has one thing a line; so only the brackets
//! have to go. The order of the fields stays.

/// Pretty-printed JSON as YAML.
pub(super) fn yaml(json: &str) -> String {
    let mut blocks = Blocks::default();
    json.lines().for_each(|line| blocks.take(line.trim_start()));
    blocks.text.trim_start().to_owned() + "\n"
}

#[derive(Default)]
struct Blocks {
    text: String,
    open: Vec<Block>,
    /// A dash was just written: what follows stands beside it.
    beside_dash: bool,
}

#[derive(Clone, Copy)]
struct Block {
    kind: Kind,
    column: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
}

impl Blocks {
    fn take(&mut self, line: &str) {
        let line = line.strip_suffix(',').unwrap_or(line);
        if line == "}" || line == "]" {
            self.open.pop();
            return;
        }
        let Some(parent) = self.open.last().copied() else {
            self.open(line, 0);
            return;
        };
        self.start_line(parent.column);
        match parent.kind {
            Kind::Array => self.element(line, parent.column + 2),
            Kind::Object => self.member(line, parent.column),
        }
    }

    fn element(&mut self, value: &str, column: usize) {
        self.text.push_str("- ");
        self.beside_dash = self.open(value, column);
        if !self.beside_dash {
            self.text.push_str(value);
        }
    }

    fn member(&mut self, member: &str, column: usize) {
        let (key, value) = member.split_once("\": ").unwrap_or((member, ""));
        self.text.push_str(key.trim_start_matches('"'));
        self.text.push(':');
        let inner = if value == "[" { column } else { column + 2 };
        if !self.open(value, inner) {
            self.text.push(' ');
            self.text.push_str(value);
        }
    }

    /// Opens the block that a bracket begins, if this is one.
    fn open(&mut self, bracket: &str, column: usize) -> bool {
        let kind = match bracket {
            "{" => Kind::Object,
            "[" => Kind::Array,
            _ => return false,
        };
        self.open.push(Block { kind, column });
        true
    }

    fn start_line(&mut self, column: usize) {
        if !std::mem::take(&mut self.beside_dash) {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', column));
        }
    }
}
