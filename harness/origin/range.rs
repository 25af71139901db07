//! Which part of `/bytes/N` a request asks for (RFC 9110, section 14).

/// What is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// 200, everything.
    Whole,
    /// 206, from the first byte to the last, both counted from 0.
    Bytes(u64, u64),
    /// 416: nothing of what there is was asked for.
    Nothing,
}

/// The entity tag of `/bytes/N`: strong, and the same in each run.
pub(super) fn etag(size: u64) -> String {
    format!("\"bytes-{size}\"")
}

/// What a request with these headers asks for of `size` bytes. What is no range, and several in
/// one request, is ignored, as a server may; so is a range whose If-Range names something else.
pub(super) fn part(method: &str, headers: &[(String, String)], size: u64) -> Part {
    let all = |name: &'static str| {
        let same = move |(n, _): &&(String, String)| n.eq_ignore_ascii_case(name);
        headers.iter().filter(same).map(|(_, value)| value.trim())
    };
    let mut ranges = all("range");
    let (Some(range), None, "GET") = (ranges.next(), ranges.next(), method) else {
        return Part::Whole;
    };
    if all("if-range").any(|tag| tag != etag(size)) {
        return Part::Whole;
    }
    satisfy(range, size).unwrap_or(Part::Whole)
}

/// One range of bytes; None when it is not one.
fn satisfy(range: &str, size: u64) -> Option<Part> {
    let (unit, set) = range.split_once('=')?;
    let (first, last) = set.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (number(first)?, number(last)?) {
        (None, None) => None,
        (Some(first), Some(last)) if first > last => None,
        (Some(first), _) if first >= size => Some(Part::Nothing),
        (Some(first), last) => Some(Part::Bytes(first, last.map_or(size - 1, |l| l.min(size - 1)))),
        // The last bytes, all of them when there are fewer.
        (None, Some(0)) => Some(Part::Nothing),
        (None, Some(_)) if size == 0 => Some(Part::Nothing),
        (None, Some(n)) => Some(Part::Bytes(size.saturating_sub(n), size - 1)),
    }
}

/// A position, or none; one that no number holds is the largest. Outer None: something else.
fn number(text: &str) -> Option<Option<u64>> {
    match text {
        "" => Some(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(lines: &[(&str, &str)]) -> Part {
        let lines: Vec<_> = lines.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        part("GET", &lines, 100)
    }

    #[test]
    fn ranges() {
        for (range, part) in [
            ("bytes=0-9", Part::Bytes(0, 9)),
            ("bytes=50-", Part::Bytes(50, 99)),
            ("Bytes = 50-500".trim(), Part::Bytes(50, 99)),
            ("bytes=-1", Part::Bytes(99, 99)),
            ("bytes=-1000", Part::Bytes(0, 99)),
            ("bytes=99-99999999999999999999999", Part::Bytes(99, 99)),
            ("bytes=100-", Part::Nothing),
            ("bytes=99999999999999999999999-", Part::Nothing),
            ("bytes=-0", Part::Nothing),
            ("bytes=9-0", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=0-9", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(asked(&[("Range", range)]), part, "{range}");
        }
        let lines = [("range".to_owned(), "bytes=0-0".to_owned())];
        assert_eq!(part("HEAD", &lines, 100), Part::Whole);
        assert_eq!(part("GET", &lines, 0), Part::Nothing);
    }

    #[test]
    fn if_range_has_to_name_what_is_there() {
        let range = ("range", "bytes=0-9");
        assert_eq!(asked(&[range, ("If-Range", "\"bytes-100\"")]), Part::Bytes(0, 9));
        assert_eq!(asked(&[range, ("If-Range", "W/\"bytes-100\"")]), Part::Whole, "weak");
        assert_eq!(asked(&[range, ("If-Range", "Thu, 01 Jan 1970 00:00:00 GMT")]), Part::Whole);
        assert_eq!(asked(&[range, range]), Part::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_always_inside(range in "(bytes=)?[0-9]{0,21}-?[0-9]{0,21}[ ,]?", size in 0u64..200) {
            let lines = [("Range".to_owned(), range)];
            if let Part::Bytes(first, last) = part("GET", &lines, size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
