//! What `purrwall new` asks on a terminal.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::Result;

use crate::commands::new::arguments::{Arguments, NAME, PRICE, price};

/// Asks for what was not given. An empty answer takes what stands in brackets.
pub(super) fn answered(
    arguments: Arguments,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> Result<Arguments> {
    let mut ask = |question: &str| -> Result<Option<String>> {
        write!(output, "{question}: ")?;
        output.flush()?;
        let mut answer = String::new();
        input.read_line(&mut answer)?;
        let answer = answer.trim();
        Ok((!answer.is_empty()).then(|| answer.to_owned()))
    };
    let name = match arguments.name {
        None => ask(&format!("The store's name [{NAME}]"))?,
        given => given,
    };
    let goods = match arguments.goods {
        None => ask("The folder of your goods [two cats, to begin with]")?.map(PathBuf::from),
        given => given,
    };
    let mut cost = arguments.price;
    while cost.is_none() {
        let Some(answer) = ask(&format!("What each item costs [{PRICE}]"))? else {
            break;
        };
        cost = match price(&answer) {
            Ok(price) => Some(price),
            Err(why) => {
                eprintln!("{why}");
                None
            }
        };
    }
    Ok(Arguments {
        name,
        goods,
        price: cost,
        ..arguments
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(given: Arguments, answers: &str) -> (Arguments, String) {
        let mut asked = Vec::new();
        let answered = answered(given, &mut answers.as_bytes(), &mut asked).unwrap();
        (answered, String::from_utf8(asked).unwrap())
    }

    fn nothing() -> Arguments {
        Arguments {
            dir: "my-store".into(),
            name: None,
            goods: None,
            price: None,
        }
    }

    #[test]
    fn what_is_not_given_is_asked_for() {
        let (answers, asked) = ask(nothing(), "Tea\nmusic\n1 EUR\n21 sat\n");
        assert_eq!(answers.name.as_deref(), Some("Tea"));
        assert_eq!(answers.goods, Some("music".into()));
        assert_eq!(answers.price.unwrap().to_string(), "21 sat");
        assert_eq!(asked.matches("What each item costs").count(), 2, "{asked}");

        let (again, asked) = ask(answers, "");
        assert_eq!(asked, "");
        assert_eq!(again.name.as_deref(), Some("Tea"));
    }

    #[test]
    fn no_answer_leaves_the_defaults() {
        let (answers, _) = ask(nothing(), "\n\n\n");
        assert_eq!((answers.name, answers.goods), (None, None));
        assert!(answers.price.is_none());
    }
}
