//! A look over JSON that most likely is canonical, without making values of it.
//!
//! ```text
//! {"body":{"level":"2","names":["a"]},"kind":"label.issue"}     visits (2, level, 2) (2, names, a) (1, kind, label.issue)
//! ```
//! It is sure only of the plainest form: names in ASCII that ascend, no escapes. Whoever gets no answer reads the
//! text in full; that is also who refuses. Given valid JSON its answer is right; that it is valid, others tell.

/// A string that is no name: how many objects and lists it lies in, the name nearest above it, and itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Found<'a> {
    pub(super) depth: usize,
    pub(super) member: &'a str,
    pub(super) text: &'a str,
}

/// An object or list that is open.
#[derive(Clone, Copy)]
struct Open<'a> {
    is_object: bool,
    /// The last name in it; in a list, the one the list stands under.
    member: &'a str,
}

/// Shows every string that is no name to `visit`; `None` where the text is not of the plainest form, or `visit`
/// wants no more.
pub(super) fn strings<'a>(
    json: &'a str,
    mut visit: impl FnMut(Found<'a>) -> Option<()>,
) -> Option<()> {
    if json.contains('\\') {
        return None;
    }
    let mut open: Vec<Open<'a>> = Vec::with_capacity(MAX_DEPTH);
    let mut awaits_name = false;
    let mut at = 0;
    while let Some(byte) = json.as_bytes().get(at) {
        at += 1;
        match byte {
            b'"' => {
                let rest = json.get(at..)?;
                // Strings are short: a plain look at each byte is over before a search by words begins.
                let text = &rest[..rest.bytes().position(|byte| byte == b'"')?];
                at += text.len() + 1;
                let top = open.last_mut()?;
                if !awaits_name {
                    let member = top.member;
                    let depth = open.len();
                    visit(Found {
                        depth,
                        member,
                        text,
                    })?;
                } else if text > top.member && text.is_ascii() {
                    top.member = text;
                    awaits_name = false;
                } else {
                    return None;
                }
            }
            b'{' | b'[' => {
                let is_object = *byte == b'{';
                let above = open.last().map_or("", |above| above.member);
                let member = if is_object { "" } else { above };
                if open.len() == MAX_DEPTH {
                    return None;
                }
                open.push(Open { is_object, member });
                awaits_name = is_object;
            }
            b'}' | b']' => {
                open.pop()?;
                awaits_name = false;
            }
            b',' => awaits_name = open.last()?.is_object,
            _ => {}
        }
    }
    Some(())
}

/// Objects and lists within each other: twice what a body has.
const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(json: &str) -> Option<Vec<(usize, &str, &str)>> {
        let mut all = Vec::new();
        strings(json, |found| {
            all.push((found.depth, found.member, found.text));
            Some(())
        })?;
        Some(all)
    }

    #[test]
    fn strings_come_with_the_name_above_them() {
        let json = r#"{"a":{"b":"1","c":["2",{"d":"3"},["4"]]},"e":5,"f":[],"g":"é"}"#;
        assert_eq!(
            found(json).unwrap(),
            [
                (2, "b", "1"),
                (3, "c", "2"),
                (4, "d", "3"),
                (4, "c", "4"),
                (1, "g", "é")
            ]
        );
    }

    #[test]
    fn of_everything_else_it_is_not_sure() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        for json in [
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"c":1,"b":2}}"#,
            r#"{"":1}"#,
            r#"{"ä":1}"#,
            r#"{"a":"\n"}"#,
            r#"{"a":"\u0041"}"#,
            r#"{"\u0061":"b"}"#,
            r#"{"a":"b"#,
            "}",
            "\"a\"",
            &deep,
        ] {
            assert_eq!(found(json), None, "{json}");
        }
    }

    #[test]
    fn it_stops_where_the_visitor_does() {
        let mut count = 0;
        let stopped = strings(r#"["a","b","c"]"#, |found| {
            count += 1;
            (found.text != "b").then_some(())
        });
        assert_eq!((stopped, count), (None, 2));
    }
}
