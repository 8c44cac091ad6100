//! Whether a request meets a rune's restrictions, and why not, in lightningd's words.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lightningd::rune::{Alternative, Condition, Restriction};
use serde_json::value::RawValue;

use crate::bolt11;

const MINUTE: u64 = 60_000_000_000;

/// What restrictions look at: a call, who makes it, and when.
pub(crate) struct Request {
    fields: HashMap<String, Field>,
    since_last_use: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Field {
    Text(String),
    Number(i64),
}

impl Request {
    /// A call at this time.
    pub(crate) fn new(
        method: Option<&str>,
        params: Option<&RawValue>,
        id: Option<&str>,
        now: SystemTime,
    ) -> Self {
        let time = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let params = params.map(params_of).unwrap_or_default();
        let mut fields = HashMap::from([
            ("time".to_owned(), number(time)),
            ("pnum".to_owned(), number(params.len() as u64)),
        ]);
        let text = |text: &str| Field::Text(text.to_owned());
        fields.extend(method.map(|method| ("method".to_owned(), text(method))));
        fields.extend(id.map(|id| ("id".to_owned(), text(id))));
        fields.extend(params);
        Self {
            fields,
            since_last_use: None,
        }
    }

    /// Says how long ago the rune was used last.
    pub(crate) fn after(mut self, since_last_use: Option<Duration>) -> Self {
        self.since_last_use = since_last_use;
        self
    }

    /// Checks all restrictions; the error says why one is not met.
    pub(crate) fn check_all(&self, restrictions: &[Restriction]) -> Result<(), String> {
        restrictions
            .iter()
            .try_for_each(|restriction| self.check_one(restriction))
    }

    fn check_one(&self, restriction: &Restriction) -> Result<(), String> {
        let mut reasons = Vec::new();
        for alternative in &restriction.alternatives {
            match self.check(alternative) {
                Ok(()) => return Ok(()),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join(" AND "))
    }

    fn check(&self, alternative: &Alternative) -> Result<(), String> {
        match alternative.field.as_str() {
            "rate" => self.check_pause(alternative, "rate", |rate, unit| {
                unit.is_empty().then(|| MINUTE / rate)
            }),
            "per" => self.check_pause(alternative, "per", |count, unit| {
                count.checked_mul(nanoseconds(unit)?)
            }),
            name => {
                let invoice_field = self.invoice_field(name);
                compare(
                    alternative,
                    invoice_field.as_ref().or(self.fields.get(name)),
                )
            }
        }
    }

    /// `rate` and `per` are the least time between two uses.
    fn check_pause(
        &self,
        alternative: &Alternative,
        name: &str,
        pause: impl FnOnce(u64, &str) -> Option<u64>,
    ) -> Result<(), String> {
        if alternative.condition != Condition::Equal {
            return Err(format!("{name} operator must be ="));
        }
        let value = &alternative.value;
        let digits = value.find(|c: char| !c.is_ascii_digit());
        let (count, unit) = value.split_at(digits.unwrap_or(value.len()));
        let count = count.parse::<u32>().ok().filter(|count| *count > 0);
        let pause = count.and_then(|count| pause(u64::from(count), unit));
        let pause = Duration::from_nanos(pause.ok_or_else(|| format!("malformed {name}"))?);
        match self.since_last_use {
            Some(since) if since < pause => Err("too soon".to_owned()),
            _ => Ok(()),
        }
    }

    /// `pinv<parameter>_<what>`: something of the invoice that a parameter is.
    fn invoice_field(&self, name: &str) -> Option<Field> {
        let (parameter, what) = name.strip_prefix("pinv")?.rsplit_once('_')?;
        let Field::Text(text) = self.fields.get(&format!("pname{parameter}"))? else {
            return None;
        };
        let invoice = bolt11::parse(text).ok()?;
        match what {
            "amount" => Some(number(invoice.amount_milli_satoshis()?)),
            "description" => Some(Field::Text(invoice.description().to_string())),
            "node" => Some(Field::Text(invoice.get_payee_pub_key().to_string())),
            _ => None,
        }
    }
}

/// The parameters as fields: `pname<name>` without punctuation, or `parr<position>`.
fn params_of(params: &RawValue) -> Vec<(String, Field)> {
    let text = params.get();
    if let Ok(named) = serde_json::from_str::<HashMap<String, Box<RawValue>>>(text) {
        let named = named.into_iter().map(|(name, value)| {
            let name: String = name.chars().filter(|c| !c.is_ascii_punctuation()).collect();
            (format!("pname{name}"), field(value.get()))
        });
        return named.collect();
    }
    let listed: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap_or_default();
    let listed = listed.iter().enumerate();
    listed
        .map(|(index, value)| (format!("parr{index}"), field(value.get())))
        .collect()
}

/// A value is a number only if it is written without quotes. Like lightningd, this takes the text
/// between the quotes of a string as it is written, with its escapes.
fn field(raw: &str) -> Field {
    if let Ok(number) = raw.parse() {
        return Field::Number(number);
    }
    let text = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    Field::Text(text.unwrap_or(raw).to_owned())
}

fn number(number: u64) -> Field {
    Field::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

fn nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "nsec" => 1,
        "usec" => 1_000,
        "msec" => 1_000_000,
        "" | "sec" => 1_000_000_000,
        "min" => MINUTE,
        "hour" => 60 * MINUTE,
        "day" => 24 * 60 * MINUTE,
        _ => return None,
    })
}

