/// The candidate that is most like `word`, when one is like enough to have been meant.
pub(super) fn of<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.len() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, _)| *far <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, removed, changed or swapped with their neighbour.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![(0..=to.len()).collect::<Vec<usize>>()];
    for at in 1..=from.len() {
        let mut row = vec![at];
        for other in 1..=to.len() {
            let same = usize::from(from[at - 1] != to[other - 1]);
            let mut least =
                (rows[at - 1][other] + 1).min(row[other - 1] + 1).min(rows[at - 1][other - 1] + same);
            let swapped =
                at > 1 && other > 1 && from[at - 1] == to[other - 2] && from[at - 2] == to[other - 1];
            if swapped {
                least = least.min(rows[at - 2][other - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_has_a_neighbour_and_a_strange_one_has_none() {
        let known = ["region", "listen", "account_id", "drain", "data"];
        for (word, want) in [
            ("regoin", Some("region")),
            ("region", Some("region")),
            ("account-id", Some("account_id")),
            ("lisen", Some("listen")),
            ("date", Some("data")),
            ("durability", None),
            ("", None),
        ] {
            assert_eq!(of(word, known.into_iter()), want, "{word}");
        }
    }
}
