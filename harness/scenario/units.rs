//! Values that carry their unit: `350ms`, `64KiB`, `10kB/s`, `1-2`. Parsed once, here.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::collect;
use super::problem::{Problem, seen};

/// A length of time with its unit: `350ms`, `1.5s`, `2m 30s`, `1h`. The unit is required; the
/// smallest step is a millisecond on sockets and in virtual time alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Length(pub Duration);

/// A number of bytes with its unit: `600B`, `64KiB` (1,024), `100kB` (1,000), `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Size(pub u64);

/// Bytes a second: `10kB/s`, `1MiB/s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(clippy::exhaustive_structs, reason = "one value, and nothing else")]
pub struct Rate(pub u64);

/// Which of a counted thing: `1`, `1-2`, `3-` (the third and all later ones).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ordinals {
    /// The first that matches, from 1.
    pub first: u64,
    /// The last that matches; `u64::MAX` for "and all later ones".
    pub last: u64,
}

impl Default for Ordinals {
    fn default() -> Self {
        Ordinals { first: 1, last: u64::MAX }
    }
}

impl Ordinals {
    /// Whether the `n`-th one (from 1) is among them.
    pub fn contains(self, n: u64) -> bool {
        (self.first..=self.last).contains(&n)
    }
}

/// A value written as one word in YAML.
pub(crate) trait Word: Sized + Default {
    const NAME: &'static str;
    const PATTERN: &'static str;
    const SAYS: &'static str;
    /// Whether a bare number from 1 is a valid value, so that schema checkers let it through.
    const NUMBER: bool = false;
    fn parse(text: &str) -> Result<Self, Problem>;
    fn print(&self) -> String;
}

impl Word for Length {
    const NAME: &'static str = "Length";
    const PATTERN: &'static str = r"^(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+$";
    const SAYS: &'static str = "A length of time with its unit, e.g. 350ms, 1.5s, 2m 30s, 1h";

    fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: &str| {
            Problem::new(format!("{} {why}", seen(text))).help(
                "write a time with its unit: ms, s, m, h or d, e.g. `350ms`, `1.5s`, `2m 30s`",
            )
        };
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(bad("is not a time"));
        }
        if rest.parse::<f64>().is_ok() {
            return Err(bad("has no unit"));
        }
        let mut total = 0.0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let number = number(&rest[..digits]).ok_or_else(|| bad("is not a time"))?;
            rest = rest[digits..].trim_start();
            let letters = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
            let unit = match &rest[..letters] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                "" => return Err(bad("has a number without a unit")),
                "us" | "\u{b5}s" | "\u{3bc}s" | "ns" => {
                    return Err(bad("is finer than a millisecond, the finest there is"));
                }
                other => {
                    let problem = bad("");
                    let message = format!("{} is not a unit of time", seen(other));
                    return Err(Problem { message, ..problem });
                }
            };
            total += number * unit;
            rest = rest[letters..].trim_start();
        }
        if total > 366.0 * 86400.0 {
            return Err(bad("is longer than a year"));
        }
        // Tolerant of what binary fractions do to `1.001s`.
        if (total * 1e3 - (total * 1e3).round()).abs() > 1e-4 {
            return Err(bad("is finer than a millisecond, the finest there is"));
        }
        Ok(Length(Duration::from_millis((total * 1e3).round() as u64)))
    }

    fn print(&self) -> String {
        let ms = self.0.as_millis();
        if self.0.subsec_nanos() == 0 {
            format!("{}s", self.0.as_secs())
        } else {
            format!("{ms}ms")
        }
    }
}

/// `3` or `1.5`, but neither `.5` nor `1.`, which are easily misread.
fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|_| !text.starts_with('.') && !text.ends_with('.'))
}

/// The most bytes that can be written: a tebibyte. More is a slip.
const MOST: f64 = (1u64 << 40) as f64;

/// A number of bytes, or why it is none.
fn bytes(text: &str) -> Result<u64, String> {
    let is = |what: &str| format!("{} {what}", seen(text));
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = number(&text[..digits]).ok_or_else(|| is("is not a size"))?;
    let unit = match text[digits..].trim() {
        "B" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "" => return Err(is("has no unit")),
        "b" | "kb" | "Kb" | "Mb" | "KB" | "K" | "k" | "M" | "G" => {
            return Err(is("has an ambiguous unit"));
        }
        other => return Err(format!("{} is not a unit of size", seen(other))),
    };
    let total = number * unit;
    match total.fract() == 0.0 {
        _ if total > MOST => Err(is("is more than 1024GiB")),
        true => Ok(total as u64),
        false => Err(is("is not a whole number of bytes")),
    }
}

impl Word for Size {
    const NAME: &'static str = "Size";
    const PATTERN: &'static str = r"^\d+(\.\d+)?\s*(B|kB|MB|GB|KiB|MiB|GiB)$";
    const SAYS: &'static str =
        "A number of bytes with its unit, e.g. 600B, 64KiB (1024), 100kB (1000)";

    fn parse(text: &str) -> Result<Self, Problem> {
        bytes(text).map(Size).map_err(|why| {
            Problem::new(why)
                .help("write bytes with their unit, e.g. `600B`, `64KiB` (1024), `100kB` (1000)")
        })
    }

    fn print(&self) -> String {
        match self.0 {
            n if n > 0 && n % (1024 * 1024) == 0 => format!("{}MiB", n / (1024 * 1024)),
            n if n > 0 && n % 1024 == 0 => format!("{}KiB", n / 1024),
            n => format!("{n}B"),
        }
    }
}