fn compare(alternative: &Alternative, field: Option<&Field>) -> Result<(), String> {
    let Alternative {
        field: name,
        condition,
        value,
    } = alternative;
    let Some(field) = field else {
        return match condition {
            Condition::Missing | Condition::Comment => Ok(()),
            _ => Err(format!("{name} not present")),
        };
    };
    let text = match field {
        Field::Text(text) => text.clone(),
        Field::Number(number) => number.to_string(),
    };
    if matches!(condition, Condition::Less | Condition::Greater) {
        if matches!(field, Field::Text(_)) {
            return Err(format!("{name} is not an integer field"));
        }
        if value.parse::<i64>().is_err() {
            return Err(format!("{value} is not a valid integer"));
        }
    }
    let complaint = match condition {
        Condition::Missing => return Err(format!("{name} is present")),
        Condition::Comment => return Ok(()),
        Condition::Equal => "is not equal to",
        Condition::Unequal => "is equal to",
        Condition::Begins => "does not start with",
        Condition::Ends => "does not end with",
        Condition::Contains => "does not contain",
        Condition::Less => "is greater or equal to",
        Condition::Greater => "is less or equal to",
        Condition::SortsBefore => "is equal to or ordered after",
        Condition::SortsAfter => "is equal to or ordered before",
    };
    if alternative.holds_for(&text) {
        Ok(())
    } else {
        Err(format!("{name} {complaint} {value}"))
    }
}

#[cfg(test)]
impl Request {
    /// A request whose fields are these, `name=value`.
    pub(super) fn of_fields(fields: &[&str]) -> Self {
        let fields = fields.iter().filter_map(|text| text.split_once('='));
        Self {
            fields: fields
                .map(|(name, value)| (name.to_owned(), field(value)))
                .collect(),
            since_last_use: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(restriction: &str, params: &str) -> Result<(), String> {
        let params = RawValue::from_string(params.to_owned()).unwrap();
        let request = Request::new(Some("pay"), Some(&params), Some("02ab"), UNIX_EPOCH)
            .after(Some(Duration::from_secs(5)));
        request.check_all(&[Restriction::parse(restriction).unwrap()])
    }

    #[test]
    fn fields_of_a_call_are_compared() {
        let named = r#"{"amount_msat": 5, "label": "5", "cell-array": [1]}"#;
        for holds in [
            "method=pay",
            "id^02",
            "time<1",
            "pnum=3",
            "pnameamountmsat<6",
            "pnamecellarray=[1]",
            "pnameother!",
            "parr0!",
            "rate=12",
            "per=5sec",
            "per=4999msec",
            "method=x|pnamelabel=5",
        ] {
            assert_eq!(check(holds, named), Ok(()), "{holds}");
        }
        for (fails, reason) in [
            ("pnamelabel<6", "pnamelabel is not an integer field"),
            ("pnameother=1", "pnameother not present"),
            ("pnamelabel!", "pnamelabel is present"),
            ("rate=11", "too soon"),
            ("per=1min", "too soon"),
            ("per=1week", "malformed per"),
            ("rate<5", "rate operator must be ="),
            (
                "method=x|pnum=1",
                "method is not equal to x AND pnum is not equal to 1",
            ),
        ] {
            assert_eq!(check(fails, named), Err(reason.to_owned()), "{fails}");
        }
        assert_eq!(check("parr1=b", r#"["a", "b"]"#), Ok(()));
    }
}
