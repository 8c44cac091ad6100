//! What a rune restricts: alternatives, one of which a request must meet.

use std::fmt::{self, Write};

/// A list of alternatives, of which one must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// At least one.
    pub alternatives: Vec<Alternative>,
}

/// A condition on one field of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// What is compared, such as `method` or `pnamelabel`: the parameter `label`.
    pub field: String,
    /// How.
    pub condition: Condition,
    /// With what.
    pub value: String,
}

/// How a field is compared with the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `!`: there is no such field.
    Missing,
    /// `=`
    Equal,
    /// `/`
    Unequal,
    /// `^`
    Begins,
    /// `$`
    Ends,
    /// `~`
    Contains,
    /// `<`, of numbers.
    Less,
    /// `>`, of numbers.
    Greater,
    /// `{`, of texts.
    SortsBefore,
    /// `}`, of texts.
    SortsAfter,
    /// `#` always holds.
    Comment,
}

/// Every condition with its sign, and with the words of `showrunes` and of `decode`.
const CONDITIONS: [(Condition, char, &str, &str); 11] = [
    (Condition::Missing, '!', "is missing", "is missing"),
    (Condition::Equal, '=', "equal to", "equal to"),
    (Condition::Unequal, '/', "unequal to", "unequal to"),
    (Condition::Begins, '^', "starts with", "starts with"),
    (Condition::Ends, '$', "ends with", "ends with"),
    (Condition::Contains, '~', "contains", "contains"),
    (Condition::Less, '<', "<", "less than"),
    (Condition::Greater, '>', ">", "greater than"),
    (Condition::SortsBefore, '{', "sorts before", "sorts before"),
    (Condition::SortsAfter, '}', "sorts after", "sorts after"),
    (Condition::Comment, '#', "comment:", "comment"),
];

impl Condition {
    fn row(self) -> &'static (Self, char, &'static str, &'static str) {
        let mut rows = CONDITIONS.iter();
        rows.find(|row| row.0 == self)
            .expect("every condition has a row")
    }

    fn of_sign(sign: char) -> Option<Self> {
        CONDITIONS.iter().find(|row| row.1 == sign).map(|row| row.0)
    }

    /// The sign in a rune's text.
    pub fn sign(self) -> char {
        self.row().1
    }

    /// The words of lightningd's `decode`.
    pub fn summary(self) -> &'static str {
        self.row().3
    }
}

impl Restriction {
    /// Whether a request with these fields may meet it, where what is said of other fields is met.
    pub(super) fn may_hold(&self, fields: &[(&str, &str)]) -> bool {
        self.alternatives.iter().any(|alternative| {
            let mut fields = fields.iter();
            let found = fields.find(|(name, _)| *name == alternative.field);
            let holds = |(_, text): &(&str, &str)| alternative.holds_for(text);
            found.is_none_or(holds)
        })
    }

    /// Reads `field=value|field^value`. A backslash makes the next character part of the value.
    pub fn parse(text: &str) -> Option<Self> {
        let alternatives = split(text, '|').into_iter().map(Alternative::parse);
        Some(Self {
            alternatives: alternatives.collect::<Option<_>>()?,
        })
    }

    /// The unique id that this is instead of a restriction: one alternative, whose field has no
    /// name. A version may follow the id after a hyphen.
    pub fn unique_id(&self) -> Option<&str> {
        match self.alternatives.as_slice() {
            [one] if one.field.is_empty() && one.condition == Condition::Equal => {
                one.value.split('-').next()
            }
            _ => None,
        }
    }

    /// Whether a field without a name stands where only a real field may.
    pub fn has_nameless_field(&self) -> bool {
        let mut alternatives = self.alternatives.iter();
        alternatives.any(|alternative| alternative.field.is_empty())
    }

    /// The words of lightningd's `showrunes`.
    pub fn english(&self) -> String {
        let alternatives: Vec<_> = self.alternatives.iter().map(Alternative::english).collect();
        alternatives.join(" OR ")
    }
}

impl Alternative {
    /// Reads `field=value`. A field's name is of letters, digits and underscores.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| c.is_ascii_punctuation() && c != '_')?;
        let (field, rest) = text.split_at(end);
        let mut rest = rest.chars();
        let condition = Condition::of_sign(rest.next()?)?;
        let mut value = String::new();
        while let Some(c) = rest.next() {
            value.push(if c == '\\' { rest.next()? } else { c });
        }
        Some(Self {
            field: field.to_owned(),
            condition,
            value,
        })
    }

    /// Whether a field that is this text meets it.
    pub fn holds_for(&self, text: &str) -> bool {
        let value = self.value.as_str();
        let numbers = || Some((text.parse::<i64>().ok()?, value.parse::<i64>().ok()?));
        match self.condition {
            Condition::Missing => false,
            Condition::Comment => true,
            Condition::Equal => text == value,
            Condition::Unequal => text != value,
            Condition::Begins => text.starts_with(value),
            Condition::Ends => text.ends_with(value),
            Condition::Contains => text.contains(value),
            Condition::Less => numbers().is_some_and(|(number, value)| number < value),
            Condition::Greater => numbers().is_some_and(|(number, value)| number > value),
            Condition::SortsBefore => text < value,
            Condition::SortsAfter => text > value,
        }
    }

    /// The words of lightningd's `showrunes`.
    pub fn english(&self) -> String {
        let (field, value) = (&self.field, &self.value);
        match self.condition.row() {
            (Condition::Missing, _, words, _) => format!("{field} {words}"),
            (Condition::Comment, _, words, _) => format!("{words} {field} {value}"),
            (_, _, words, _) => format!("{field} {words} {value}"),
        }
    }
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, alternative) in self.alternatives.iter().enumerate() {
            if index > 0 {
                f.write_char('|')?;
            }
            write!(f, "{alternative}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.field, self.condition.sign())?;
        for c in self.value.chars() {
            if matches!(c, '\\' | '|' | '&') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        Ok(())
    }
}

/// Cuts a text at a separator, except where a backslash is before it.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, c) in text.char_indices() {
        if c == separator && !escaped {
            parts.push(&text[start..index]);
            start = index + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}
