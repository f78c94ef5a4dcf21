//! Links that read as where they go: whoever may write a text here must not be able to hide an address behind
//! friendlier words.

/// Discord's longest message: a label cannot be longer.
const LONGEST_LABEL: usize = super::text::CONTENT_LIMIT;

const FENCE: &str = "```";

/// `[text](url)` becomes `text (url)`. Code stays as it is where Discord is sure to show it as code; where backticks
/// are odd, it counts as text.
pub fn unfolded(text: &str) -> String {
    rewritten(text, true)
}

/// The same for one message of a longer text, which may have been torn anywhere: what would become a link is broken,
/// at the same length.
pub fn disarmed(part: String) -> String {
    if part.contains("](") {
        rewritten(&part, false)
    } else {
        part
    }
}

fn rewritten(text: &str, unfold: bool) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    // After the first backtick without a clear partner nothing counts as code any more.
    let mut code_is_clear = true;
    while let Some(at) = rest.find(['\\', '`', '[', ']']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let taken = match from.as_bytes()[0] {
            b'`' => {
                let code = code_is_clear.then(|| code(from)).flatten();
                code_is_clear = code.is_some();
                let taken = code.unwrap_or_else(|| backticks(from));
                out.push_str(&from[..taken]);
                taken
            }
            b'\\' if from[1..].starts_with('[') => {
                out.push_str("\\[");
                2
            }
            b'\\' => {
                code_is_clear &= !from[1..].starts_with('`');
                out.push('\\');
                1
            }
            b'[' => {
                if let Some((label, url, taken)) = masked_link(from).filter(|_| unfold) {
                    out.push_str(&rewritten(label, true));
                    out.push_str(" (");
                    out.push_str(url);
                    out.push(')');
                    taken
                } else {
                    out.push('[');
                    1
                }
            }
            _ if address(&from[1..]).is_none() => {
                out.push(']');
                1
            }
            _ => {
                out.push_str(if unfold { "] " } else { "\u{ff3d}" });
                1
            }
        };
        rest = &from[taken..];
    }
    out.push_str(rest);
    out
}

fn backticks(text: &str) -> usize {
    text.bytes().take_while(|b| *b == b'`').count()
}

/// Length of the code at the start of a text, if the next backticks are as many as the first.
fn code(text: &str) -> Option<usize> {
    let run = backticks(text);
    let inside = text[run..].find('`')?;
    let end = run + inside;
    let clear = backticks(&text[end..]) == run && run <= FENCE.len();
    let shown = !text[run..end].trim_matches('\n').is_empty();
    (clear && shown).then_some(end + run)
}

/// Label, target and length of a masked link at the start of a text. Brackets in a label come in pairs.
fn masked_link(text: &str) -> Option<(&str, &str, usize)> {
    let mut depth = 0_usize;
    let middle = text
        .char_indices()
        .take(LONGEST_LABEL)
        .find_map(|(at, c)| {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            (depth == 0).then_some(at)
        })?;
    let url = address(&text[middle + 1..])?;
    let target = &text[middle + 2..];
    let end = target.find([')', '\n'])?;
    let whole = target[end..].starts_with(')');
    whole.then(|| (&text[1..middle], url, middle + 2 + end + 1))
}

/// What stands in the round brackets at the start of a text, up to their end, if it has a scheme: nothing else makes a
/// link in Discord.
fn address(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('(')?.trim_start();
    let end = inside.find([')', '\n']).unwrap_or(inside.len());
    let url = inside[..end].trim_end();
    let (scheme, _) = url.trim_start_matches('<').split_once(':')?;
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    named.then_some(url)
}