impl Word for Rate {
    const NAME: &'static str = "Rate";
    const PATTERN: &'static str = r"^\d+(\.\d+)?\s*(B|kB|MB|GB|KiB|MiB|GiB)/s$";
    const SAYS: &'static str = "Bytes a second, e.g. 10kB/s, 1MiB/s";

    fn parse(text: &str) -> Result<Self, Problem> {
        let bad =
            |why: String| Problem::new(why).help("write bytes a second, e.g. `10kB/s`, `1MiB/s`");
        let Some(amount) = text.trim().strip_suffix("/s") else {
            return Err(bad(format!("{} is not a rate", seen(text))));
        };
        match bytes(amount).map_err(bad)? {
            0 => Err(bad(format!("{} never sends anything", seen(text)))
                .help("for that there is `hang`")),
            n => Ok(Rate(n)),
        }
    }

    fn print(&self) -> String {
        format!("{}/s", Size(self.0).print())
    }
}

impl Word for Ordinals {
    const NAME: &'static str = "Ordinals";
    const PATTERN: &'static str = r"^[1-9]\d*(-([1-9]\d*)?)?$";
    const SAYS: &'static str = "Which ones, counted from 1: 1, 1-2, or 3- for the third and later";
    const NUMBER: bool = true;

    fn parse(text: &str) -> Result<Self, Problem> {
        let bad = |why: &str| {
            Problem::new(format!("{} {why}", seen(text)))
                .help("write `1`, `1-2`, or `3-` for the third and all later ones")
        };
        let one = |t: &str| t.parse::<u64>().map_err(|_| bad("is not a count"));
        let (first, last) = match text.trim().split_once('-') {
            None => (one(text.trim())?, one(text.trim())?),
            Some((first, "")) => (one(first)?, u64::MAX),
            Some((first, last)) => (one(first)?, one(last)?),
        };
        if first == 0 {
            return Err(bad("is not a count: the first one is 1"));
        }
        if last < first {
            return Err(bad("can never match: it ends before it starts"));
        }
        Ok(Ordinals { first, last })
    }

    fn print(&self) -> String {
        match (self.first, self.last) {
            (first, u64::MAX) => format!("{first}-"),
            (first, last) if first == last => format!("{first}"),
            (first, last) => format!("{first}-{last}"),
        }
    }
}

macro_rules! in_yaml {
    ($($type:ty),*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                collect::word(from, <$type as Word>::parse)
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.print())
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.print())
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                <$type as Word>::NAME.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema = json_schema!({
                    "description": <$type as Word>::SAYS,
                    "type": "string",
                    "pattern": <$type as Word>::PATTERN,
                });
                if <$type as Word>::NUMBER {
                    schema.insert("type".into(), vec!["string", "integer"].into());
                    schema.insert("minimum".into(), 1.into());
                }
                schema
            }
        }
    )*};
}

pub(super) use in_yaml;

in_yaml!(Length, Size, Rate, Ordinals);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times() {
        let ms = |t| Length::parse(t).unwrap().0.as_millis();
        assert_eq!(ms("350ms"), 350);
        assert_eq!(ms("1.5s"), 1500);
        assert_eq!(ms("2m 30s"), 150_000);
        assert_eq!(ms("1h30m"), 5_400_000);
        for bad in
            ["", "5", "5 parsecs", "soon", "-3s", "3s 4", "10us", "0.5ms", ".5s", "1.s", "1e9d"]
        {
            assert!(Length::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(Length::parse("5").unwrap_err().message.contains("no unit"));
    }

    #[test]
    fn sizes() {
        assert_eq!(Size::parse("64KiB").unwrap().0, 65536);
        assert_eq!(Size::parse("100kB").unwrap().0, 100_000);
        assert_eq!(Size::parse("1.5MiB").unwrap().0, 1_572_864);
        assert_eq!(Rate::parse("10kB/s").unwrap().0, 10_000);
        for bad in ["64", "64KB", "1 Mb", "B", "ten B", "-1B", "0.5B", "9999999GiB"] {
            assert!(Size::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(Rate::parse("0B/s").is_err());
        assert!(Rate::parse("10kB").is_err());
    }

    #[test]
    fn ordinals() {
        let some = Ordinals::parse("2-3").unwrap();
        assert!(!some.contains(1) && some.contains(2) && some.contains(3) && !some.contains(4));
        assert!(Ordinals::parse("3-").unwrap().contains(1_000_000));
        for bad in ["", "0", "-2", "3-1", "a-b", "1-2-3"] {
            assert!(Ordinals::parse(bad).is_err(), "{bad:?} was taken");
        }
    }

    proptest! {
        #[test]
        fn printed_is_parsed(ms in 0u64..10_000_000, n in 0u64..10_000_000, a in 1u64..99, b in 0u64..99) {
            let time = Length(Duration::from_millis(ms));
            prop_assert_eq!(Length::parse(&time.print()).unwrap(), time);
            prop_assert_eq!(Size::parse(&Size(n).print()).unwrap(), Size(n));
            let some = Ordinals { first: a, last: a + b };
            prop_assert_eq!(Ordinals::parse(&some.print()).unwrap(), some);
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,20}") {
            let _ = (Length::parse(&text), Size::parse(&text), Rate::parse(&text), Ordinals::parse(&text));
        }
    }
}
