//! Pure decisions: names and ARNs, event ids, page tokens, and AWS's words.

use aws::{AccountId, Arn, Fault, Region};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::index::GroupName;

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    api::logs::fault::invalid_parameter(message)
}

pub(crate) fn not_implemented(what: &str) -> Fault {
    Fault::new("NotImplemented", 501, format!("{what} is not implemented"))
}

pub(crate) fn no_such_group() -> Fault {
    api::logs::fault::resource_not_found("The specified log group does not exist.")
}

pub(crate) fn no_such_stream() -> Fault {
    api::logs::fault::resource_not_found("The specified log stream does not exist.")
}

pub(crate) fn bad_token() -> Fault {
    invalid("The specified nextToken is invalid.")
}

/// The ARN of a group without `:*`: `logGroupArn`.
pub(crate) fn group_arn(name: &GroupName) -> String {
    let GroupName { account, region, group } = name;
    format!("arn:aws:logs:{region}:{account}:log-group:{group}")
}

/// The group that `logGroupIdentifier` names: a name, or an ARN without `:*`.
pub(crate) fn identified(account: AccountId, region: &Region, identifier: &str) -> Result<GroupName, Fault> {
    if !identifier.starts_with("arn:") {
        return Ok(GroupName { account, region: region.clone(), group: identifier.to_owned() });
    }
    let refused = || {
        invalid(
            "1 validation error detected: Value at 'logGroupIdentifier' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [\\w#+=/:,.@-]*",
        )
    };
    let arn = Arn::parse(identifier).map_err(|_| refused())?;
    let group = arn.resource().strip_prefix("log-group:").filter(|group| !group.contains([':', '*']));
    let (Some(group), "logs") = (group, arn.service()) else { return Err(refused()) };
    let account = AccountId::parse(arn.account()).map_err(|_| refused())?;
    let region = Region::parse(arn.region()).map_err(|_| refused())?;
    Ok(GroupName { account, region, group: group.to_owned() })
}

/// The place of an event in the order of a group: time, then place in the journal, then place in its record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) at: u64,
    pub(crate) position: u64,
    pub(crate) line: u64,
}

impl Key {
    /// The last place before the time `at`.
    pub(crate) fn before(at: u64) -> Key {
        Key { at: at.saturating_sub(1), position: u64::MAX, line: u64::MAX }
    }
}

/// An event's id: 56 decimal digits of time << 144 | place in the journal << 16 | line, so that ids sort as events do.
pub(crate) fn event_id(key: Key) -> String {
    // Seven limbs of 32 bits, the lowest first: 224 bits hold 48 bits of time above 144.
    let mut limbs = [0u32; 7];
    let low = (u128::from(key.position) << 16) | u128::from(key.line & 0xffff);
    let time = u128::from(key.at) << 16;
    for (index, limb) in limbs.iter_mut().enumerate() {
        let bits = if index < 4 { low >> (32 * index) } else { time >> (32 * (index - 4)) };
        *limb = bits as u32;
    }
    let mut digits = String::new();
    for _ in 0..8 {
        let mut rest = 0u64;
        for limb in limbs.iter_mut().rev() {
            let value = (rest << 32) | u64::from(*limb);
            *limb = (value / 10_000_000) as u32;
            rest = value % 10_000_000;
        }
        digits.insert_str(0, &format!("{rest:07}"));
    }
    digits
}

/// A page token: opaque to clients, and good only for the kind and the group that it was made for.
pub(crate) fn token(kind: &str, of: &str, parts: &[&str]) -> String {
    let mut text = format!("{kind}\n{of}");
    for part in parts {
        text.push('\n');
        text.push_str(part);
    }
    URL_SAFE_NO_PAD.encode(text)
}

/// The `N` parts of a token made by [`token`].
pub(crate) fn open_token<const N: usize>(kind: &str, of: &str, token: &str) -> Result<[String; N], Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| bad_token())?;
    let text = String::from_utf8(bytes).map_err(|_| bad_token())?;
    let rest = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(bad_token)?;
    let rest = rest.strip_prefix(of).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(bad_token)?;
    let parts: Vec<String> = rest.splitn(N, '\n').map(str::to_owned).collect();
    parts.try_into().map_err(|_| bad_token())
}

/// The phrase up to the closing quote; `\"` and `\\` stand for the second character.
pub(crate) fn phrase(text: &str) -> Result<(String, &str), Fault> {
    let mut phrase = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((phrase, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => phrase.push(escaped),
                Some((_, other)) => phrase.extend(['\\', other]),
                None => phrase.push('\\'),
            },
            c => phrase.push(c),
        }
    }
    Err(invalid(format!("Invalid character(s) in term '\"{text}'")))
}

/// How many items a page has.
pub(crate) fn page_size(limit: Option<i64>, most: usize) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(most).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_event_id_is_the_number_that_aws_documents() {
        // 1 << 144 and 3 << 16 | 2, worked out by hand.
        let one = event_id(Key { at: 1, position: 0, line: 0 });
        assert_eq!(one, format!("{:0>56}", "22300745198530623141535718272648361505980416"));
        assert_eq!(event_id(Key { at: 0, position: 3, line: 2 }), format!("{:0>56}", "196610"));
        let real = event_id(Key { at: 1_769_860_800_789, position: 77, line: 1 });
        assert_eq!(real.len(), 56);
        assert!(real.starts_with("394692"), "{real}");
    }

    #[test]
    fn a_group_is_identified_by_name_or_by_arn_without_star() {
        let (account, region) = (AccountId::parse("123456789012").unwrap(), Region::parse("r").unwrap());
        let named = identified(account, &region, "/aws/lambda/f").unwrap();
        assert_eq!(group_arn(&named), "arn:aws:logs:r:123456789012:log-group:/aws/lambda/f");
        let other = identified(account, &region, "arn:aws:logs:eu:210987654321:log-group:g").unwrap();
        assert_eq!(
            (other.account.as_str(), other.region.as_str(), other.group.as_str()),
            ("210987654321", "eu", "g")
        );
        for bad in
            ["arn:aws:logs:r:123456789012:log-group:g:*", "arn:aws:s3:::b", "arn:aws:logs:r:1:log-group:g"]
        {
            assert_eq!(
                identified(account, &region, bad).unwrap_err().code,
                "InvalidParameterException",
                "{bad}"
            );
        }
    }

    #[test]
    fn a_token_opens_only_where_it_was_made() {
        let made = token("f", "group", &["1", "a\nb"]);
        assert_eq!(open_token::<2>("f", "group", &made), Ok(["1".to_owned(), "a\nb".to_owned()]));
        for result in [
            open_token::<2>("g", "group", &made),
            open_token::<2>("f", "grou", &made),
            open_token::<2>("f", "group", "x!"),
            open_token::<2>("f", "group", ""),
        ] {
            assert_eq!(
                result.unwrap_err().to_string(),
                "InvalidParameterException: The specified nextToken is invalid."
            );
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ids_sort_as_their_keys(
            // 56 digits last until the year 2109.
            a in (0u64..1 << 42, 0u64..1 << 50, 0u64..10_000),
            b in (0u64..1 << 42, 0u64..1 << 50, 0u64..10_000),
        ) {
            let key = |(at, position, line)| Key { at, position, line };
            let (a, b) = (key(a), key(b));
            prop_assert_eq!(a.cmp(&b), event_id(a).cmp(&event_id(b)));
        }
    }
}
