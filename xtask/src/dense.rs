//! Scripts and styles without comments and indentation, which is most of what can be saved before
//! compression.
//!
//! It works line by line, so it asks for sources like ours: a comment has lines of its own, and no
//! text goes over several.

use anyhow::{Result, ensure};

/// A script. Line ends stay: they may end statements.
///
/// # Errors
///
/// Where a template may go over several lines, whose indentation would count.
pub(crate) fn script(source: &str) -> Result<String> {
    let mut dense = String::new();
    for line in without_comments(source) {
        ensure!(
            line.matches('`').count() % 2 == 0,
            "a template must begin and end in one line: {line}"
        );
        if !line.starts_with("//") {
            dense.push_str(line);
            dense.push('\n');
        }
    }
    Ok(dense)
}

/// A style sheet.
pub(crate) fn style(source: &str) -> String {
    let mut dense = String::new();
    for line in without_comments(source) {
        dense.push_str(line);
        if !line.ends_with(['{', '}', ';', ',']) {
            dense.push(' ');
        }
    }
    dense
}

/// The lines that say something, without the white space around them.
fn without_comments(source: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    let lines = source.lines().map(str::trim);
    lines.filter(move |line| {
        let starts = line.starts_with("/*");
        let ends = line.ends_with("*/");
        let is_comment = inside || starts;
        inside = is_comment && !ends;
        !is_comment && !line.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_loses_comments_and_indentation_and_nothing_else() {
        let source = "// What it is.\n\nfunction a() {\n    /**\n     * Why.\n     */\n    \
                      return import(/* webpackIgnore: true */ `//x`);\n}\n";
        let dense = "function a() {\nreturn import(/* webpackIgnore: true */ `//x`);\n}\n";
        assert_eq!(script(source).unwrap(), dense);
    }

    #[test]
    fn a_template_of_several_lines_is_refused() {
        assert!(script("a(`x\n  y`)").is_err());
    }

    #[test]
    fn a_style_is_joined_where_it_may_be() {
        let source = "/* Two\n   lines */\na,\nb {\n  font: 1rem\n    serif;\n}\n";
        assert_eq!(style(source), "a,b {font: 1rem serif;}");
    }
}
