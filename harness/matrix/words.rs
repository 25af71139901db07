//! A command that was given as one text, in words, as a shell would see them.

/// Splits at blanks outside quotes. Nothing is filled in: no variables, no patterns, no pipes.
///
/// # Errors
///
/// What is wrong with it, and what to write.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                begun = true;
                quoted(&mut chars, '\'', &mut word)?;
            }
            '"' => {
                begun = true;
                quoted(&mut chars, '"', &mut word)?;
            }
            '\\' => {
                begun = true;
                word.push(chars.next().ok_or("it ends with a backslash")?);
            }
            c if c.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            '|' | '&' | ';' | '<' | '>' | '`' => {
                return Err(format!(
                    "`{c}` is for a shell, and there is none: write  NAME=\"sh -c '...'\""
                ));
            }
            c => {
                begun = true;
                word.push(c);
            }
        }
    }
    if begun {
        words.push(word);
    }
    match words.is_empty() {
        true => Err("there is no command".to_owned()),
        false => Ok(words),
    }
}

/// Up to the closing quote. In double quotes a backslash stands before `"`, `\`, `$` and `` ` ``.
fn quoted(chars: &mut std::str::Chars<'_>, end: char, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            c if c == end => return Ok(()),
            '\\' if end == '"' => match chars.next() {
                Some(c) if "\"\\$`".contains(c) => word.push(c),
                Some(c) => word.extend(['\\', c]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err(format!("a quote ({end}) is not closed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_a_shell_would() {
        for (text, words) in [
            ("curl -sS {target}", &["curl", "-sS", "{target}"][..]),
            ("  a  'b  c' \"d 'e\" ", &["a", "b  c", "d 'e"]),
            (r#"a\ b "x\"y\n" '\'"#, &["a b", "x\"y\\n", "\\"]),
            ("a '' b", &["a", "", "b"]),
            ("sh -c 'curl $X | cat'", &["sh", "-c", "curl $X | cat"]),
            ("a'b'c", &["abc"]),
        ] {
            assert_eq!(split(text).unwrap(), words, "{text}");
        }
    }

    #[test]
    fn what_is_no_command() {
        for (text, says) in [
            ("", "no command"),
            ("  ", "no command"),
            ("curl 'x", "not closed"),
            ("curl \"x\\", "not closed"),
            ("curl x\\", "backslash"),
            ("curl x | cat", "sh -c"),
        ] {
            let error = split(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,40}") {
            let _ = split(&text);
        }
    }
}
